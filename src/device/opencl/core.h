// One open OpenCL device: what its port, blocks, streams and windows share.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "device/opencl/api.h"
#include "device/port.h"
#include "device/staging_set.h"

namespace sconce::device::opencl {

/// Thread rule: every function may be called from many threads at once.
class Core {
 public:
  /// Makes a context for the device. Errors: `device`.
  Core(std::shared_ptr<const Api> functions, DeviceId device, DeviceInfo facts);

  const std::shared_ptr<const Api> api;
  const DeviceId id;
  const DeviceInfo info;  ///< total_memory is the budget
  const Held<Context> context;
  const bool is_cpu;             ///< its memory is that of this process
  const bool little_endian;      ///< else it does no casts
  const std::size_t group_size;  ///< work items that go together in a kernel

  /// "copying to opencl:0", for messages.
  [[nodiscard]] std::string doing(std::string_view what) const;
  /// A queue of `queue_context` that does its work in order.
  [[nodiscard]] Held<Queue> new_queue(Context queue_context) const;

  /// Takes bytes of the budget. Errors: `memory`.
  void charge(std::uint64_t size) const;
  void discharge(std::uint64_t size) const noexcept { used_ -= size; }
  [[nodiscard]] std::uint64_t used() const noexcept { return used_; }

  mutable StagingSet staging;

  /// The program of the casts, built when somebody first asks; null where the device cannot build it.
  [[nodiscard]] Program cast_program() const;

 private:
  mutable std::atomic<std::uint64_t> used_ = 0;
  mutable std::once_flag program_once_;
  mutable Held<Program> program_;
};
using CorePtr = std::shared_ptr<const Core>;

/// A block of memory: a cl_mem of ours, or one that came from elsewhere, perhaps in another context.
class Block : public Memory {
 public:
  [[nodiscard]] virtual Mem mem() const noexcept = 0;
  [[nodiscard]] virtual Context context() const noexcept = 0;
  [[nodiscard]] std::uintptr_t address() const noexcept final { return reinterpret_cast<std::uintptr_t>(mem()); }
};
/// All memory that reaches this backend is its own.
[[nodiscard]] inline const Block& block_of(const Range& range) noexcept {
  return static_cast<const Block&>(*range.memory);
}

/// The functions of Port that make things.
[[nodiscard]] MemoryPtr allocate(CorePtr core, std::uint64_t size);
[[nodiscard]] MemoryPtr allocate_with(CorePtr core, std::shared_ptr<DeviceAllocator> allocator, std::uint64_t size,
                                      void* stream);
[[nodiscard]] MemoryPtr adopt(CorePtr core, std::uintptr_t address, std::uint64_t size,
                              std::shared_ptr<const void> owner, void* stream);
[[nodiscard]] std::unique_ptr<Staging> make_staging(CorePtr core, std::size_t size);
[[nodiscard]] std::unique_ptr<Window> make_window(CorePtr core, const Range& range);
[[nodiscard]] std::unique_ptr<Stream> make_stream(CorePtr core, void* external);

}  // namespace sconce::device::opencl
