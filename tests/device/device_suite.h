// What every device must do. A device joins by one more DeviceCase in device_suite_test.cc.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <sconce/error.h>

#include "device/port.h"

namespace sconce::device {

/// A device that is open.
struct OpenDevice {
  PortPtr port;                                                           ///< null where there is none
  std::string absence;                                                    ///< why
  std::function<std::string()> leftovers = [] { return std::string(); };  ///< once the port is gone: what was not freed
  /// A stream of the caller's, and what destroys it; empty where the device has none, or other tests have them.
  std::function<std::shared_ptr<void>()> make_external = [] { return std::shared_ptr<void>(); };
};

struct DeviceCase {
  std::string name;
  std::function<OpenDevice()> open;
  friend std::ostream& operator<<(std::ostream& out, const DeviceCase& one) { return out << one.name; }
};

class DeviceSuite : public testing::TestWithParam<DeviceCase> {
 protected:
  void SetUp() override {
    open_ = GetParam().open();
    if (open_.port == nullptr) GTEST_SKIP() << "no device: " << open_.absence;
  }
  void TearDown() override {
    if (open_.port == nullptr) return;
    open_.make_external = {};
    open_.port.reset();
    EXPECT_EQ(open_.leftovers(), "");
  }
  [[nodiscard]] const Port& port() const { return *open_.port; }

  OpenDevice open_;
};

/// Bytes that differ from their neighbours, and from other seeds.
inline std::vector<std::byte> pattern(std::size_t size, unsigned seed = 1) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>((i * 131 + i / 251 + seed) & 0xff);
  return bytes;
}

inline std::vector<std::byte> read_back(const Port& port, const MemoryPtr& memory) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(memory->size()));
  port.stream()->copy_out(bytes, {memory.get(), 0, memory->size()});
  return bytes;
}

/// A block with these bytes.
inline MemoryPtr block_with(const Port& port, std::span<const std::byte> bytes) {
  MemoryPtr memory = port.allocate(bytes.size());
  port.stream()->copy_in({memory.get(), 0, bytes.size()}, bytes);
  return memory;
}

/// Code and message of the Error that `body` throws.
template <typename Body>
std::pair<ErrorCode, std::string> error_of(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  ADD_FAILURE() << "no Error was thrown";
  return {};
}

/// An allocator of the caller's, over the port's own memory.
class PortAllocator final : public DeviceAllocator {
 public:
  explicit PortAllocator(const Port& port) : port_(port) {}
  [[nodiscard]] std::uintptr_t allocate(Device, std::uint64_t nbytes, void*) override {
    MemoryPtr memory = port_.allocate(nbytes);
    const std::lock_guard lock(mutex_);
    return blocks_.emplace(memory->address(), std::move(memory)).first->first;
  }
  void release(Device, std::uintptr_t address, std::uint64_t) noexcept override {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(blocks_.erase(address), 1U);
  }
  [[nodiscard]] std::size_t alive() const {
    const std::lock_guard lock(mutex_);
    return blocks_.size();
  }

 private:
  const Port& port_;
  mutable std::mutex mutex_;
  std::map<std::uintptr_t, MemoryPtr> blocks_;
};

}  // namespace sconce::device
