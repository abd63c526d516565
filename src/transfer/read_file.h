// Plain reads of an open file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "transfer/source_file.h"

namespace sconce::transfer {

/// Fills `into` with the bytes from `offset` on, through the page cache. Errors: `truncated`, `io`.
void read_file(const SourceFile& file, std::uint64_t offset, std::span<std::byte> into);

/// Throws `truncated`: the file ends at `end`.
[[noreturn]] void ends_early(const SourceFile& file, std::uint64_t end, std::size_t missing);

/// A part of a file that is mapped for as long as this lives.
class MappedPart {
 public:
  /// Errors: `io`; `truncated` where the file does not reach so far: touching what is not there would be a
  /// SIGBUS.
  MappedPart(const SourceFile& file, std::uint64_t offset, std::uint64_t size);
  MappedPart(const MappedPart&) = delete;
  MappedPart& operator=(const MappedPart&) = delete;
  ~MappedPart();
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  void* at_ = nullptr;
  std::size_t mapped_ = 0;
  std::span<const std::byte> bytes_;
};

}  // namespace sconce::transfer
