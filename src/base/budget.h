// How much memory the metadata of one file may cost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <utility>

#include <sconce/options.h>

namespace sconce {

/// Charged before anything is allocated on the word of a file. The budget grows with the metadata that was really read,
/// so that a large honest file passes and a small bomb does not. Not thread-safe: one reader, one budget.
class MemoryBudget {
 public:
  explicit MemoryBudget(const Limits& limits = {}) noexcept
      : per_byte_(limits.memory_per_metadata_byte), limit_(limits.memory_base) {}

  /// From now on charge() ends in `cancelled` where this token is set: whatever takes long takes memory.
  void watch(std::stop_token cancel) noexcept { cancel_ = std::move(cancel); }

  /// `bytes` of metadata were read; the budget grows by their share.
  void grow(std::uint64_t bytes) noexcept {
    std::uint64_t share = 0;
    if (__builtin_mul_overflow(bytes, per_byte_, &share) || __builtin_add_overflow(limit_, share, &limit_))
      limit_ = UINT64_MAX;
  }

  /// Take `bytes` from the budget. Errors: `limit`, `cancelled`.
  void charge(std::uint64_t bytes) {
    if (cancel_.stop_requested()) cancelled();
    if (bytes > limit_ - used_) exceeded(bytes);
    used_ += bytes;
  }
  void release(std::uint64_t bytes) noexcept { used_ -= bytes < used_ ? bytes : used_; }

  [[nodiscard]] std::uint64_t used() const noexcept { return used_; }
  [[nodiscard]] std::uint64_t limit() const noexcept { return limit_; }

 private:
  [[noreturn]] void exceeded(std::uint64_t bytes) const;
  [[noreturn]] static void cancelled();

  std::uint64_t per_byte_;
  std::uint64_t limit_;
  std::uint64_t used_ = 0;
  std::stop_token cancel_;
};

}  // namespace sconce
