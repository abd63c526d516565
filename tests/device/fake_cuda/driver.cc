// A CUDA driver without a GPU, for tests: device memory is memory of the host, and what a real driver would be asked to
// do wrongly (memory that is not its own, no current context) is an error here, too.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "state.h"

namespace fake_cuda {
namespace {

/// Answers what enter() says.
#define SCONCE_FAKE_ENTER(name) \
  if (const Status told = driver().enter(name)) return told
/// The same in functions that need a current context.
#define SCONCE_FAKE_ENTER_CONTEXT(name) \
  SCONCE_FAKE_ENTER(name);              \
  if (stack().empty()) return kInvalidContext

template <typename Task>
Status queue(void* handle, Task&& task) {
  const auto stream = driver().stream(handle);
  if (stream == nullptr) return kInvalidHandle;
  stream->push(std::forward<Task>(task));
  return 0;
}

void* at(Address address) { return reinterpret_cast<void*>(address); }

const std::map<Status, std::pair<const char*, const char*>> kNames = {
    {0, {"CUDA_SUCCESS", "no error"}},
    {kInvalidValue, {"CUDA_ERROR_INVALID_VALUE", "invalid argument"}},
    {kOutOfMemory, {"CUDA_ERROR_OUT_OF_MEMORY", "out of memory"}},
    {46, {"CUDA_ERROR_DEVICE_UNAVAILABLE", "CUDA-capable device(s) is/are busy or unavailable"}},
    {kNoDevice, {"CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"}},
    {kInvalidDevice, {"CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"}},
    {kInvalidContext, {"CUDA_ERROR_INVALID_CONTEXT", "invalid device context"}},
    {kInvalidPtx, {"CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"}},
    {kInvalidHandle, {"CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"}},
    {kNotFound, {"CUDA_ERROR_NOT_FOUND", "named symbol not found"}},
    {kIllegalAddress, {"CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"}},
    {803, {"CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "system has unsupported display driver / cuda driver combination"}},
};

}  // namespace
}  // namespace fake_cuda

using namespace fake_cuda;  // NOLINT

#pragma GCC visibility push(default)
extern "C" {

Status cuInit(unsigned) {
  SCONCE_FAKE_ENTER("cuInit");
  return driver().init_code != 0 ? driver().init_code : driver().devices == 0 ? kNoDevice : 0;
}
Status cuDriverGetVersion(int* version) {
  SCONCE_FAKE_ENTER("cuDriverGetVersion");
  *version = 12020;
  return 0;
}
Status cuGetErrorName(Status status, const char** name) {
  const auto known = kNames.find(status);
  *name = known != kNames.end() ? known->second.first : nullptr;
  return *name != nullptr ? 0 : kInvalidValue;
}
Status cuGetErrorString(Status status, const char** text) {
  const auto known = kNames.find(status);
  *text = known != kNames.end() ? known->second.second : nullptr;
  return *text != nullptr ? 0 : kInvalidValue;
}
Status cuDeviceGetCount(int* count) {
  SCONCE_FAKE_ENTER("cuDeviceGetCount");
  *count = driver().devices;
  return 0;
}
Status cuDeviceGet(int* device, int index) {
  SCONCE_FAKE_ENTER("cuDeviceGet");
  if (index < 0 || index >= driver().devices) return kInvalidDevice;
  *device = index;
  return 0;
}
Status cuDeviceGetName(char* name, int size, int device) {
  SCONCE_FAKE_ENTER("cuDeviceGetName");
  std::strncpy(name, ("Fake GPU " + std::to_string(device)).c_str(), static_cast<std::size_t>(size));
  return 0;
}
Status cuDeviceTotalMem_v2(std::size_t* bytes, int) {
  SCONCE_FAKE_ENTER("cuDeviceTotalMem_v2");
  *bytes = driver().memory;
  return 0;
}
Status cuDeviceGetAttribute(int* value, int, int) {
  SCONCE_FAKE_ENTER("cuDeviceGetAttribute");
  *value = 0;
  return 0;
}
Status cuDevicePrimaryCtxRetain(Context** context, int device) {
  SCONCE_FAKE_ENTER("cuDevicePrimaryCtxRetain");
  const std::lock_guard lock(driver().mutex);
  ++driver().retained[device];
  *context = &driver().contexts[device];
  return 0;
}
Status cuDevicePrimaryCtxRelease_v2(int device) {
  const Status told = driver().enter("cuDevicePrimaryCtxRelease_v2");
  const std::lock_guard lock(driver().mutex);
  --driver().retained[device];
  return told;
}
Status cuCtxPushCurrent_v2(Context* context) {
  SCONCE_FAKE_ENTER("cuCtxPushCurrent_v2");
  stack().push_back(context);
  return 0;
}
Status cuCtxPopCurrent_v2(Context** context) {
  const Status told = driver().enter("cuCtxPopCurrent_v2");
  if (stack().empty()) return kInvalidContext;
  *context = stack().back();
  stack().pop_back();
  return told;
}
Status cuMemGetInfo_v2(std::size_t* free, std::size_t* total) {
  SCONCE_FAKE_ENTER_CONTEXT("cuMemGetInfo_v2");
  const std::lock_guard lock(driver().mutex);
  *total = driver().memory;
  *free = driver().memory - driver().used(stack().back()->device);
  return 0;
}
Status cuMemAlloc_v2(Address* address, std::size_t size) {
  SCONCE_FAKE_ENTER_CONTEXT("cuMemAlloc_v2");
  Driver& d = driver();
  const std::lock_guard lock(d.mutex);
  const int device = stack().back()->device;
  if (size == 0) return kInvalidValue;
  if (size > d.memory - d.used(device)) return kOutOfMemory;
  void* const bytes = std::aligned_alloc(512, (size + 511) / 512 * 512);
  std::memset(bytes, 0xA5, std::min<std::size_t>(size, 4096));
  *address = reinterpret_cast<Address>(bytes);
  d.blocks[*address] = {size, device};
  return 0;
}
Status cuMemFree_v2(Address address) {
  const Status told = driver().enter("cuMemFree_v2");
  driver().synchronize_all();
  const std::lock_guard lock(driver().mutex);
  if (driver().blocks.erase(address) == 0) return kInvalidValue;
  std::free(at(address));
  return told;
}
Status cuMemHostAlloc(void** bytes, std::size_t size, unsigned) {
  SCONCE_FAKE_ENTER_CONTEXT("cuMemHostAlloc");
  *bytes = std::aligned_alloc(4096, (size + 4095) / 4096 * 4096);
  const std::lock_guard lock(driver().mutex);
  driver().pinned[*bytes] = size;
  return 0;
}
Status cuMemFreeHost(void* bytes) {
  const Status told = driver().enter("cuMemFreeHost");
  driver().synchronize_all();
  const std::lock_guard lock(driver().mutex);
  if (driver().pinned.erase(bytes) == 0) return kInvalidValue;
  std::free(bytes);
  return told;
}
Status cuMemcpyHtoDAsync_v2(Address to, const void* from, std::size_t size, void* stream) {
  SCONCE_FAKE_ENTER_CONTEXT("cuMemcpyHtoDAsync_v2");
  if (!driver().owns(to, size)) return kInvalidValue;
  return queue(stream, [=] { std::memcpy(at(to), from, size); });
}
Status cuMemcpyDtoHAsync_v2(void* to, Address from, std::size_t size, void* stream) {
  SCONCE_FAKE_ENTER_CONTEXT("cuMemcpyDtoHAsync_v2");
  if (!driver().owns(from, size)) return kInvalidValue;
  return queue(stream, [=] { std::memcpy(to, at(from), size); });
}
Status cuMemcpyDtoDAsync_v2(Address to, Address from, std::size_t size, void* stream) {
  SCONCE_FAKE_ENTER_CONTEXT("cuMemcpyDtoDAsync_v2");
  if (!driver().owns(to, size) || !driver().owns(from, size)) return kInvalidValue;
  return queue(stream, [=] { std::memcpy(at(to), at(from), size); });
}
Status cuMemcpyPeerAsync(Address to, Context* target, Address from, Context* source, std::size_t size, void* stream) {
  SCONCE_FAKE_ENTER_CONTEXT("cuMemcpyPeerAsync");
  if (target == nullptr || source == nullptr) return kInvalidContext;
  if (!driver().owns(to, size) || !driver().owns(from, size)) return kInvalidValue;
  return queue(stream, [=] { std::memcpy(at(to), at(from), size); });
}
Status cuMemsetD8Async(Address to, unsigned char value, std::size_t size, void* stream) {
  SCONCE_FAKE_ENTER_CONTEXT("cuMemsetD8Async");
  if (!driver().owns(to, size)) return kInvalidValue;
  return queue(stream, [=] { std::memset(at(to), value, size); });
}
Status cuStreamCreate(Stream** handle, unsigned) {
  SCONCE_FAKE_ENTER_CONTEXT("cuStreamCreate");
  auto stream = std::make_shared<Stream>(driver().asynchronous);
  const std::lock_guard lock(driver().mutex);
  *handle = stream.get();
  driver().streams[stream.get()] = std::move(stream);
  return 0;
}
Status cuStreamDestroy_v2(Stream* handle) {
  const Status told = driver().enter("cuStreamDestroy_v2");
  const auto held = driver().stream(handle);
  const std::lock_guard lock(driver().mutex);
  return driver().streams.erase(handle) == 0 ? kInvalidHandle : told;
}
Status cuStreamSynchronize(Stream* handle) {
  SCONCE_FAKE_ENTER_CONTEXT("cuStreamSynchronize");
  const auto stream = driver().stream(handle);
  if (stream == nullptr) return kInvalidHandle;
  stream->synchronize();
  return 0;
}
Status cuStreamWaitEvent(Stream* handle, Event* event, unsigned) {
  SCONCE_FAKE_ENTER_CONTEXT("cuStreamWaitEvent");
  std::shared_ptr<Done> done;
  {
    const std::lock_guard lock(event->mutex);
    done = event->done;
  }
  return done == nullptr ? 0 : queue(handle, [done] { done->wait(); });
}
Status cuEventCreate(Event** event, unsigned) {
  SCONCE_FAKE_ENTER_CONTEXT("cuEventCreate");
  *event = new Event;
  const std::lock_guard lock(driver().mutex);
  driver().events.insert(*event);
  return 0;
}
Status cuEventDestroy_v2(Event* event) {
  const Status told = driver().enter("cuEventDestroy_v2");
  const std::lock_guard lock(driver().mutex);
  if (driver().events.erase(event) == 0) return kInvalidHandle;
  delete event;
  return told;
}
Status cuEventRecord(Event* event, void* stream) {
  SCONCE_FAKE_ENTER_CONTEXT("cuEventRecord");
  auto done = std::make_shared<Done>();
  {
    const std::lock_guard lock(event->mutex);
    event->done = done;
  }
  return queue(stream, [done] { done->set(); });
}
Status cuEventSynchronize(Event* event) {
  SCONCE_FAKE_ENTER_CONTEXT("cuEventSynchronize");
  std::shared_ptr<Done> done;
  {
    const std::lock_guard lock(event->mutex);
    done = event->done;
  }
  if (done != nullptr) done->wait();
  return 0;
}
Status cuModuleLoadData(Module** module, const void* text) {
  SCONCE_FAKE_ENTER_CONTEXT("cuModuleLoadData");
  auto made = std::make_unique<Module>();
  try {
    made->kernels = parse_ptx(static_cast<const char*>(text));
  } catch (const std::exception&) {
    return kInvalidPtx;
  }
  const std::lock_guard lock(driver().mutex);
  driver().modules.insert(made.get());
  *module = made.release();
  return 0;
}
Status cuModuleUnload(Module* module) {
  const Status told = driver().enter("cuModuleUnload");
  const std::lock_guard lock(driver().mutex);
  if (driver().modules.erase(module) == 0) return kInvalidHandle;
  delete module;
  return told;
}
Status cuModuleGetFunction(const Kernel** function, Module* module, const char* name) {
  SCONCE_FAKE_ENTER("cuModuleGetFunction");
  const auto known = module->kernels.find(name);
  if (known == module->kernels.end()) return kNotFound;
  *function = &known->second;
  return 0;
}
Status cuLaunchKernel(const Kernel* kernel, unsigned groups, unsigned, unsigned, unsigned threads, unsigned, unsigned,
                      unsigned, void* stream, void** arguments, void**) {
  SCONCE_FAKE_ENTER_CONTEXT("cuLaunchKernel");
  if (groups == 0) return kInvalidValue;
  std::array<std::uint64_t, 3> values{};
  for (std::size_t i = 0; i < values.size(); ++i) std::memcpy(&values[i], arguments[i], sizeof values[i]);
  return queue(stream, [=] {
    const std::uint64_t parameters[3] = {values[0], values[1], values[2]};
    for (unsigned group = 0; group < groups; ++group)
      for (unsigned thread = 0; thread < threads; ++thread)
        run_thread(*kernel, parameters, group, groups, thread, threads);
  });
}

}  // extern "C"
#pragma GCC visibility pop
