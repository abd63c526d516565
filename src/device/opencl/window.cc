// Device memory that the CPU shares, mapped.
#include <utility>

#include "device/opencl/core.h"

namespace sconce::device::opencl {
namespace {

class MappedWindow final : public Window {
 public:
  MappedWindow(CorePtr core, const Range& range)
      : core_(std::move(core)), queue_(core_->new_queue(core_->context.get())), mem_(block_of(range).mem()) {
    Status status = kSuccess;
    void* const bytes =
        core_->api->enqueue_map(queue_.get(), mem_, kTrue, kMapWrite, static_cast<std::size_t>(range.offset),
                                static_cast<std::size_t>(range.size), 0, nullptr, nullptr, &status);
    check(status, core_->doing("mapping memory of"));
    bytes_ = {static_cast<std::byte*>(bytes), static_cast<std::size_t>(range.size)};
  }
  ~MappedWindow() override { static_cast<void>(unmap()); }

  [[nodiscard]] std::span<std::byte> bytes() const noexcept override { return bytes_; }
  void release() override { check(unmap(), core_->doing("unmapping memory of")); }

 private:
  Status unmap() noexcept {
    if (bytes_.data() == nullptr) return kSuccess;
    const Status status = core_->api->enqueue_unmap(queue_.get(), mem_, bytes_.data(), 0, nullptr, nullptr);
    bytes_ = {};
    return status == kSuccess ? core_->api->finish(queue_.get()) : status;
  }

  const CorePtr core_;
  const Held<Queue> queue_;
  const Mem mem_;
  std::span<std::byte> bytes_;
};

}  // namespace

std::unique_ptr<Window> make_window(CorePtr core, const Range& range) {
  // Memory of another context needs a queue of that context; its owner can map it better than we can.
  if (!core->info.host_memory || range.size == 0 || block_of(range).context() != core->context.get()) return nullptr;
  return std::make_unique<MappedWindow>(std::move(core), range);
}

}  // namespace sconce::device::opencl
