#include "base/arena.h"

#include <algorithm>
#include <iterator>

namespace sconce {

namespace {
constexpr std::size_t kLargestBlock = std::size_t{1} << 20;
constexpr std::size_t kWorthDropping = std::size_t{1} << 18;
}  // namespace

void* Arena::allocate_slow(std::size_t bytes, std::size_t alignment) {
  if (bytes > block_size_ / 4) {
    // A block of its own, so that the rest of the current one is not wasted. new[] aligns for every fundamental type.
    budget_->charge(bytes);
    large_.push_back(std::make_unique_for_overwrite<std::byte[]>(bytes));
    return large_.back().get();
  }
  budget_->charge(block_size_);
  blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(block_size_));
  next_ = blocks_.back().get();
  end_ = next_ + block_size_;
  block_size_ = std::min(block_size_ * 2, kLargestBlock);
  return allocate(bytes, alignment);
}

void Arena::drop(const void* array, std::size_t bytes) noexcept {
  if (bytes <= kWorthDropping) return;
  // Only what has a block of its own: an array that begins a common block and grew in place shares it with what came
  // after. Few arrays are as large as this, and those that are replaced are young.
  const auto found = std::ranges::find(large_.rbegin(), large_.rend(), array, &std::unique_ptr<std::byte[]>::get);
  if (found == large_.rend()) return;
  large_.erase(std::next(found).base());
  budget_->release(bytes);
}

}  // namespace sconce
