#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sconce/device.h>

#include "device/device_suite.h"
#include "device/fake_cuda.h"

namespace sconce {
namespace {

using device::error_of;
using device::FakeCuda;
using device::pattern;
using ::testing::HasSubstr;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr Device kCuda1{DeviceType::cuda, 1};
constexpr Device kMeta{DeviceType::meta, 0};

DeviceSearch nothing() {
  DeviceSearch search;
  search.cuda = false;
  search.opencl = false;
  return search;
}

TEST(Devices, TheCpuIsAlwaysThere) {
  const Devices devices(nothing());
  ASSERT_EQ(devices.list().size(), 1U);
  EXPECT_EQ(devices.list()[0].device, Device{});
  EXPECT_TRUE(devices.list()[0].host_memory);
  EXPECT_TRUE(devices.has({}));
  EXPECT_FALSE(devices.has({DeviceType::cpu, 1}));
  EXPECT_EQ(devices.absence(DeviceType::cpu), "");
  EXPECT_GT(devices.memory({}).free, 0U);
}

TEST(Devices, MetaIsThereAndHasNoBytes) {
  const Devices devices(nothing());
  EXPECT_TRUE(devices.has(kMeta));
  EXPECT_EQ(devices.absence(DeviceType::meta), "");
  EXPECT_EQ(device::port_of(devices, kMeta), nullptr);
  const auto [code, text] = error_of([&] { static_cast<void>(devices.memory(kMeta)); });
  EXPECT_EQ(code, ErrorCode::unsupported);
  EXPECT_THAT(text, HasSubstr("meta has no memory"));
}

TEST(Devices, WhatIsNotLookedForIsNotThere) {
  const Devices devices(nothing());
  EXPECT_EQ(devices.absence(DeviceType::cuda), "not looked for");
  EXPECT_EQ(devices.absence(DeviceType::opencl), "not looked for");
}

TEST(Devices, AMissingDriverIsToldWithItsName) {
  DeviceSearch search;
  search.cuda_library = "libno-such-cuda.so.7";
  search.opencl_library = "libno-such-opencl.so.7";
  const Devices devices(search);
  EXPECT_EQ(devices.list().size(), 1U);
  EXPECT_THAT(devices.absence(DeviceType::cuda), HasSubstr("no driver: libno-such-cuda.so.7"));
  const auto [code, text] = error_of([&] { static_cast<void>(devices.memory(kCuda1)); });
  EXPECT_EQ(code, ErrorCode::unsupported);
  EXPECT_THAT(text, HasSubstr("there is no cuda:1 here: no driver: libno-such-cuda.so.7"));
}

TEST(Devices, AreFoundInOrderAndStayOpenForCopies) {
  const FakeCuda fake(2);
  {
    auto devices = std::make_unique<Devices>(FakeCuda::search());
    ASSERT_EQ(devices->list().size(), 3U);
    EXPECT_EQ(devices->list()[2].device, kCuda1);
    EXPECT_TRUE(devices->has(kCuda1));
    EXPECT_FALSE(devices->has({DeviceType::cuda, 2}));
    EXPECT_EQ(devices->absence(DeviceType::cuda), "");
    const Devices copy = *devices;
    devices.reset();
    EXPECT_EQ(copy.memory(kCuda1).free, 256 * kMiB);
    EXPECT_NE(device::port_of(copy, kCuda1), nullptr);
  }
  EXPECT_EQ(fake.leftovers(), "");
}

TEST(Devices, MemoryThatIsThereBecomesAStorageWithoutACopy) {
  const FakeCuda fake(2);
  {
    const Devices devices(FakeCuda::search());
    const device::MemoryPtr block = device::block_with(*device::port_of(devices, kCuda1), pattern(1000));
    const Storage storage = devices.view(kCuda1, block->address() + 100, 900, block);
    EXPECT_EQ(storage.device(), kCuda1);
    EXPECT_EQ(storage.device_address(), block->address() + 100);
    EXPECT_EQ(storage.dtype(), std::nullopt);
    std::vector<std::byte> bytes(900);
    storage.read(0, bytes);
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), pattern(1000).begin() + 100));
  }
  EXPECT_EQ(fake.leftovers(), "");
  const auto mine = pattern(64);
  const Storage here = Devices(nothing()).view({}, reinterpret_cast<std::uintptr_t>(mine.data()), 64);
  EXPECT_EQ(here.view().data(), mine.data());
  EXPECT_EQ(here.device(), Device{});
}

TEST(Devices, AStorageWithoutBytesIsOnADeviceWithoutABlock) {
  const FakeCuda fake(2);
  {
    const Devices devices(FakeCuda::search());
    const device::PortPtr port = device::port_of(devices, kCuda1);
    const Storage empty = device::storage_on(port, nullptr, 0, 0, DType::float32);
    EXPECT_EQ(empty.device(), kCuda1);
    EXPECT_EQ(empty.location(), "cuda:1");
    EXPECT_EQ(empty.device_address(), 0U);
    EXPECT_TRUE(empty.view().empty());
    EXPECT_EQ(device::memory_of(empty), nullptr);
    EXPECT_THROW(static_cast<void>(device::storage_on(port, nullptr, 0, 1, DType::float32)), Error);
  }
  EXPECT_EQ(fake.leftovers(), "");
}

TEST(Devices, CopiesAreTimed) {
  const FakeCuda fake(2);
  {
    const Devices devices(FakeCuda::search());
    for (const Device device : {Device{}, kCuda1}) {
      const DeviceSpeed speed = devices.measure(device, kMiB);
      EXPECT_GT(speed.copy_in, 0);
      EXPECT_GT(speed.copy_out, 0);
      EXPECT_GT(speed.copy_on, 0);
    }
    EXPECT_EQ(error_of([&] { static_cast<void>(devices.measure(kCuda1, 0)); }).first, ErrorCode::invalid_argument);
    EXPECT_EQ(error_of([&] { static_cast<void>(devices.measure(kCuda1, 200 * kMiB)); }).first, ErrorCode::memory);
    EXPECT_EQ(error_of([&] { static_cast<void>(devices.measure(kMeta)); }).first, ErrorCode::unsupported);
  }
  EXPECT_EQ(fake.leftovers(), "");
}

}  // namespace
}  // namespace sconce
