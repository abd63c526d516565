#include "base/memory_block.h"

#include <sys/mman.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "base/checked.h"
#include "base/fail.h"
#include "base/text.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace sconce {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kHugePage = std::uint64_t{2} << 20;
constexpr std::uint64_t kMost = std::uint64_t{1} << 47;  // of address space

std::byte* map(std::uint64_t size) {
  void* const at = size > kMost ? MAP_FAILED  // also where rounding up would wrap
                                : ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) {
    fail(ErrorCode::memory, human_bytes(size) + " of memory cannot be had: " + std::generic_category().message(ENOMEM),
         {}, "do less at once, or raise the memory limit (ulimit -v)");
  }
  return static_cast<std::byte*>(at);
}

}  // namespace

MemoryBlock::MemoryBlock(std::uint64_t size) {
  if (size == 0) return;
  if (size > kMost) map(size);
  size_ = align_up(size, kPage);
  if (size_ < kHugePage) {
    bytes_ = map(size_);
    return;
  }
  std::byte* const begin = map(size_ + kHugePage);
  const std::uint64_t before =
      align_up(reinterpret_cast<std::uintptr_t>(begin), kHugePage) - reinterpret_cast<std::uintptr_t>(begin);
  bytes_ = begin + before;
  if (before != 0) ::munmap(begin, before);
  if (before != kHugePage) ::munmap(bytes_ + size_, kHugePage - before);
  ::madvise(bytes_, size_, MADV_HUGEPAGE);  // a kernel without huge pages gives small ones
}

MemoryBlock::~MemoryBlock() {
  if (bytes_ != nullptr) ::munmap(bytes_, size_);
}

void populate(std::span<std::byte> range) noexcept {
  if (!range.empty()) ::madvise(range.data(), range.size(), MADV_POPULATE_WRITE);
}

}  // namespace sconce
