// Large blocks of memory of the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace sconce {

/// Fresh anonymous memory, zero until it is written; in huge pages where the kernel gives them. With pages of 4 KiB the
/// faults of fresh memory cost four times as much as the bytes that are read into it.
class MemoryBlock {
 public:
  /// Errors: `memory`.
  explicit MemoryBlock(std::uint64_t size);
  MemoryBlock(MemoryBlock&& other) noexcept
      : bytes_(std::exchange(other.bytes_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MemoryBlock(const MemoryBlock&) = delete;
  MemoryBlock& operator=(const MemoryBlock&) = delete;
  ~MemoryBlock();

  /// Begins at a page; at a huge page where there is room for one. The size is rounded up to whole pages; a block of no
  /// bytes has none.
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {bytes_, size_}; }

 private:
  std::byte* bytes_ = nullptr;
  std::size_t size_ = 0;
};

/// Takes the page faults of a range now, so that nobody waits for them later. Where the kernel cannot, nothing happens.
void populate(std::span<std::byte> range) noexcept;

}  // namespace sconce
