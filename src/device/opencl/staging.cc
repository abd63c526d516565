// Host memory to copy from and to. Where device and CPU share memory any pages will do; else the driver's pinned ones.
#include <sys/mman.h>

#include <memory>
#include <utility>

#include "base/fail.h"
#include "device/opencl/core.h"

namespace sconce::device::opencl {
namespace {

constexpr std::size_t kPage = 4096;

class PageStaging final : public Staging {
 public:
  PageStaging(CorePtr core, std::size_t size) : core_(std::move(core)), size_(size) {
    if (size == 0) return;
    void* const bytes = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
      fail(ErrorCode::memory, "there is no memory for a staging buffer of " + std::to_string(size) + " bytes");
    madvise(bytes, size, MADV_HUGEPAGE);
    bytes_ = static_cast<std::byte*>(bytes);
    core_->staging.add(this->bytes());
  }
  ~PageStaging() override {
    if (bytes_ == nullptr) return;
    core_->staging.remove(bytes());
    munmap(bytes_, size_);
  }
  [[nodiscard]] std::span<std::byte> bytes() const noexcept override { return {bytes_, size_}; }

 private:
  const CorePtr core_;
  const std::size_t size_;
  std::byte* bytes_ = nullptr;
};

/// A mapped buffer of pinned memory, with a page more than asked for, so that it can begin on one.
class PinnedStaging final : public Staging {
 public:
  PinnedStaging(CorePtr core, std::size_t size)
      : core_(std::move(core)), queue_(core_->new_queue(core_->context.get())), mem_(nullptr, core_->api->release_mem) {
    Status status = kSuccess;
    const std::string doing = core_->doing("pinning " + std::to_string(size) + " bytes for");
    mem_.reset(core_->api->create_buffer(core_->context.get(), kMemReadWrite | kMemAllocHostPtr, size + kPage, nullptr,
                                         &status));
    check(status, doing);
    mapped_ = core_->api->enqueue_map(queue_.get(), mem_.get(), kTrue, kMapRead | kMapWrite, 0, size + kPage, 0,
                                      nullptr, nullptr, &status);
    check(status, doing);
    void* begin = mapped_;
    std::size_t room = size + kPage;
    bytes_ = {static_cast<std::byte*>(std::align(kPage, size, begin, room)), size};
    core_->staging.add(bytes_);
  }
  ~PinnedStaging() override {
    core_->staging.remove(bytes_);
    core_->api->enqueue_unmap(queue_.get(), mem_.get(), mapped_, 0, nullptr, nullptr);
    core_->api->finish(queue_.get());
  }
  [[nodiscard]] std::span<std::byte> bytes() const noexcept override { return bytes_; }

 private:
  const CorePtr core_;
  const Held<Queue> queue_;
  Held<Mem> mem_;
  void* mapped_ = nullptr;
  std::span<std::byte> bytes_;
};

}  // namespace

std::unique_ptr<Staging> make_staging(CorePtr core, std::size_t size) {
  if (core->info.host_memory || size == 0) return std::make_unique<PageStaging>(std::move(core), size);
  if (size > core->info.max_allocation)
    fail(ErrorCode::memory, core->info.device.to_string() + " pins no block of " + std::to_string(size) + " bytes");
  return std::make_unique<PinnedStaging>(std::move(core), size);
}

}  // namespace sconce::device::opencl
