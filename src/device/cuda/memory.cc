// Blocks of device memory, and pinned memory of the host.
#include <utility>

#include "base/fail.h"
#include "device/cuda/core.h"
#include "device/lent.h"

namespace sconce::device::cuda {
namespace {

class OwnBlock final : public Block {
 public:
  OwnBlock(CorePtr core, std::uint64_t size) : Block(std::move(core)), size_(size) {
    if (size == 0) return;
    const Current current(*core_);
    core_->check(core_->api->mem_alloc(&address_, static_cast<std::size_t>(size)),
                 "allocating " + std::to_string(size) + " bytes on");
  }
  ~OwnBlock() override {
    if (address_ == 0) return;
    const CurrentIfPossible current(*core_);
    core_->api->mem_free(address_);  // waits for work that uses it
  }
  [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }
  [[nodiscard]] std::uintptr_t address() const noexcept override { return address_; }

 private:
  const std::uint64_t size_;
  Address address_ = 0;
};

/// Memory that others work with, too: whoever uses it does so behind their stream.
class ForeignBlock final : public Block {
 public:
  ForeignBlock(CorePtr core, std::uintptr_t address, std::uint64_t size, std::shared_ptr<const void> owner,
               void* stream)
      : Block(std::move(core)), address_(address), size_(size), owner_(std::move(owner)), stream_(stream) {}
  [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }
  [[nodiscard]] std::uintptr_t address() const noexcept override { return address_; }
  [[nodiscard]] void* stream() const noexcept override { return stream_; }

 private:
  const std::uintptr_t address_;
  const std::uint64_t size_;
  const std::shared_ptr<const void> owner_;
  void* const stream_;
};

class PinnedStaging final : public Staging {
 public:
  PinnedStaging(CorePtr core, std::size_t size) : core_(std::move(core)) {
    if (size == 0) return;
    const Current current(*core_);
    void* bytes = nullptr;
    core_->check(core_->api->mem_host_alloc(&bytes, size, kHostAllocPortable),
                 "pinning " + std::to_string(size) + " bytes of host memory for");
    bytes_ = {static_cast<std::byte*>(bytes), size};
    core_->staging.add(bytes_);
  }
  ~PinnedStaging() override {
    if (bytes_.empty()) return;
    core_->staging.remove(bytes_);
    const CurrentIfPossible current(*core_);
    core_->api->mem_free_host(bytes_.data());
  }
  [[nodiscard]] std::span<std::byte> bytes() const noexcept override { return bytes_; }

 private:
  const CorePtr core_;
  std::span<std::byte> bytes_;
};

}  // namespace

MemoryPtr allocate(CorePtr core, std::uint64_t size) { return std::make_shared<OwnBlock>(std::move(core), size); }

MemoryPtr allocate_with(CorePtr core, std::shared_ptr<DeviceAllocator> allocator, std::uint64_t size, void* stream) {
  if (size == 0) return allocate(std::move(core), 0);
  auto lent = std::make_shared<const Lent>(std::move(allocator), core->info.device, size, stream);
  const std::uintptr_t address = lent->address();
  return adopt(std::move(core), address, size, std::move(lent), stream);  // its last use may still be in the stream
}

MemoryPtr adopt(CorePtr core, std::uintptr_t address, std::uint64_t size, std::shared_ptr<const void> owner,
                void* stream) {
  if (address == 0 && size != 0)
    fail(ErrorCode::invalid_argument, "a null CUdeviceptr has no " + std::to_string(size) + " bytes");
  // Whoever names no stream means the default one, as PyTorch does.
  if (stream == nullptr) stream = reinterpret_cast<void*>(kStreamLegacy);
  return std::make_shared<ForeignBlock>(std::move(core), address, size, std::move(owner), stream);
}

std::unique_ptr<Staging> make_staging(CorePtr core, std::size_t size) {
  return std::make_unique<PinnedStaging>(std::move(core), size);
}

}  // namespace sconce::device::cuda
