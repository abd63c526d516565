#include "base/arena.h"

#include <algorithm>

namespace sconce {

namespace {
constexpr std::size_t kLargestBlock = std::size_t{1} << 20;
}

void* Arena::allocate_slow(std::size_t bytes, std::size_t alignment) {
  if (bytes > block_size_ / 4) {
    // A block of its own, so that the rest of the current one is not wasted. new[] aligns for every fundamental type.
    budget_->charge(bytes);
    blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(bytes));
    return blocks_.back().get();
  }
  budget_->charge(block_size_);
  blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(block_size_));
  next_ = blocks_.back().get();
  end_ = next_ + block_size_;
  block_size_ = std::min(block_size_ * 2, kLargestBlock);
  return allocate(bytes, alignment);
}

}  // namespace sconce
