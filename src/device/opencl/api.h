// What we need of OpenCL 1.2, declared by ourselves and found at run time in the ICD loader: neither a header nor a
// library of OpenCL is needed to build, and a machine without one runs the same program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

namespace sconce::device::opencl {

using Status = std::int32_t;  // cl_int
using Flags = std::uint64_t;  // cl_bitfield
using Platform = struct PlatformTag*;
using DeviceId = struct DeviceTag*;
using Context = struct ContextTag*;
using Queue = struct QueueTag*;
using Mem = struct MemTag*;
using Event = struct EventTag*;
using Program = struct ProgramTag*;
using Kernel = struct KernelTag*;

// Values of the specification, under its names without CL_.
inline constexpr Status kSuccess = 0;
inline constexpr Status kDeviceNotFound = -1;
inline constexpr Status kPlatformNotFoundKhr = -1001;
inline constexpr std::uint32_t kTrue = 1;
inline constexpr std::uint32_t kFalse = 0;
inline constexpr Flags kDeviceTypeCpu = 1U << 1;
inline constexpr Flags kDeviceTypeAll = 0xFFFFFFFF;
inline constexpr Flags kMemReadWrite = 1U << 0;
inline constexpr Flags kMemUseHostPtr = 1U << 3;
inline constexpr Flags kMemAllocHostPtr = 1U << 4;
inline constexpr Flags kMapRead = 1U << 0;
inline constexpr Flags kMapWrite = 1U << 1;
inline constexpr Flags kQueueOutOfOrder = 1U << 0;
inline constexpr std::uint32_t kPlatformVersion = 0x0901;
inline constexpr std::uint32_t kDeviceType = 0x1000;
inline constexpr std::uint32_t kDeviceMaxWorkGroupSize = 0x1004;
inline constexpr std::uint32_t kDeviceMaxMemAllocSize = 0x1010;
inline constexpr std::uint32_t kDeviceGlobalMemSize = 0x101F;
inline constexpr std::uint32_t kDeviceEndianLittle = 0x1026;
inline constexpr std::uint32_t kDeviceAvailable = 0x1027;
inline constexpr std::uint32_t kDeviceName = 0x102B;
inline constexpr std::uint32_t kDeviceVersion = 0x102F;
inline constexpr std::uint32_t kDeviceHostUnifiedMemory = 0x1035;
inline constexpr std::uint32_t kQueueContext = 0x1090;
inline constexpr std::uint32_t kQueueProperties = 0x1093;
inline constexpr std::uint32_t kMemSize = 0x1102;
inline constexpr std::uint32_t kMemContext = 0x1106;
inline constexpr std::uint32_t kProgramBuildLog = 0x1183;
inline constexpr std::uint32_t kEventExecutionStatus = 0x11D3;

/// The functions of an ICD loader that is open. Never closed: drivers start threads and do not bear to be unloaded.
struct Api {
  Status (*get_platform_ids)(std::uint32_t, Platform*, std::uint32_t*);
  Status (*get_platform_info)(Platform, std::uint32_t, std::size_t, void*, std::size_t*);
  Status (*get_device_ids)(Platform, Flags, std::uint32_t, DeviceId*, std::uint32_t*);
  Status (*get_device_info)(DeviceId, std::uint32_t, std::size_t, void*, std::size_t*);
  Context (*create_context)(const std::intptr_t*, std::uint32_t, const DeviceId*,
                            void (*)(const char*, const void*, std::size_t, void*), void*, Status*);
  Status (*release_context)(Context);
  Queue (*create_queue)(Context, DeviceId, Flags, Status*);
  Status (*retain_queue)(Queue);
  Status (*release_queue)(Queue);
  Status (*get_queue_info)(Queue, std::uint32_t, std::size_t, void*, std::size_t*);
  Mem (*create_buffer)(Context, Flags, std::size_t, void*, Status*);
  Status (*retain_mem)(Mem);
  Status (*release_mem)(Mem);
  Status (*get_mem_info)(Mem, std::uint32_t, std::size_t, void*, std::size_t*);
  Status (*set_mem_destructor)(Mem, void (*)(Mem, void*), void*);
  Status (*enqueue_read)(Queue, Mem, std::uint32_t, std::size_t, std::size_t, void*, std::uint32_t, const Event*,
                         Event*);
  Status (*enqueue_write)(Queue, Mem, std::uint32_t, std::size_t, std::size_t, const void*, std::uint32_t, const Event*,
                          Event*);
  Status (*enqueue_copy)(Queue, Mem, Mem, std::size_t, std::size_t, std::size_t, std::uint32_t, const Event*, Event*);
  Status (*enqueue_fill)(Queue, Mem, const void*, std::size_t, std::size_t, std::size_t, std::uint32_t, const Event*,
                         Event*);
  void* (*enqueue_map)(Queue, Mem, std::uint32_t, Flags, std::size_t, std::size_t, std::uint32_t, const Event*, Event*,
                       Status*);
  Status (*enqueue_unmap)(Queue, Mem, void*, std::uint32_t, const Event*, Event*);
  Status (*enqueue_kernel)(Queue, Kernel, std::uint32_t, const std::size_t*, const std::size_t*, const std::size_t*,
                           std::uint32_t, const Event*, Event*);
  Status (*wait_for_events)(std::uint32_t, const Event*);
  Status (*get_event_info)(Event, std::uint32_t, std::size_t, void*, std::size_t*);
  Status (*release_event)(Event);
  Status (*flush)(Queue);
  Status (*finish)(Queue);
  Program (*create_program)(Context, std::uint32_t, const char**, const std::size_t*, Status*);
  Status (*build_program)(Program, std::uint32_t, const DeviceId*, const char*, void (*)(Program, void*), void*);
  Status (*release_program)(Program);
  Kernel (*create_kernel)(Program, const char*, Status*);
  Status (*set_kernel_arg)(Kernel, std::uint32_t, std::size_t, const void*);
  Status (*release_kernel)(Kernel);
};

/// An object of OpenCL that is released with its holder.
template <typename Handle>
using Held = std::unique_ptr<std::remove_pointer_t<Handle>, Status (*)(Handle)>;

/// Opens the loader; null where that cannot be, and `why` says it.
[[nodiscard]] std::shared_ptr<const Api> open_api(const std::string& library, std::string& why);

/// "CL_OUT_OF_RESOURCES"; "OpenCL error -9999" for what has no name.
[[nodiscard]] std::string name_of(Status status);
/// Throws where `status` is a failure: `memory` where it says so, else `device`. `doing`: "copying to opencl:0".
void check(Status status, const std::string& doing);

}  // namespace sconce::device::opencl
