// What is particular to OpenCL; what all devices have in common is in the device suite.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdio>
#include <cstring>
#include <functional>
#include <numeric>
#include <thread>

#include <sconce/error.h>

#include "device/opencl/api.h"
#include "device/opencl_here.h"
#include "tensor/cast.h"

namespace sconce::device {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

std::vector<std::byte> pattern(std::size_t size, unsigned seed = 1) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>((i * 131 + i / 251 + seed) & 0xff);
  return bytes;
}

std::vector<std::byte> read_back(const Port& port, const MemoryPtr& memory) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(memory->size()));
  port.stream()->copy_out(bytes, {memory.get(), 0, memory->size()});
  return bytes;
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

class OpenCl : public testing::Test {
 protected:
  void SetUp() override { open(0); }
  /// The first device, with so much memory.
  void open(std::uint64_t memory) {
    Backend backend = opencl_here(memory);
    if (backend.ports.empty()) GTEST_SKIP() << "no OpenCL device here: " << backend.absence;
    port_ = backend.ports.front();
  }
  PortPtr port_;
};

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

// --- casts ---

std::vector<std::byte> cast_on(const Port& port, DType to, DType from, std::span<const std::byte> in,
                               std::uint64_t shift = 0) {
  const std::uint64_t count = in.size() / element_size(from);
  const MemoryPtr source = port.allocate(in.size() + shift);
  const MemoryPtr target = port.allocate(count * element_size(to) + shift);
  std::vector<std::byte> out(static_cast<std::size_t>(count * element_size(to)));
  const auto stream = port.stream();
  stream->copy_in({source.get(), shift, in.size()}, in);
  stream->cast({target.get(), shift, out.size()}, to, {source.get(), shift, in.size()}, from);
  stream->copy_out(out, {target.get(), shift, out.size()});
  return out;
}

std::vector<std::byte> cast_here(DType to, DType from, std::span<const std::byte> in) {
  const std::uint64_t count = in.size() / element_size(from);
  std::vector<std::byte> out(static_cast<std::size_t>(count * element_size(to)));
  tensor::cast_elements(from, in.data(), to, out.data(), count);
  return out;
}

template <typename Bits>
std::span<const std::byte> bytes_of_all(const std::vector<Bits>& values) {
  return std::as_bytes(std::span(values));
}

/// Every half, what lies next to it among the floats and halfway to the next; and floats from all over.
std::vector<std::uint32_t> telling_floats() {
  std::vector<std::uint32_t> floats;
  for (std::uint32_t high = 0; high < 0x10000; ++high) {
    for (const std::uint32_t low :
         {0x0000U, 0x0001U, 0x0fffU, 0x1000U, 0x1001U, 0x2000U, 0x7fffU, 0x8000U, 0x8001U, 0xffffU})
      floats.push_back(high << 16 | low);
  }
  for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += 4099)
    floats.push_back(static_cast<std::uint32_t>(bits));
  return floats;
}

class OpenClCasts : public OpenCl {
 protected:
  void SetUp() override {
    OpenCl::SetUp();
    if (port_ == nullptr) return;
    if (!port_->casts(DType::float16, DType::float32)) GTEST_SKIP() << "this OpenCL device builds no kernels";
  }
};

TEST_F(OpenClCasts, AllHalvesWidenAsOnTheCpu) {
  std::vector<std::uint16_t> all(65536);
  std::iota(all.begin(), all.end(), std::uint16_t{0});
  for (const DType from : {DType::float16, DType::bfloat16})
    EXPECT_EQ(cast_on(*port_, DType::float32, from, bytes_of_all(all)),
              cast_here(DType::float32, from, bytes_of_all(all)))
        << to_string(from);
}

TEST_F(OpenClCasts, FloatsNarrowAsOnTheCpu) {
  const auto floats = telling_floats();
  for (const DType to : {DType::float16, DType::bfloat16})
    EXPECT_EQ(cast_on(*port_, to, DType::float32, bytes_of_all(floats)),
              cast_here(to, DType::float32, bytes_of_all(floats)))
        << to_string(to);
}

TEST_F(OpenClCasts, WorkForAnyCountAndAnyPlace) {
  const auto bytes = pattern(4 * 1031);
  for (const std::size_t count : {1U, 2U, 255U, 256U, 257U, 1031U})
    for (const std::uint64_t shift : {0U, 1U, 2U, 3U}) {
      const auto in = std::span(bytes).first(4 * count);
      EXPECT_EQ(cast_on(*port_, DType::float16, DType::float32, in, shift),
                cast_here(DType::float16, DType::float32, in))
          << count << " elements from byte " << shift;
    }
}

TEST_F(OpenClCasts, LeaveTheBytesBesideAlone) {
  const std::vector<float> ones(100, 1.0F);
  const MemoryPtr source = port_->allocate(400);
  const MemoryPtr target = port_->allocate(1000);
  const auto stream = port_->stream();
  stream->fill({target.get(), 0, 1000}, std::byte{0x55});
  stream->copy_in({source.get(), 0, 400}, std::as_bytes(std::span(ones)));
  stream->cast({target.get(), 300, 200}, DType::bfloat16, {source.get(), 0, 400}, DType::float32);
  stream->synchronise();
  const auto bytes = read_back(*port_, target);
  EXPECT_EQ(bytes[299], std::byte{0x55});
  EXPECT_EQ(bytes[500], std::byte{0x55});
  EXPECT_EQ(bytes[301], std::byte{0x3f});
  EXPECT_EQ(bytes[499], std::byte{0x3f});
}

TEST_F(OpenCl, CastsThatItDoesNotDoAreRefused) {
  EXPECT_FALSE(port_->casts(DType::float32, DType::int64));
  const MemoryPtr memory = port_->allocate(64);
  const auto [code, text] = error_of([&] {
    port_->stream()->cast({memory.get(), 0, 32}, DType::float32, {memory.get(), 32, 32}, DType::int64);
  });
  EXPECT_EQ(code, ErrorCode::unsupported);
  EXPECT_THAT(text, HasSubstr("opencl:0 does not cast int64 to float32"));
}

// --- queues and memory that come from elsewhere ---

/// A context of a program that knows nothing of Sconce.
class OpenClForeign : public OpenCl {
 protected:
  void SetUp() override {
    OpenCl::SetUp();
    if (port_ == nullptr) return;
    std::string why;
    api_ = opencl::open_api(DeviceSearch().opencl_library, why);
    ASSERT_NE(api_, nullptr) << why;
    opencl::Platform platform = nullptr;
    ASSERT_EQ(api_->get_platform_ids(1, &platform, nullptr), opencl::kSuccess);
    ASSERT_EQ(api_->get_device_ids(platform, opencl::kDeviceTypeAll, 1, &device_, nullptr), opencl::kSuccess);
    opencl::Status status = opencl::kSuccess;
    context_.reset(api_->create_context(nullptr, 1, &device_, nullptr, nullptr, &status));
    context_.get_deleter() = api_->release_context;
    ASSERT_EQ(status, opencl::kSuccess);
    queue_ = queue(0);
  }
  opencl::Held<opencl::Queue> queue(opencl::Flags flags) const {
    opencl::Status status = opencl::kSuccess;
    opencl::Held<opencl::Queue> made(api_->create_queue(context_.get(), device_, flags, &status), api_->release_queue);
    EXPECT_EQ(status, opencl::kSuccess);
    return made;
  }
  opencl::Held<opencl::Mem> buffer(std::size_t size) const {
    opencl::Status status = opencl::kSuccess;
    opencl::Held<opencl::Mem> made(api_->create_buffer(context_.get(), opencl::kMemReadWrite, size, nullptr, &status),
                                   api_->release_mem);
    EXPECT_EQ(status, opencl::kSuccess);
    return made;
  }

  std::shared_ptr<const opencl::Api> api_;
  opencl::DeviceId device_ = nullptr;
  opencl::Held<opencl::Context> context_{nullptr, nullptr};
  opencl::Held<opencl::Queue> queue_{nullptr, nullptr};
};

std::uintptr_t address_of(const opencl::Held<opencl::Mem>& mem) { return reinterpret_cast<std::uintptr_t>(mem.get()); }

TEST_F(OpenClForeign, MemoryOfAnotherContextIsReadAndWritten) {
  const auto mem = buffer(10000);
  const MemoryPtr theirs = port_->adopt(address_of(mem), 10000, nullptr, nullptr);
  EXPECT_EQ(theirs->address(), address_of(mem));
  const auto bytes = pattern(10000);
  const auto stream = port_->stream();
  stream->copy_in({theirs.get(), 0, 10000}, bytes);
  EXPECT_EQ(read_back(*port_, theirs), bytes);
  const MemoryPtr ours = port_->allocate(10000);
  stream->copy_on({ours.get(), 0, 10000}, {theirs.get(), 0, 10000});
  EXPECT_EQ(read_back(*port_, ours), bytes);
  EXPECT_EQ(port_->memory().free, port_->memory().total - 10000);  // theirs is not of our budget
  EXPECT_EQ(port_->window({theirs.get(), 0, 10}), nullptr);
}

TEST_F(OpenClForeign, ReadsAreOrderedBehindTheCallersQueue) {
  const auto mem = buffer(8 * kMiB);
  const MemoryPtr theirs = port_->adopt(address_of(mem), 8 * kMiB, nullptr, queue_.get());
  EXPECT_EQ(theirs->stream(), queue_.get());
  for (int round = 0; round < 10; ++round) {
    const char value = static_cast<char>(round + 1);
    ASSERT_EQ(api_->enqueue_fill(queue_.get(), mem.get(), &value, 1, 0, 8 * kMiB, 0, nullptr, nullptr), 0);
    std::byte last{};
    port_->stream(theirs->stream())->copy_out({&last, 1}, {theirs.get(), 8 * kMiB - 1, 1});
    EXPECT_EQ(last, static_cast<std::byte>(value));
    std::byte first{};
    port_->stream()->copy_out({&first, 1}, {theirs.get(), 0, 1});  // and from a stream of ours
    EXPECT_EQ(first, static_cast<std::byte>(value));
  }
}

TEST_F(OpenClForeign, TheCallersQueueReachesOurMemoryToo) {
  const auto bytes = pattern(5000);
  const MemoryPtr ours = port_->allocate(5000);
  {
    const auto stream = port_->stream(queue_.get());
    stream->copy_in({ours.get(), 0, 5000}, bytes);
    stream->wait(stream->mark());
  }
  EXPECT_EQ(read_back(*port_, ours), bytes);
  EXPECT_EQ(api_->finish(queue_.get()), opencl::kSuccess);  // it is still the caller's
}

TEST_F(OpenClForeign, AQueueWithoutOrderIsRefused) {
  const auto unordered = queue(opencl::kQueueOutOfOrder);
  const auto [code, text] = error_of([&] { static_cast<void>(port_->stream(unordered.get())); });
  EXPECT_EQ(code, ErrorCode::unsupported);
  EXPECT_THAT(text, HasSubstr("CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE"));
}

TEST_F(OpenClForeign, AClMemThatIsSmallerThanSaidIsRefused) {
  const auto mem = buffer(100);
  const auto [code, text] = error_of([&] { static_cast<void>(port_->adopt(address_of(mem), 101, nullptr, nullptr)); });
  EXPECT_EQ(code, ErrorCode::invalid_argument);
  EXPECT_THAT(text, HasSubstr("has 100 bytes, not the 101"));
  EXPECT_EQ(error_of([&] { static_cast<void>(port_->adopt(0, 1, nullptr, nullptr)); }).first,
            ErrorCode::invalid_argument);
}

/// Gives blocks of a context, and counts them.
class Allocator final : public DeviceAllocator {
 public:
  explicit Allocator(std::function<std::uintptr_t(std::uint64_t)> make, std::function<void(std::uintptr_t)> release)
      : make_(std::move(make)), release_(std::move(release)) {}
  [[nodiscard]] std::uintptr_t allocate(Device, std::uint64_t nbytes, void*) override {
    ++alive;
    return make_(nbytes);
  }
  void release(Device, std::uintptr_t address, std::uint64_t) noexcept override {
    --alive;
    release_(address);
  }
  int alive = 0;

 private:
  std::function<std::uintptr_t(std::uint64_t)> make_;
  std::function<void(std::uintptr_t)> release_;
};

TEST_F(OpenClForeign, ABlockOfTheCallersAllocatorIsGivenBackOnce) {
  const auto allocator = std::make_shared<Allocator>(
      [this](std::uint64_t size) { return reinterpret_cast<std::uintptr_t>(buffer(size).release()); },
      [this](std::uintptr_t address) { api_->release_mem(reinterpret_cast<opencl::Mem>(address)); });
  MemoryPtr memory = port_->allocate_with(allocator, 4096, nullptr);
  EXPECT_EQ(allocator->alive, 1);
  const auto bytes = pattern(4096);
  port_->stream()->copy_in({memory.get(), 0, 4096}, bytes);
  EXPECT_EQ(read_back(*port_, memory), bytes);
  memory.reset();
  EXPECT_EQ(allocator->alive, 0);
}

}  // namespace
}  // namespace sconce::device
