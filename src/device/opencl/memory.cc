// Blocks of device memory.
#include <utility>

#include "base/fail.h"
#include "base/memory_block.h"
#include "device/lent.h"
#include "device/opencl/core.h"

namespace sconce::device::opencl {
namespace {

constexpr std::uint64_t kHugePage = std::uint64_t{2} << 20;

/// A part of the budget.
class Charge {
 public:
  Charge(CorePtr core, std::uint64_t size) : core_(std::move(core)), size_(size) { core_->charge(size_); }
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;
  ~Charge() { core_->discharge(size_); }
  [[nodiscard]] const Core& core() const noexcept { return *core_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  const CorePtr core_;
  const std::uint64_t size_;
};

class OwnBlock final : public Block {
 public:
  OwnBlock(CorePtr core, std::uint64_t size) : charge_(std::move(core), size), mem_(nullptr, nullptr) {
    const Core& device = charge_.core();
    if (size == 0) return;
    mem_ = Held<Mem>(create(device, size), device.api->release_mem);
  }
  [[nodiscard]] std::uint64_t size() const noexcept override { return charge_.size(); }
  [[nodiscard]] Mem mem() const noexcept override { return mem_.get(); }
  [[nodiscard]] Context context() const noexcept override { return charge_.core().context.get(); }

 private:
  static Mem create(const Core& device, std::uint64_t size);

  Charge charge_;  // given back after the memory
  Held<Mem> mem_;
};

/// The cl_mem lies in a block of this process, which is given back when the driver is done with it.
void release_block(Mem, void* block) { delete static_cast<MemoryBlock*>(block); }

/// A large block of a CPU device in huge pages, which the driver would not take: touching small ones for the first time
/// costs more than the copy. Null where the driver has no buffers in memory of others.
Mem create_in_huge_pages(const Core& device, std::uint64_t size) {
  auto block = std::make_unique<MemoryBlock>(size);
  Status status = kSuccess;
  Mem mem = device.api->create_buffer(device.context.get(), kMemReadWrite | kMemUseHostPtr,
                                      static_cast<std::size_t>(size), block->bytes().data(), &status);
  if (status != kSuccess) return nullptr;
  if (device.api->set_mem_destructor(mem, release_block, block.get()) == kSuccess) {
    static_cast<void>(block.release());
    return mem;
  }
  device.api->release_mem(mem);
  return nullptr;
}

Mem OwnBlock::create(const Core& device, std::uint64_t size) {
  if (device.is_cpu && size >= kHugePage)
    if (Mem mem = create_in_huge_pages(device, size)) return mem;
  Status status = kSuccess;
  Mem mem =
      device.api->create_buffer(device.context.get(), kMemReadWrite, static_cast<std::size_t>(size), nullptr, &status);
  check(status, device.doing("allocating " + std::to_string(size) + " bytes on"));
  return mem;
}

/// A cl_mem that somebody else made.
class ForeignBlock final : public Block {
 public:
  ForeignBlock(CorePtr core, Mem mem, std::uint64_t size, std::shared_ptr<const void> owner, void* stream)
      : core_(std::move(core)),
        owner_(std::move(owner)),
        mem_(nullptr, core_->api->release_mem),
        size_(size),
        stream_(stream) {
    if (size_ == 0) return;
    check(core_->api->retain_mem(mem), core_->doing("taking a cl_mem over on"));
    mem_.reset(mem);
    inspect();
  }
  [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }
  [[nodiscard]] Mem mem() const noexcept override { return mem_.get(); }
  [[nodiscard]] Context context() const noexcept override { return context_; }
  [[nodiscard]] void* stream() const noexcept override { return stream_; }

 private:
  void inspect() {
    const std::string doing = core_->doing("asking about a cl_mem of");
    std::size_t there = 0;
    check(core_->api->get_mem_info(mem_.get(), kMemContext, sizeof context_, &context_, nullptr), doing);
    check(core_->api->get_mem_info(mem_.get(), kMemSize, sizeof there, &there, nullptr), doing);
    if (size_ > there)
      fail(ErrorCode::invalid_argument, "the cl_mem has " + std::to_string(there) + " bytes, not the " +
                                            std::to_string(size_) + " that it is said to have");
  }

  const CorePtr core_;
  const std::shared_ptr<const void> owner_;  // let go after our reference
  Held<Mem> mem_;
  const std::uint64_t size_;
  void* const stream_;
  Context context_ = nullptr;
};

}  // namespace

MemoryPtr allocate(CorePtr core, std::uint64_t size) { return std::make_shared<OwnBlock>(std::move(core), size); }

MemoryPtr allocate_with(CorePtr core, std::shared_ptr<DeviceAllocator> allocator, std::uint64_t size, void* stream) {
  if (size == 0) return allocate(std::move(core), 0);
  auto lent = std::make_shared<const Lent>(std::move(allocator), core->info.device, size, stream);
  const std::uintptr_t address = lent->address();
  return adopt(std::move(core), address, size, std::move(lent), nullptr);
}

MemoryPtr adopt(CorePtr core, std::uintptr_t address, std::uint64_t size, std::shared_ptr<const void> owner,
                void* stream) {
  if (address == 0 && size != 0)
    fail(ErrorCode::invalid_argument, "a null cl_mem has no " + std::to_string(size) + " bytes");
  return std::make_shared<ForeignBlock>(std::move(core), reinterpret_cast<Mem>(address), size, std::move(owner),
                                        stream);
}

}  // namespace sconce::device::opencl
