// Devices: places for bytes. What is there is found at run time; nothing of a vendor is needed to build or to start.
//
// A location that a file records ("cuda:3", "mps", "npu:0") is text and stays text; a Device is a place of this
// machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/export.h>
#include <sconce/tensor.h>

namespace sconce {
inline namespace v0 SCONCE_API {

/// What is known of a device.
struct DeviceInfo {
  Device device;
  std::string name;                  ///< "NVIDIA H100 80GB HBM3"
  std::string driver;                ///< "CUDA 13.0"; "OpenCL 3.0 PoCL 3.1"; empty for the CPU
  std::uint64_t total_memory = 0;    ///< bytes; of the CPU, what this process may use (cgroup limits included)
  std::uint64_t max_allocation = 0;  ///< bytes of one block
  bool host_memory = false;          ///< shares its memory with the CPU
};

struct DeviceMemory {
  std::uint64_t total = 0;  ///< bytes
  std::uint64_t free = 0;   ///< bytes that can still be had, as far as the driver tells
};

/// Bytes per second of large copies.
struct DeviceSpeed {
  double copy_in = 0;  ///< from pinned (where there is such a thing) host memory
  double copy_out = 0;
  double copy_on = 0;  ///< within the device
};

/// Where drivers are looked for. The names are given to dlopen.
struct DeviceSearch {
  bool cuda = true;
  bool opencl = true;
  std::string cuda_library = "libcuda.so.1";
  std::string opencl_library = "libOpenCL.so.1";
  std::uint64_t opencl_memory = 0;  ///< bytes that one OpenCL device may be given; 0: as the driver says
};

/// Memory for tensors of a device, from an allocator of the caller's (PyTorch's caching allocator). `allocate` returns
/// the address (CUDA: a CUdeviceptr) of at least `nbytes` bytes, aligned to 512, or throws; what it returned is given
/// to `release` once, from whatever thread drops the last tensor over it.
class DeviceAllocator {
 public:
  virtual ~DeviceAllocator();
  [[nodiscard]] virtual std::uintptr_t allocate(Device device, std::uint64_t nbytes, void* stream) = 0;
  virtual void release(Device device, std::uintptr_t address, std::uint64_t nbytes) noexcept = 0;
};

/// The devices of this machine, with their drivers open for as long as this object, a copy of it, or a storage on a
/// device lives. Making one loads the drivers that are there; that a driver is missing is no error.
///
/// Thread rule: const use from many threads is safe. After a fork, a child must not use those of its parent: drivers
/// do not survive it.
class Devices {
 public:
  explicit Devices(const DeviceSearch& search = {});
  struct State;  // not public
  explicit Devices(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}

  /// The CPU first, then all others. Never `meta`, which is always there.
  [[nodiscard]] const std::vector<DeviceInfo>& list() const noexcept;
  [[nodiscard]] bool has(Device device) const noexcept;
  /// Why there is no device of a type: "no driver: libcuda.so.1: cannot open shared object file"; empty where there is.
  [[nodiscard]] const std::string& absence(DeviceType type) const noexcept;
  /// What is free now. Errors: `unsupported` for a device that is not there; `device`.
  [[nodiscard]] DeviceMemory memory(Device device) const;
  /// Times copies of `bytes` bytes, three times each, and takes the median. Errors: as memory(), and `memory`.
  [[nodiscard]] DeviceSpeed measure(Device device, std::uint64_t bytes = std::uint64_t{256} << 20) const;

  /// A storage over memory that is on the device already, without a copy. `address` is a CUdeviceptr, a cl_mem or a
  /// host pointer; `owner` is held for as long as the storage. `stream` (a CUstream, cl_command_queue) is where work
  /// on it was queued: reads are ordered behind it. Errors: `unsupported` for a device that is not there.
  [[nodiscard]] Storage view(Device device, std::uintptr_t address, std::uint64_t nbytes,
                             std::shared_ptr<const void> owner = {}, void* stream = nullptr) const;

  [[nodiscard]] const std::shared_ptr<const State>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<const State> state_;
};

}  // namespace SCONCE_API
}  // namespace sconce
