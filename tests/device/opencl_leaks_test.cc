// Every object of OpenCL is given back, also where something failed: counted by a loader between us and the real one.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <array>

#include <sconce/error.h>

#include "device/opencl_here.h"

#ifndef SCONCE_COUNTING_OPENCL
#define SCONCE_COUNTING_OPENCL ""
#endif

namespace sconce::device {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

class OpenClObjects : public testing::Test {
 protected:
  void SetUp() override {
    const std::string library = SCONCE_COUNTING_OPENCL;
    if (library.empty()) GTEST_SKIP() << "no OpenCL loader was here when the tests were built";
    if (const Backend plain = opencl_here(); plain.ports.empty()) GTEST_SKIP() << "no OpenCL device: " << plain.absence;
    search_.opencl_library = library;
    void* const handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(handle, nullptr) << dlerror();
    alive_ = reinterpret_cast<long (*)(std::size_t)>(dlsym(handle, "counting_alive"));
    ASSERT_NE(alive_, nullptr);
  }
  /// Contexts, queues, buffers, events, programs, kernels.
  [[nodiscard]] std::array<long, 6> alive() const {
    return {alive_(0), alive_(1), alive_(2), alive_(3), alive_(4), alive_(5)};
  }
  [[nodiscard]] std::vector<PortPtr> open() const {
    Backend backend = open_opencl(search_);
    EXPECT_FALSE(backend.ports.empty()) << backend.absence;
    return std::move(backend.ports);
  }

  static constexpr std::array<long, 6> kNone{};
  DeviceSearch search_;
  long (*alive_)(std::size_t) = nullptr;
};

TEST_F(OpenClObjects, OpenDevicesHaveAContextEachAndNothingElse) {
  auto ports = open();
  EXPECT_EQ(alive(), (std::array<long, 6>{static_cast<long>(ports.size()), 0, 0, 0, 0, 0}));
  ports.clear();
  EXPECT_EQ(alive(), kNone);
}

TEST_F(OpenClObjects, AllWorkGivesBackWhatItTook) {
  auto ports = open();
  const Port& port = *ports.front();
  const std::vector<std::byte> bytes(5000);
  {
    const MemoryPtr small = port.allocate(5000);
    const MemoryPtr large = port.allocate(4 * kMiB);
    const auto staging = port.staging(kMiB);
    const auto stream = port.stream();
    stream->copy_in({small.get(), 0, 5000}, bytes);
    for (std::uint64_t i = 0; i < 1000; ++i) stream->copy_in({large.get(), i * 10, 10}, staging->bytes().first(10));
    stream->copy_on({large.get(), 0, 5000}, {small.get(), 0, 5000});
    stream->fill({large.get(), 5000, 10}, std::byte{3});
    stream->copy_out(staging->bytes().first(100), {large.get(), 0, 100});
    if (port.casts(DType::float16, DType::float32))
      stream->cast({large.get(), 0, 200}, DType::float16, {small.get(), 0, 400}, DType::float32);
    EXPECT_GT(alive_(3), 0);  // events of what nobody waited for
    const MemoryPtr again = port.adopt(small->address(), 5000, small, nullptr);
    if (const auto window = port.window({large.get(), 0, 100})) window->release();
    const auto unreleased = port.window({small.get(), 0, 100});
  }
  EXPECT_EQ(alive_(1), 0);
  EXPECT_EQ(alive_(2), 0);
  EXPECT_EQ(alive_(3), 0);
  EXPECT_EQ(alive_(5), 0);
  ports.clear();
  EXPECT_EQ(alive(), kNone);
}

TEST_F(OpenClObjects, FailuresGiveBackWhatTheyTook) {
  auto ports = open();
  {
    const Port& port = *ports.front();
    const MemoryPtr memory = port.allocate(100);
    const auto stream = port.stream();
    const std::vector<std::byte> bytes(100);
    EXPECT_THROW(stream->copy_in({memory.get(), 50, 100}, bytes), Error);
    EXPECT_THROW(stream->fill({memory.get(), 50, 100}, std::byte{1}), Error);
    EXPECT_THROW(static_cast<void>(port.adopt(memory->address(), 101, memory, nullptr)), Error);
    EXPECT_THROW(static_cast<void>(port.allocate(UINT64_MAX)), Error);
    EXPECT_THROW(static_cast<void>(port.window({memory.get(), 50, 100})), Error);
  }
  ports.clear();
  EXPECT_EQ(alive(), kNone);
}

}  // namespace
}  // namespace sconce::device
