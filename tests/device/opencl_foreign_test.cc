// Queues and memory of OpenCL that come from elsewhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "device/opencl/api.h"
#include "device/opencl_fixture.h"

namespace sconce::device {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

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
