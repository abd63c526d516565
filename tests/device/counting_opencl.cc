// A loader of OpenCL that counts what is alive. It has the functions that make and release objects, and passes them on;
// all others are found in the real loader, which it is linked with. Test only.
#include <dlfcn.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#define SCONCE_COUNTED extern "C" __attribute__((visibility("default")))

namespace {

enum Kind : std::size_t { contexts, queues, buffers, events, programs, kernels, kKinds };
std::atomic<long> alive[kKinds];

/// The real function of that name.
template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}
void* made(Kind kind, void* object) {
  alive[kind] += object != nullptr ? 1 : 0;
  return object;
}
int changed(Kind kind, long by, int status) {
  alive[kind] += status == 0 ? by : 0;
  return status;
}
using OfOne = int(void*);

}  // namespace

/// Contexts, queues, buffers, events, programs, kernels.
SCONCE_COUNTED long counting_alive(std::size_t kind) { return alive[kind]; }

SCONCE_COUNTED void* clCreateContext(const std::intptr_t* properties, std::uint32_t count, void* const* devices,
                                     void (*notify)(const char*, const void*, std::size_t, void*), void* data,
                                     int* status) {
  return made(contexts,
              real<decltype(clCreateContext)>("clCreateContext")(properties, count, devices, notify, data, status));
}
SCONCE_COUNTED void* clCreateCommandQueue(void* context, void* device, std::uint64_t flags, int* status) {
  return made(queues, real<decltype(clCreateCommandQueue)>("clCreateCommandQueue")(context, device, flags, status));
}
SCONCE_COUNTED void* clCreateBuffer(void* context, std::uint64_t flags, std::size_t size, void* host, int* status) {
  return made(buffers, real<decltype(clCreateBuffer)>("clCreateBuffer")(context, flags, size, host, status));
}
SCONCE_COUNTED void* clCreateProgramWithSource(void* context, std::uint32_t count, const char** texts,
                                               const std::size_t* sizes, int* status) {
  return made(programs, real<decltype(clCreateProgramWithSource)>("clCreateProgramWithSource")(context, count, texts,
                                                                                               sizes, status));
}
SCONCE_COUNTED void* clCreateKernel(void* program, const char* name, int* status) {
  return made(kernels, real<decltype(clCreateKernel)>("clCreateKernel")(program, name, status));
}

#define SCONCE_COUNTS(name, kind, by) \
  SCONCE_COUNTED int name(void* object) { return changed(kind, by, real<OfOne>(#name)(object)); }
SCONCE_COUNTS(clReleaseContext, contexts, -1)
SCONCE_COUNTS(clRetainCommandQueue, queues, 1)
SCONCE_COUNTS(clReleaseCommandQueue, queues, -1)
SCONCE_COUNTS(clRetainMemObject, buffers, 1)
SCONCE_COUNTS(clReleaseMemObject, buffers, -1)
SCONCE_COUNTS(clReleaseProgram, programs, -1)
SCONCE_COUNTS(clReleaseKernel, kernels, -1)
SCONCE_COUNTS(clReleaseEvent, events, -1)

// Commands that give an event to whoever wants one.
SCONCE_COUNTED int clEnqueueReadBuffer(void* queue, void* buffer, std::uint32_t blocks, std::size_t offset,
                                       std::size_t size, void* into, std::uint32_t waits, void* const* list,
                                       void** event) {
  return changed(events, event != nullptr ? 1 : 0,
                 real<decltype(clEnqueueReadBuffer)>("clEnqueueReadBuffer")(queue, buffer, blocks, offset, size, into,
                                                                            waits, list, event));
}
SCONCE_COUNTED int clEnqueueWriteBuffer(void* queue, void* buffer, std::uint32_t blocks, std::size_t offset,
                                        std::size_t size, const void* from, std::uint32_t waits, void* const* list,
                                        void** event) {
  return changed(events, event != nullptr ? 1 : 0,
                 real<decltype(clEnqueueWriteBuffer)>("clEnqueueWriteBuffer")(queue, buffer, blocks, offset, size, from,
                                                                              waits, list, event));
}
SCONCE_COUNTED int clEnqueueCopyBuffer(void* queue, void* from, void* to, std::size_t from_at, std::size_t to_at,
                                       std::size_t size, std::uint32_t waits, void* const* list, void** event) {
  return changed(events, event != nullptr ? 1 : 0,
                 real<decltype(clEnqueueCopyBuffer)>("clEnqueueCopyBuffer")(queue, from, to, from_at, to_at, size,
                                                                            waits, list, event));
}
SCONCE_COUNTED int clEnqueueFillBuffer(void* queue, void* buffer, const void* value, std::size_t value_size,
                                       std::size_t offset, std::size_t size, std::uint32_t waits, void* const* list,
                                       void** event) {
  return changed(events, event != nullptr ? 1 : 0,
                 real<decltype(clEnqueueFillBuffer)>("clEnqueueFillBuffer")(queue, buffer, value, value_size, offset,
                                                                            size, waits, list, event));
}
SCONCE_COUNTED int clEnqueueNDRangeKernel(void* queue, void* kernel, std::uint32_t dims, const std::size_t* offset,
                                          const std::size_t* size, const std::size_t* group, std::uint32_t waits,
                                          void* const* list, void** event) {
  return changed(events, event != nullptr ? 1 : 0,
                 real<decltype(clEnqueueNDRangeKernel)>("clEnqueueNDRangeKernel")(queue, kernel, dims, offset, size,
                                                                                  group, waits, list, event));
}
