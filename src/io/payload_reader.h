// One payload of a write plan, from front to back, with its checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/write_plan.h"

namespace sconce::io {

/// Opens a payload. Errors: `damaged` or `truncated` where it does not have `size` bytes, and what opening it throws.
[[nodiscard]] SourcePtr open_payload(const Payload& payload, std::uint64_t size);

/// Reads from an opened payload. Whatever is thrown learns which record and key it is.
void read_payload(const Payload& payload, const ByteSource& source, std::uint64_t offset, std::span<std::byte> into);

/// Pulls a payload. Whatever is thrown while that is done learns which record and key it is. The payload must outlive
/// it. Used by one thread at a time.
class PayloadReader {
 public:
  /// Errors: those of open_payload().
  PayloadReader(const Payload& payload, std::uint64_t size);

  /// Fills `into` with the next bytes. Errors: those of the source.
  void read(std::span<std::byte> into);

  /// The CRC-32 of all that was read, which is compared with the one that the input records unless `ignore`. Errors:
  /// `checksum`.
  [[nodiscard]] std::uint32_t finish(bool ignore) const;

 private:
  void check(std::uint32_t expected) const;

  const Payload& payload_;
  const SourcePtr source_;
  const std::size_t piece_;
  std::uint64_t offset_ = 0;
  std::uint32_t crc_ = 0;
};

}  // namespace sconce::io
