// What we need of CUDA's driver API, declared by ourselves and found at run time in the driver's library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace sconce::device::cuda {

using Status = int;             // CUresult
using DeviceId = int;           // CUdevice
using Address = std::uint64_t;  // CUdeviceptr
using Context = struct ContextTag*;
using StreamHandle = struct StreamTag*;
using EventHandle = struct EventTag*;
using Module = struct ModuleTag*;
using Function = struct FunctionTag*;

inline constexpr Status kSuccess = 0;
inline constexpr Status kOutOfMemory = 2;
inline constexpr Status kDeviceUnavailable = 46;
inline constexpr Status kNoDevice = 100;
inline constexpr Status kEccUncorrectable = 214;
inline constexpr Status kIllegalAddress = 700;
inline constexpr Status kLaunchFailed = 719;
inline constexpr unsigned kStreamNonBlocking = 1;  // does not wait for the default stream
inline constexpr unsigned kEventDisableTiming = 2;
inline constexpr unsigned kHostAllocPortable = 1;  // pinned for all contexts
inline constexpr int kAttributeIntegrated = 18;    // shares its memory with the CPU
/// The default stream, which in most functions is also null.
inline constexpr std::uintptr_t kStreamLegacy = 1;

/// The functions of a driver that is open. Never closed: a driver starts threads and does not bear to be unloaded.
///
/// Names with _v2 are the 64-bit functions; those without are kept for programs of 2011 and must not be called.
struct Api {
  Status (*init)(unsigned);
  Status (*driver_get_version)(int*);
  Status (*get_error_name)(Status, const char**);
  Status (*get_error_string)(Status, const char**);
  Status (*device_get_count)(int*);
  Status (*device_get)(DeviceId*, int);
  Status (*device_get_name)(char*, int, DeviceId);
  Status (*device_total_mem)(std::size_t*, DeviceId);
  Status (*device_get_attribute)(int*, int, DeviceId);
  Status (*primary_context_retain)(Context*, DeviceId);
  Status (*primary_context_release)(DeviceId);
  Status (*context_push)(Context);
  Status (*context_pop)(Context*);
  Status (*mem_get_info)(std::size_t*, std::size_t*);
  Status (*mem_alloc)(Address*, std::size_t);
  Status (*mem_free)(Address);
  Status (*mem_host_alloc)(void**, std::size_t, unsigned);
  Status (*mem_free_host)(void*);
  Status (*copy_in)(Address, const void*, std::size_t, StreamHandle);
  Status (*copy_out)(void*, Address, std::size_t, StreamHandle);
  Status (*copy_on)(Address, Address, std::size_t, StreamHandle);
  Status (*copy_peer)(Address, Context, Address, Context, std::size_t, StreamHandle);
  Status (*memset_d8)(Address, unsigned char, std::size_t, StreamHandle);
  Status (*stream_create)(StreamHandle*, unsigned);
  Status (*stream_destroy)(StreamHandle);
  Status (*stream_synchronize)(StreamHandle);
  Status (*stream_wait_event)(StreamHandle, EventHandle, unsigned);
  Status (*event_create)(EventHandle*, unsigned);
  Status (*event_destroy)(EventHandle);
  Status (*event_record)(EventHandle, StreamHandle);
  Status (*event_synchronize)(EventHandle);
  Status (*module_load_data)(Module*, const void*);
  Status (*module_unload)(Module);
  Status (*module_get_function)(Function*, Module, const char*);
  Status (*launch_kernel)(Function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, StreamHandle,
                          void**, void**);

  /// "CUDA_ERROR_OUT_OF_MEMORY (out of memory)"; "CUDA error 9999" for what has no name.
  [[nodiscard]] std::string name_of(Status status) const;
  /// Throws where `status` is a failure: `memory` where it says so, else `device`. `doing`: "copying to cuda:0".
  void check(Status status, const std::string& doing) const;
};

/// Opens the driver's library; null where that cannot be, and `why` says it.
[[nodiscard]] std::shared_ptr<const Api> open_api(const std::string& library, std::string& why);

}  // namespace sconce::device::cuda
