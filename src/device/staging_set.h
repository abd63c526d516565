// Which host memory is pinned: copies from and to it need no waiting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <mutex>
#include <span>

namespace sconce::device {

/// The staging buffers of a device that are alive. Thread-safe.
class StagingSet {
 public:
  void add(std::span<std::byte> bytes) {
    const std::lock_guard lock(mutex_);
    buffers_.emplace(reinterpret_cast<std::uintptr_t>(bytes.data()), bytes.size());
  }
  void remove(std::span<std::byte> bytes) noexcept {
    const std::lock_guard lock(mutex_);
    buffers_.erase(reinterpret_cast<std::uintptr_t>(bytes.data()));
  }
  /// Whether all of `bytes` lie in one buffer.
  [[nodiscard]] bool holds(std::span<const std::byte> bytes) const {
    const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
    const std::lock_guard lock(mutex_);
    const auto after = buffers_.upper_bound(begin);
    if (after == buffers_.begin()) return false;
    const auto& [start, size] = *std::prev(after);
    return begin - start <= size && bytes.size() <= size - (begin - start);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::uintptr_t, std::size_t> buffers_;  // address and size
};

}  // namespace sconce::device
