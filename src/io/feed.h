// Streams of the operating system and of C++, as what a spool reads from.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>

#include "io/descriptor.h"

namespace sconce::io {

/// Bytes that arrive once and in order. Called by one thread at a time.
class Feed {
 public:
  virtual ~Feed() = default;
  /// Puts at least one byte into `into`, which is not empty, and returns how many; 0 at the end. Takes no byte from the
  /// stream that it does not return. `name` is for errors. Errors: `io`.
  [[nodiscard]] virtual std::size_t read(std::span<std::byte> into, const std::string& name) = 0;
};

/// A pipe, a FIFO, a terminal, a socket. Waits where the descriptor would not.
[[nodiscard]] std::unique_ptr<Feed> descriptor_feed(Descriptor descriptor);

/// A stream from where it stands; it must outlive the feed. Whether it throws or sets its state makes no difference.
[[nodiscard]] std::unique_ptr<Feed> stream_feed(std::istream& stream);

}  // namespace sconce::io
