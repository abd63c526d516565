// DLPack of memory that lies on a device.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>

#include <sconce/error.h>

#include "device/dlpack_exports.h"
#include "device/opencl_here.h"

namespace sconce {
namespace {

using namespace device::dlpack;
using ::testing::ElementsAre;

class DlpackOpenCl : public testing::Test {
 protected:
  void SetUp() override {
    const device::Backend backend = device::opencl_here();
    if (backend.ports.empty()) GTEST_SKIP() << "no OpenCL device here: " << backend.absence;
    devices_.emplace(DeviceSearch{.cuda = false});
    port_ = device::port_of(*devices_, opencl_);
    ASSERT_NE(port_, nullptr);
    memory_ = port_->allocate(64);
    std::array<float, 16> values{};
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    port_->stream()->copy_in({memory_.get(), 0, 64}, std::as_bytes(std::span(values)));
  }
  const Device opencl_{DeviceType::opencl, 0};
  std::optional<Devices> devices_;
  device::PortPtr port_;
  device::MemoryPtr memory_;
};

TEST_F(DlpackOpenCl, AClMemGoesOutWithItsByteOffset) {
  const std::array<std::int64_t, 1> shape{3};
  const std::array<std::int64_t, 1> strides{2};
  const Storage storage = device::storage_on(port_, memory_, 16, 48, DType::float32);
  const Tensor tensor = Tensor::over(storage, DType::float32, shape, strides, 1);
  const Exported out(to_dlpack(tensor));
  EXPECT_EQ(out->dl_tensor.device.type, kOpenCl);
  EXPECT_EQ(out->dl_tensor.device.id, 0);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(out->dl_tensor.data), memory_->address());
  EXPECT_EQ(out->dl_tensor.byte_offset, 20U);
  EXPECT_EQ(out->flags, 0U);
}

TEST_F(DlpackOpenCl, AndComesBackWithoutACopy) {
  const std::array<std::int64_t, 1> shape{3};
  const std::array<std::int64_t, 1> strides{2};
  const Storage storage = device::storage_on(port_, memory_, 16, 48, DType::float32);
  Tensor tensor = Tensor::over(storage, DType::float32, shape, strides, 1);
  const Tensor back = from_dlpack(to_dlpack(tensor), *devices_);
  tensor = Tensor();
  EXPECT_EQ(back.storage().device(), opencl_);
  EXPECT_EQ(back.storage().device_address(), memory_->address());
  EXPECT_THAT(back.to_vector<float>(), ElementsAre(5, 7, 9));
}

TEST_F(DlpackOpenCl, ReadOnlyMemoryOfADeviceStaysReadable) {
  const std::array<std::int64_t, 1> shape{16};
  const std::array<std::int64_t, 1> strides{1};
  const Storage storage = device::storage_on(port_, memory_, 0, 64, DType::float32);
  Exported out(to_dlpack(Tensor::over(storage, DType::float32, shape, strides, 0)));
  out->flags = kReadOnly;
  const Tensor back = from_dlpack(out.release(), *devices_);
  EXPECT_EQ(back.storage().device(), opencl_);
  EXPECT_EQ(back.to_vector<float>()[15], 15);
  EXPECT_EQ(device::memory_of(back.storage())->address(), memory_->address());
  EXPECT_EQ(Exported(to_dlpack(back))->flags, kReadOnly);
}

}  // namespace
}  // namespace sconce
