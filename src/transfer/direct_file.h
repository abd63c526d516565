// A file past the page cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "io/descriptor.h"
#include "transfer/source_file.h"

namespace sconce::transfer {

/// An open file opened once more with O_DIRECT. Reads begin and end at pages, in the file as in memory: what is asked
/// for is rounded outwards.
class DirectFile {
 public:
  /// Nothing where the file system or the kernel has no such reads, or not with pages of 4 KiB, or where the file may
  /// no longer be opened.
  [[nodiscard]] static std::optional<DirectFile> open(const SourceFile& file);

  [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }
  /// Fills `into` with the bytes from `offset` on. The address of `into` and `offset` are equal modulo the page size;
  /// the pages in which `into` lies are overwritten as wholes. Errors: `truncated`, `io`.
  void read(const SourceFile& file, std::uint64_t offset, std::span<std::byte> into) const;

 private:
  explicit DirectFile(io::Descriptor descriptor) noexcept : descriptor_(std::move(descriptor)) {}
  io::Descriptor descriptor_;
};

}  // namespace sconce::transfer
