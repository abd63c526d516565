// Memory of the caller's allocator.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <sconce/device.h>

#include "base/fail.h"

namespace sconce::device {

/// A block that is given back once.
class Lent {
 public:
  /// Errors: `memory` where the allocator gives null; what it throws.
  Lent(std::shared_ptr<DeviceAllocator> allocator, Device device, std::uint64_t size, void* stream)
      : allocator_(std::move(allocator)),
        device_(device),
        size_(size),
        address_(allocator_->allocate(device, size, stream)) {
    if (address_ == 0)
      fail(ErrorCode::memory,
           "the allocator gave no memory for " + std::to_string(size) + " bytes on " + device.to_string());
  }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  ~Lent() { allocator_->release(device_, address_, size_); }

  [[nodiscard]] std::uintptr_t address() const noexcept { return address_; }

 private:
  const std::shared_ptr<DeviceAllocator> allocator_;
  const Device device_;
  const std::uint64_t size_;
  const std::uintptr_t address_;
};

}  // namespace sconce::device
