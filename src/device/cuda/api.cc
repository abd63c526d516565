#include "device/cuda/api.h"

#include <dlfcn.h>

#include <cstring>

#include "base/fail.h"

namespace sconce::device::cuda {
namespace {

/// Looks members up one after another; remembers the first name that is missing.
struct Finder {
  void* library;
  const char* missing = nullptr;

  template <typename Function>
  void operator()(Function& member, const char* name) {
    void* const symbol = dlsym(library, name);
    if (symbol == nullptr && missing == nullptr) missing = name;
    static_assert(sizeof member == sizeof symbol);
    std::memcpy(&member, &symbol, sizeof symbol);
  }
};

void find_devices(Finder& find, Api& api) {
  find(api.init, "cuInit");
  find(api.driver_get_version, "cuDriverGetVersion");
  find(api.get_error_name, "cuGetErrorName");
  find(api.get_error_string, "cuGetErrorString");
  find(api.device_get_count, "cuDeviceGetCount");
  find(api.device_get, "cuDeviceGet");
  find(api.device_get_name, "cuDeviceGetName");
  find(api.device_total_mem, "cuDeviceTotalMem_v2");
  find(api.device_get_attribute, "cuDeviceGetAttribute");
  find(api.primary_context_retain, "cuDevicePrimaryCtxRetain");
  find(api.primary_context_release, "cuDevicePrimaryCtxRelease_v2");
  find(api.context_push, "cuCtxPushCurrent_v2");
  find(api.context_pop, "cuCtxPopCurrent_v2");
}

void find_memory(Finder& find, Api& api) {
  find(api.mem_get_info, "cuMemGetInfo_v2");
  find(api.mem_alloc, "cuMemAlloc_v2");
  find(api.mem_free, "cuMemFree_v2");
  find(api.mem_host_alloc, "cuMemHostAlloc");
  find(api.mem_free_host, "cuMemFreeHost");
  find(api.copy_in, "cuMemcpyHtoDAsync_v2");
  find(api.copy_out, "cuMemcpyDtoHAsync_v2");
  find(api.copy_on, "cuMemcpyDtoDAsync_v2");
  find(api.copy_peer, "cuMemcpyPeerAsync");
  find(api.memset_d8, "cuMemsetD8Async");
}

void find_work(Finder& find, Api& api) {
  find(api.stream_create, "cuStreamCreate");
  find(api.stream_destroy, "cuStreamDestroy_v2");
  find(api.stream_synchronize, "cuStreamSynchronize");
  find(api.stream_wait_event, "cuStreamWaitEvent");
  find(api.event_create, "cuEventCreate");
  find(api.event_destroy, "cuEventDestroy_v2");
  find(api.event_record, "cuEventRecord");
  find(api.event_synchronize, "cuEventSynchronize");
  find(api.module_load_data, "cuModuleLoadData");
  find(api.module_unload, "cuModuleUnload");
  find(api.module_get_function, "cuModuleGetFunction");
  find(api.launch_kernel, "cuLaunchKernel");
}

bool loses_the_context(Status status) noexcept {
  return status == kDeviceUnavailable || status == kEccUncorrectable ||
         (status >= kIllegalAddress && status <= kLaunchFailed);
}

}  // namespace

std::shared_ptr<const Api> open_api(const std::string& library, std::string& why) {
  void* const handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* const reason = dlerror();
    why = std::string("no driver: ") + (reason != nullptr ? reason : library.c_str());
    return nullptr;
  }
  auto api = std::make_shared<Api>();
  Finder find{handle};
  find_devices(find, *api);
  find_memory(find, *api);
  find_work(find, *api);
  if (find.missing == nullptr) return api;
  why = "no driver: " + library + " has no " + find.missing + ", so it is no driver of CUDA, or too old a one";
  return nullptr;
}

std::string Api::name_of(Status status) const {
  const char* name = nullptr;
  if (get_error_name(status, &name) != kSuccess || name == nullptr) return "CUDA error " + std::to_string(status);
  const char* text = nullptr;
  if (get_error_string(status, &text) != kSuccess || text == nullptr) return name;
  return std::string(name) + " (" + text + ")";
}

void Api::check(Status status, const std::string& doing) const {
  if (status == kSuccess) return;
  fail(status == kOutOfMemory ? ErrorCode::memory : ErrorCode::device, doing + " failed: " + name_of(status), {},
       loses_the_context(status) ? "the driver gives up what this process has on the device; start the process again"
                                 : "");
}

}  // namespace sconce::device::cuda
