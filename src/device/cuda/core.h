// One CUDA device: what its port, blocks and streams share.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string_view>

#include "device/cuda/api.h"
#include "device/port.h"
#include "device/staging_set.h"

namespace sconce::device::cuda {

/// Thread rule: every function may be called from many threads at once.
class Core {
 public:
  Core(std::shared_ptr<const Api> functions, DeviceId device, DeviceInfo facts)
      : api(std::move(functions)), id(device), info(std::move(facts)) {}
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  /// Gives the context back, and with it all that is left in it.
  ~Core();

  const std::shared_ptr<const Api> api;
  const DeviceId id;
  const DeviceInfo info;

  /// The device's primary context, which PyTorch and CUDA's runtime use, too. Retained when it is first asked for:
  /// making one takes the driver a fraction of a second and some of the device's memory. Errors: `device`.
  [[nodiscard]] Context context() const;
  /// The same, or null where nobody has asked.
  [[nodiscard]] Context context_if_any() const noexcept;
  /// Throws where `status` is a failure; `what`: "copying to".
  void check(Status status, std::string_view what) const;

  mutable StagingSet staging;

  /// The kernel of that name; null where the driver does not take our kernels.
  [[nodiscard]] Function cast_function(const char* name) const noexcept;

 private:
  void load_casts() const;

  mutable std::mutex context_mutex_;
  mutable Context context_ = nullptr;
  mutable std::mutex casts_mutex_;
  mutable bool casts_tried_ = false;
  mutable Module casts_ = nullptr;
  mutable std::map<std::string_view, Function> functions_;  // all of them, or none
};
using CorePtr = std::shared_ptr<const Core>;

/// Makes the device's context current, and then again whatever was.
class Current {
 public:
  explicit Current(const Core& core);
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;
  ~Current();

 private:
  const Core& core_;
};

/// The same for destructors: what cannot be made current is left, since there is nothing left to release then.
class CurrentIfPossible {
 public:
  explicit CurrentIfPossible(const Core& core) noexcept;
  CurrentIfPossible(const CurrentIfPossible&) = delete;
  CurrentIfPossible& operator=(const CurrentIfPossible&) = delete;
  ~CurrentIfPossible();

 private:
  const Core& core_;
  bool pushed_ = false;
};

/// A block of device memory, ours or somebody else's.
class Block : public Memory {
 public:
  explicit Block(CorePtr core) : core_(std::move(core)) {}
  [[nodiscard]] const Core& core() const noexcept { return *core_; }

 protected:
  const CorePtr core_;
};
/// All memory that reaches this backend is its own.
[[nodiscard]] inline const Block& block_of(const Range& range) noexcept {
  return static_cast<const Block&>(*range.memory);
}
[[nodiscard]] inline Address address_of(const Range& range) noexcept { return range.memory->address() + range.offset; }

/// The functions of Port that make things.
[[nodiscard]] MemoryPtr allocate(CorePtr core, std::uint64_t size);
[[nodiscard]] MemoryPtr allocate_with(CorePtr core, std::shared_ptr<DeviceAllocator> allocator, std::uint64_t size,
                                      void* stream);
[[nodiscard]] MemoryPtr adopt(CorePtr core, std::uintptr_t address, std::uint64_t size,
                              std::shared_ptr<const void> owner, void* stream);
[[nodiscard]] std::unique_ptr<Staging> make_staging(CorePtr core, std::size_t size);
[[nodiscard]] std::unique_ptr<Stream> make_stream(CorePtr core, void* external);

}  // namespace sconce::device::cuda
