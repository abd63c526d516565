// What is particular to OpenCL; what all devices have in common is in the device suite.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <thread>

#include <sconce/error.h>

#include "device/opencl/api.h"
#include "device/opencl_fixture.h"

namespace sconce::device {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

TEST(OpenClAbsence, ALoaderThatDoesNotExistIsNoError) {
  DeviceSearch search;
  search.opencl_library = "libno-such-opencl.so.7";
  const Backend backend = open_opencl(search);
  EXPECT_TRUE(backend.ports.empty());
  EXPECT_EQ(backend.type, DeviceType::opencl);
  EXPECT_THAT(backend.absence, HasSubstr("no driver: libno-such-opencl.so.7"));
}

TEST(OpenClAbsence, ALibraryThatIsSomethingElseIsNamed) {
  DeviceSearch search;
  search.opencl_library = "libm.so.6";
  EXPECT_EQ(open_opencl(search).absence,
            "no driver: libm.so.6 has no clGetPlatformIDs, so it is no loader of OpenCL 1.2");
}

TEST(OpenClAbsenceDeathTest, ALoaderWithoutDriversIsNoError) {
  std::string why;
  if (opencl::open_api(DeviceSearch().opencl_library, why) == nullptr) GTEST_SKIP() << "no OpenCL loader here: " << why;
  testing::FLAGS_gtest_death_test_style = "threadsafe";  // a process whose loader has not looked around yet
  EXPECT_EXIT(
      {
        setenv("OCL_ICD_VENDORS", SCONCE_SOURCE_DIR "/docs", 1);  // a folder without drivers
        const Backend backend = open_opencl({});
        std::fputs(backend.absence.c_str(), stderr);
        std::_Exit(backend.ports.empty() ? 0 : 1);
      },
      testing::ExitedWithCode(0), "no driver is registered");
}

TEST(OpenClErrors, HaveTheNamesOfTheSpecification) {
  EXPECT_EQ(opencl::name_of(-1), "CL_DEVICE_NOT_FOUND");
  EXPECT_EQ(opencl::name_of(-14), "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST");
  EXPECT_EQ(opencl::name_of(-30), "CL_INVALID_VALUE");
  EXPECT_EQ(opencl::name_of(-54), "CL_INVALID_WORK_GROUP_SIZE");
  EXPECT_EQ(opencl::name_of(-64), "CL_INVALID_PROPERTY");
  EXPECT_EQ(opencl::name_of(-1001), "CL_PLATFORM_NOT_FOUND_KHR");
  EXPECT_EQ(opencl::name_of(-25), "OpenCL error -25");
  EXPECT_EQ(opencl::name_of(7), "OpenCL error 7");
}

TEST(OpenClErrors, SayWhatWasBeingDone) {
  EXPECT_NO_THROW(opencl::check(opencl::kSuccess, "copying"));
  const auto [code, text] = error_of([] { opencl::check(-5, "copying to opencl:0"); });
  EXPECT_EQ(code, ErrorCode::device);
  EXPECT_THAT(text, HasSubstr("copying to opencl:0 failed: CL_OUT_OF_RESOURCES"));
  EXPECT_EQ(error_of([] { opencl::check(-4, "allocating"); }).first, ErrorCode::memory);
}

TEST_F(OpenCl, SaysWhatItIs) {
  const DeviceInfo& info = port_->info();
  EXPECT_EQ(info.device, (Device{DeviceType::opencl, 0}));
  EXPECT_FALSE(info.name.empty());
  EXPECT_THAT(info.driver, HasSubstr("OpenCL "));
  EXPECT_THAT(info.driver, Not(HasSubstr("  ")));
  EXPECT_GT(info.total_memory, 0U);
  EXPECT_LE(info.max_allocation, info.total_memory);
  EXPECT_GT(info.max_allocation, 0U);
}

TEST_F(OpenCl, MemoryIsABudgetThatBlocksTakeAndGiveBack) {
  open(64 * kMiB);
  EXPECT_EQ(port_->memory().total, 64 * kMiB);
  MemoryPtr first = port_->allocate(40 * kMiB);
  EXPECT_EQ(port_->memory().free, 24 * kMiB);
  const auto [code, text] = error_of([&] { static_cast<void>(port_->allocate(24 * kMiB + 1)); });
  EXPECT_EQ(code, ErrorCode::memory);
  EXPECT_THAT(text, HasSubstr("opencl:0 has 24.0 MiB left of 64.0 MiB"));
  const MemoryPtr second = port_->allocate(24 * kMiB);
  EXPECT_EQ(port_->memory().free, 0U);
  first.reset();
  EXPECT_EQ(port_->memory().free, 40 * kMiB);
}

TEST_F(OpenCl, ABlockLargerThanTheDeviceAllowsIsRefused) {
  const auto [code, text] = error_of([&] { static_cast<void>(port_->allocate(port_->info().max_allocation + 1)); });
  EXPECT_EQ(code, ErrorCode::memory);
  EXPECT_THAT(text, HasSubstr("one block of opencl:0 has at most"));
  EXPECT_EQ(error_of([&] { static_cast<void>(port_->allocate(UINT64_MAX)); }).first, ErrorCode::memory);
  EXPECT_EQ(port_->memory().free, port_->memory().total);
}

TEST_F(OpenCl, ConcurrentAllocationsNeverTakeMoreThanTheBudget) {
  open(8 * kMiB);
  std::vector<std::vector<MemoryPtr>> blocks(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : blocks)
      threads.emplace_back([this, &mine] {
        try {
          while (true) mine.push_back(port_->allocate(kMiB / 2));
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::memory);
        }
      });
  }
  std::size_t count = 0;
  for (const auto& mine : blocks) count += mine.size();
  EXPECT_EQ(count, 16U);
  blocks.clear();
  EXPECT_EQ(port_->memory().free, 8 * kMiB);
}

TEST_F(OpenCl, ALargeBlockIsFilledInChunksThroughASmallStagingBuffer) {
  open(64 * kMiB);
  const auto bytes = pattern(9 * kMiB + 123);
  const MemoryPtr memory = port_->allocate(bytes.size());
  const auto staging = port_->staging(2 * kMiB);
  const auto stream = port_->stream();
  for (std::size_t at = 0; at < bytes.size(); at += kMiB) {
    const std::size_t size = std::min<std::size_t>(kMiB, bytes.size() - at);
    const auto half = staging->bytes().subspan(at / kMiB % 2 * kMiB, size);
    stream->synchronise();
    std::memcpy(half.data(), bytes.data() + at, size);
    stream->copy_in({memory.get(), at, size}, half);
  }
  stream->wait(stream->mark());
  EXPECT_EQ(read_back(*port_, memory), bytes);
}

TEST_F(OpenCl, StagingIsPageAlignedAndAsLargeAsAskedFor) {
  const auto staging = port_->staging(3 * kMiB + 5);
  EXPECT_EQ(staging->bytes().size(), 3 * kMiB + 5);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(staging->bytes().data()) % 4096, 0U);
  EXPECT_TRUE(port_->staging(0)->bytes().empty());
  EXPECT_EQ(error_of([&] { static_cast<void>(port_->staging(std::size_t{1} << 60)); }).first, ErrorCode::memory);
}

TEST_F(OpenCl, AFailingCommandIsReportedByName) {
  const MemoryPtr memory = port_->allocate(4096);
  const auto bytes = pattern(64);
  const auto stream = port_->stream();
  const auto [code, text] = error_of([&] { stream->copy_in({memory.get(), 4096, 64}, bytes); });
  EXPECT_EQ(code, ErrorCode::device);
  EXPECT_THAT(text, HasSubstr("copying to opencl:0 failed: CL_INVALID_VALUE"));
  stream->copy_in({memory.get(), 0, 64}, bytes);  // and the stream still works
  EXPECT_EQ(std::memcmp(read_back(*port_, memory).data(), bytes.data(), 64), 0);
}

TEST_F(OpenCl, WorkThatIsQueuedOutlivesItsBlockAndItsStream) {
  for (int round = 0; round < 20; ++round) {
    const auto stream = port_->stream();
    const MemoryPtr memory = port_->allocate(4 * kMiB);
    stream->fill({memory.get(), 0, memory->size()}, std::byte{7});
  }
  EXPECT_EQ(port_->memory().free, port_->memory().total);
}

TEST_F(OpenCl, ThousandsOfQueuedCommandsAreDoneInOrder) {
  const MemoryPtr memory = port_->allocate(3000);
  const auto stream = port_->stream();
  for (std::uint64_t i = 0; i < 3000; ++i) stream->fill({memory.get(), i, 3000 - i}, static_cast<std::byte>(i % 251));
  stream->wait(stream->mark());
  const auto bytes = read_back(*port_, memory);
  for (std::size_t i = 0; i < 3000; ++i) ASSERT_EQ(bytes[i], static_cast<std::byte>(i % 251)) << i;
}

TEST_F(OpenCl, AWindowIsTheDevicesMemory) {
  if (!port_->info().host_memory) GTEST_SKIP() << "this OpenCL device has memory of its own";
  for (const std::uint64_t size : {std::uint64_t{10000}, 5 * kMiB}) {
    const MemoryPtr memory = port_->allocate(size);
    const auto stream = port_->stream();
    stream->fill({memory.get(), 0, size}, std::byte{1});
    stream->synchronise();
    const auto window = port_->window({memory.get(), 100, 1000});
    ASSERT_NE(window, nullptr);
    ASSERT_EQ(window->bytes().size(), 1000U);
    EXPECT_EQ(window->bytes()[0], std::byte{1});  // what was there is there
    std::memset(window->bytes().data(), 2, 1000);
    window->release();
    EXPECT_TRUE(window->bytes().empty());
    window->release();
    const auto bytes = read_back(*port_, memory);
    EXPECT_EQ(bytes[99], std::byte{1});
    EXPECT_EQ(bytes[100], std::byte{2});
    EXPECT_EQ(bytes[1099], std::byte{2});
    EXPECT_EQ(bytes[1100], std::byte{1});
  }
}

TEST_F(OpenCl, TwoWindowsOfABlockAreTheSameMemoryWithoutACopy) {
  if (!port_->info().host_memory) GTEST_SKIP() << "this OpenCL device has memory of its own";
  const MemoryPtr memory = port_->allocate(4 * kMiB);
  const auto left = port_->window({memory.get(), 0, kMiB});
  const auto right = port_->window({memory.get(), kMiB, kMiB});
  EXPECT_EQ(left->bytes().data() + kMiB, right->bytes().data());
}

}  // namespace
}  // namespace sconce::device
