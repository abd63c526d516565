// Memory that is given back all at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/budget.h"

namespace sconce {

/// Bump allocator of trivially destructible things; addresses stay. Charges a budget before it takes memory.
class Arena {
 public:
  explicit Arena(std::shared_ptr<MemoryBudget> budget) noexcept : budget_(std::move(budget)) {}

  /// `alignment`: a power of two, at most that of std::max_align_t. Errors: `limit`.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment) {
    const auto at = reinterpret_cast<std::uintptr_t>(next_);
    const std::size_t skip = static_cast<std::size_t>(-at) & (alignment - 1);
    const auto left = static_cast<std::size_t>(end_ - next_);
    if (skip > left || bytes > left - skip) return allocate_slow(bytes, alignment);
    std::byte* result = next_ + skip;
    next_ = result + bytes;
    return result;
  }

  template <typename T>
  [[nodiscard]] T* allocate_array(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= alignof(std::max_align_t));
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(count, sizeof(T), &bytes)) bytes = SIZE_MAX;  // which no budget allows
    return static_cast<T*>(allocate(bytes, alignof(T)));
  }

  template <typename T>
  [[nodiscard]] T* make(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    return new (allocate_array<T>(1)) T(value);
  }

  [[nodiscard]] std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* to = allocate_array<char>(text.size());
    std::memcpy(to, text.data(), text.size());
    return {to, text.size()};
  }

  /// Tries to let the array that was allocated last grow in place.
  [[nodiscard]] bool extend(const void* array_end, std::size_t more) noexcept {
    if (array_end != next_ || more > static_cast<std::size_t>(end_ - next_)) return false;
    next_ += more;
    return true;
  }

  /// Gives memory back before its time: a large array that was replaced by a larger one. Small ones stay.
  template <typename T>
  void drop_array(const T* array, std::size_t count) noexcept {
    drop(array, count * sizeof(T));
  }

  [[nodiscard]] MemoryBudget& budget() noexcept { return *budget_; }

 private:
  void drop(const void* array, std::size_t bytes) noexcept;
  void* allocate_slow(std::size_t bytes, std::size_t alignment);

  std::shared_ptr<MemoryBudget> budget_;
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::vector<std::unique_ptr<std::byte[]>> large_;  // blocks of one array each
  std::byte* next_ = nullptr;
  std::byte* end_ = nullptr;
  std::size_t block_size_ = 4096;
};

}  // namespace sconce
