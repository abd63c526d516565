#include "device/cuda/api.h"

#include "base/fail.h"
#include "device/driver_library.h"

namespace sconce::device::cuda {
namespace {

void find_devices(DriverLibrary& driver, Api& api) {
  driver.find(api.init, "cuInit");
  driver.find(api.driver_get_version, "cuDriverGetVersion");
  driver.find(api.get_error_name, "cuGetErrorName");
  driver.find(api.get_error_string, "cuGetErrorString");
  driver.find(api.device_get_count, "cuDeviceGetCount");
  driver.find(api.device_get, "cuDeviceGet");
  driver.find(api.device_get_name, "cuDeviceGetName");
  driver.find(api.device_total_mem, "cuDeviceTotalMem_v2");
  driver.find(api.device_get_attribute, "cuDeviceGetAttribute");
  driver.find(api.primary_context_retain, "cuDevicePrimaryCtxRetain");
  driver.find(api.primary_context_release, "cuDevicePrimaryCtxRelease_v2");
  driver.find(api.context_push, "cuCtxPushCurrent_v2");
  driver.find(api.context_pop, "cuCtxPopCurrent_v2");
}

void find_memory(DriverLibrary& driver, Api& api) {
  driver.find(api.mem_get_info, "cuMemGetInfo_v2");
  driver.find(api.mem_alloc, "cuMemAlloc_v2");
  driver.find(api.mem_free, "cuMemFree_v2");
  driver.find(api.mem_host_alloc, "cuMemHostAlloc");
  driver.find(api.mem_free_host, "cuMemFreeHost");
  driver.find(api.copy_in, "cuMemcpyHtoDAsync_v2");
  driver.find(api.copy_out, "cuMemcpyDtoHAsync_v2");
  driver.find(api.copy_on, "cuMemcpyDtoDAsync_v2");
  driver.find(api.copy_peer, "cuMemcpyPeerAsync");
  driver.find(api.memset_d8, "cuMemsetD8Async");
}

void find_work(DriverLibrary& driver, Api& api) {
  driver.find(api.stream_create, "cuStreamCreate");
  driver.find(api.stream_destroy, "cuStreamDestroy_v2");
  driver.find(api.stream_synchronize, "cuStreamSynchronize");
  driver.find(api.stream_wait_event, "cuStreamWaitEvent");
  driver.find(api.event_create, "cuEventCreate");
  driver.find(api.event_destroy, "cuEventDestroy_v2");
  driver.find(api.event_record, "cuEventRecord");
  driver.find(api.event_synchronize, "cuEventSynchronize");
  driver.find(api.module_load_data, "cuModuleLoadData");
  driver.find(api.module_unload, "cuModuleUnload");
  driver.find(api.module_get_function, "cuModuleGetFunction");
  driver.find(api.launch_kernel, "cuLaunchKernel");
}

bool loses_the_context(Status status) noexcept {
  return status == kDeviceUnavailable || status == kEccUncorrectable ||
         (status >= kIllegalAddress && status <= kLaunchFailed);
}

}  // namespace

std::shared_ptr<const Api> open_api(const std::string& library, std::string& why) {
  DriverLibrary driver(library);
  why = driver.absence();
  if (!why.empty()) return nullptr;
  auto api = std::make_shared<Api>();
  find_devices(driver, *api);
  find_memory(driver, *api);
  find_work(driver, *api);
  if (driver.missing() == nullptr) return api;
  why = "no driver: " + library + " has no " + driver.missing() + ", so it is no driver of CUDA, or too old a one";
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
