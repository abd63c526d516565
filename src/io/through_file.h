// Writing to what is no regular file: a FIFO, a terminal, /dev/null.
#pragma once

#include <cstdint>
#include <string>

#include "io/descriptor.h"
#include "io/target.h"

namespace sconce::io {

/// Writes in order into an existing stream. There is nothing to replace and nothing to take back. Not thread-safe.
class ThroughFile final : public Target {
 public:
  /// A FIFO waits for its reader. Errors: `io`.
  ThroughFile(FileSystem& files, const std::string& path);

  void write(std::span<const std::byte> bytes) override;
  void commit() override;

 private:
  const std::string path_;
  Descriptor descriptor_;
  std::uint64_t offset_ = 0;
};

}  // namespace sconce::io
