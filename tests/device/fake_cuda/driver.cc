// A CUDA driver without a GPU, for tests: device memory is memory of the host, and what a real driver would be asked to
// do wrongly (memory that is not its own, no current context) is an error here, too.
#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "control.h"
#include "ptx.h"

namespace fake_cuda {
namespace {

using Status = int;
using Address = std::uint64_t;
constexpr Status kInvalidValue = 1, kOutOfMemory = 2, kNoDevice = 100, kInvalidDevice = 101, kInvalidContext = 201,
                 kInvalidPtx = 218, kInvalidHandle = 400, kNotFound = 500, kIllegalAddress = 700;

/// What an event waits for.
struct Done {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  void set() {
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return done; });
  }
};

struct Stream {
  explicit Stream(bool asynchronous) {
    if (asynchronous) worker = std::thread([this] { run(); });
  }
  ~Stream() {
    if (!worker.joinable()) return;
    {
      const std::lock_guard lock(mutex);
      ending = true;
    }
    changed.notify_all();
    worker.join();
  }
  void push(std::function<void()> task) {
    if (!worker.joinable()) return task();
    const std::lock_guard lock(mutex);
    tasks.push_back(std::move(task));
    changed.notify_all();
  }
  void synchronize() {
    auto done = std::make_shared<Done>();
    push([done] { done->set(); });
    done->wait();
  }
  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return ending || !tasks.empty(); });
      if (tasks.empty()) return;
      const auto task = std::move(tasks.front());
      tasks.pop_front();
      lock.unlock();
      std::this_thread::sleep_for(std::chrono::microseconds(20));  // whoever does not wait reads too early
      task();
      lock.lock();
    }
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> tasks;
  bool ending = false;
  std::thread worker;
};

struct Event {
  std::mutex mutex;
  std::shared_ptr<Done> done;
};

struct Context {
  int device;
};

struct Module {
  std::map<std::string, Kernel> kernels;
};

struct Block {
  std::size_t size;
  int device;
};

struct Driver {
  std::mutex mutex;
  int devices = 1;
  std::uint64_t memory = std::uint64_t{256} << 20;
  bool asynchronous = false;
  Status init_code = 0;
  std::string fail_name;
  int fail_in = 0;
  Status fail_code = 0;
  int lose_in = -1;
  std::string failed;
  std::map<std::string, long> calls;
  std::map<Address, Block> blocks;
  std::map<void*, std::size_t> pinned;
  std::map<Stream*, std::shared_ptr<Stream>> streams;
  std::set<Event*> events;
  std::set<Module*> modules;
  std::map<int, int> retained;
  Context contexts[8] = {{0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}};
  std::shared_ptr<Stream> legacy = std::make_shared<Stream>(false);

  /// Counts the call; what fail() and lose_after() say of it.
  Status enter(const char* name) {
    const std::lock_guard lock(mutex);
    ++calls[name];
    if (lose_in == 0) return kIllegalAddress;
    if (lose_in > 0) --lose_in;
    if (fail_in == 0 || (!fail_name.empty() && fail_name != name) || --fail_in != 0) return 0;
    failed = name;
    return fail_code;
  }
  std::shared_ptr<Stream> stream(void* handle) {
    const std::lock_guard lock(mutex);
    if (handle == nullptr || handle == reinterpret_cast<void*>(1)) return legacy;
    const auto known = streams.find(static_cast<Stream*>(handle));
    return known != streams.end() ? known->second : nullptr;
  }
  bool owns(Address address, std::size_t size) {
    const std::lock_guard lock(mutex);
    auto after = blocks.upper_bound(address);
    if (after == blocks.begin()) return false;
    const auto& [begin, block] = *std::prev(after);
    return address - begin <= block.size && size <= block.size - (address - begin);
  }
  std::uint64_t used(int device) const {
    std::uint64_t bytes = 0;
    for (const auto& [address, block] : blocks) bytes += block.device == device ? block.size : 0;
    return bytes;
  }
  void synchronize_all() {
    std::vector<std::shared_ptr<Stream>> all;
    {
      const std::lock_guard lock(mutex);
      for (const auto& [handle, held] : streams) all.push_back(held);
    }
    for (const auto& held : all) held->synchronize();
  }
};

Driver& driver() {
  static Driver* const one = new Driver;  // lives as long as the process, as a driver does
  return *one;
}
thread_local std::vector<Context*> stack;

/// Answers what enter() says.
#define SCONCE_FAKE_ENTER(name) \
  if (const Status told = driver().enter(name)) return told
/// The same in functions that need a current context.
#define SCONCE_FAKE_ENTER_CONTEXT(name) \
  SCONCE_FAKE_ENTER(name);              \
  if (stack.empty()) return kInvalidContext

template <typename Task>
Status queue(void* handle, Task&& task) {
  const auto stream = driver().stream(handle);
  if (stream == nullptr) return kInvalidHandle;
  stream->push(std::forward<Task>(task));
  return 0;
}

void* at(Address address) { return reinterpret_cast<void*>(address); }

// --- control ---

void reset(int devices, std::uint64_t memory, bool asynchronous) {
  Driver& d = driver();
  const std::lock_guard lock(d.mutex);
  d.devices = devices;
  d.memory = memory;
  d.asynchronous = asynchronous;
  d.init_code = 0;
  d.fail_name.clear();
  d.fail_in = 0;
  d.lose_in = -1;
  d.failed.clear();
  d.calls.clear();
}
void init_code(int code) { driver().init_code = code; }
void fail(const char* function, int n, int code) {
  const std::lock_guard lock(driver().mutex);
  driver().fail_name = function != nullptr ? function : "";
  driver().fail_in = n;
  driver().fail_code = code;
  driver().failed.clear();
}
void lose_after(int calls) {
  const std::lock_guard lock(driver().mutex);
  driver().lose_in = calls;
}
const char* failed() {
  const std::lock_guard lock(driver().mutex);
  return driver().failed.empty() ? nullptr : driver().failed.c_str();
}
long live(int thing) {
  Driver& d = driver();
  const std::lock_guard lock(d.mutex);
  switch (thing) {
    case kBlocks: return static_cast<long>(d.blocks.size());
    case kPinned: return static_cast<long>(d.pinned.size());
    case kStreams: return static_cast<long>(d.streams.size());
    case kEvents: return static_cast<long>(d.events.size());
    case kModules: return static_cast<long>(d.modules.size());
    case kStack: return static_cast<long>(stack.size());
    case kContexts: break;
    default: return -1;
  }
  long sum = 0;
  for (const auto& [device, count] : d.retained) sum += count;
  return sum;
}
long calls(const char* function) {
  const std::lock_guard lock(driver().mutex);
  const auto known = driver().calls.find(function);
  return known != driver().calls.end() ? known->second : 0;
}

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

extern "C" __attribute__((visibility("default"))) const Control* fake_cuda_control() {
  static const Control control = {reset, init_code, fake_cuda::fail, lose_after, failed, live, calls};
  return &control;
}

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
  stack.push_back(context);
  return 0;
}
Status cuCtxPopCurrent_v2(Context** context) {
  const Status told = driver().enter("cuCtxPopCurrent_v2");
  if (stack.empty()) return kInvalidContext;
  *context = stack.back();
  stack.pop_back();
  return told;
}
Status cuMemGetInfo_v2(std::size_t* free, std::size_t* total) {
  SCONCE_FAKE_ENTER_CONTEXT("cuMemGetInfo_v2");
  const std::lock_guard lock(driver().mutex);
  *total = driver().memory;
  *free = driver().memory - driver().used(stack.back()->device);
  return 0;
}
Status cuMemAlloc_v2(Address* address, std::size_t size) {
  SCONCE_FAKE_ENTER_CONTEXT("cuMemAlloc_v2");
  Driver& d = driver();
  const std::lock_guard lock(d.mutex);
  const int device = stack.back()->device;
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
