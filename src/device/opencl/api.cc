#include "device/opencl/api.h"

#include <array>
#include <string_view>

#include "base/fail.h"
#include "device/driver_library.h"

namespace sconce::device::opencl {
namespace {

void find_objects(DriverLibrary& driver, Api& api) {
  driver.find(api.get_platform_ids, "clGetPlatformIDs");
  driver.find(api.get_platform_info, "clGetPlatformInfo");
  driver.find(api.get_device_ids, "clGetDeviceIDs");
  driver.find(api.get_device_info, "clGetDeviceInfo");
  driver.find(api.create_context, "clCreateContext");
  driver.find(api.release_context, "clReleaseContext");
  driver.find(api.create_queue, "clCreateCommandQueue");
  driver.find(api.retain_queue, "clRetainCommandQueue");
  driver.find(api.release_queue, "clReleaseCommandQueue");
  driver.find(api.get_queue_info, "clGetCommandQueueInfo");
  driver.find(api.create_buffer, "clCreateBuffer");
  driver.find(api.retain_mem, "clRetainMemObject");
  driver.find(api.release_mem, "clReleaseMemObject");
  driver.find(api.get_mem_info, "clGetMemObjectInfo");
  driver.find(api.set_mem_destructor, "clSetMemObjectDestructorCallback");
}

void find_commands(DriverLibrary& driver, Api& api) {
  driver.find(api.enqueue_read, "clEnqueueReadBuffer");
  driver.find(api.enqueue_write, "clEnqueueWriteBuffer");
  driver.find(api.enqueue_copy, "clEnqueueCopyBuffer");
  driver.find(api.enqueue_fill, "clEnqueueFillBuffer");
  driver.find(api.enqueue_map, "clEnqueueMapBuffer");
  driver.find(api.enqueue_unmap, "clEnqueueUnmapMemObject");
  driver.find(api.enqueue_kernel, "clEnqueueNDRangeKernel");
  driver.find(api.wait_for_events, "clWaitForEvents");
  driver.find(api.get_event_info, "clGetEventInfo");
  driver.find(api.release_event, "clReleaseEvent");
  driver.find(api.flush, "clFlush");
  driver.find(api.finish, "clFinish");
  driver.find(api.create_program, "clCreateProgramWithSource");
  driver.find(api.build_program, "clBuildProgram");
  driver.find(api.release_program, "clReleaseProgram");
  driver.find(api.create_kernel, "clCreateKernel");
  driver.find(api.set_kernel_arg, "clSetKernelArg");
  driver.find(api.release_kernel, "clReleaseKernel");
}

// The specification's numbers from -1 down.
constexpr std::array<std::string_view, 19> kRunTimeErrors = {
    "CL_DEVICE_NOT_FOUND",
    "CL_DEVICE_NOT_AVAILABLE",
    "CL_COMPILER_NOT_AVAILABLE",
    "CL_MEM_OBJECT_ALLOCATION_FAILURE",
    "CL_OUT_OF_RESOURCES",
    "CL_OUT_OF_HOST_MEMORY",
    "CL_PROFILING_INFO_NOT_AVAILABLE",
    "CL_MEM_COPY_OVERLAP",
    "CL_IMAGE_FORMAT_MISMATCH",
    "CL_IMAGE_FORMAT_NOT_SUPPORTED",
    "CL_BUILD_PROGRAM_FAILURE",
    "CL_MAP_FAILURE",
    "CL_MISALIGNED_SUB_BUFFER_OFFSET",
    "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST",
    "CL_COMPILE_PROGRAM_FAILURE",
    "CL_LINKER_NOT_AVAILABLE",
    "CL_LINK_PROGRAM_FAILURE",
    "CL_DEVICE_PARTITION_FAILED",
    "CL_KERNEL_ARG_INFO_NOT_AVAILABLE",
};
// And from -30 down.
constexpr std::array<std::string_view, 35> kInvalidErrors = {
    "CL_INVALID_VALUE",           "CL_INVALID_DEVICE_TYPE",
    "CL_INVALID_PLATFORM",        "CL_INVALID_DEVICE",
    "CL_INVALID_CONTEXT",         "CL_INVALID_QUEUE_PROPERTIES",
    "CL_INVALID_COMMAND_QUEUE",   "CL_INVALID_HOST_PTR",
    "CL_INVALID_MEM_OBJECT",      "CL_INVALID_IMAGE_FORMAT_DESCRIPTOR",
    "CL_INVALID_IMAGE_SIZE",      "CL_INVALID_SAMPLER",
    "CL_INVALID_BINARY",          "CL_INVALID_BUILD_OPTIONS",
    "CL_INVALID_PROGRAM",         "CL_INVALID_PROGRAM_EXECUTABLE",
    "CL_INVALID_KERNEL_NAME",     "CL_INVALID_KERNEL_DEFINITION",
    "CL_INVALID_KERNEL",          "CL_INVALID_ARG_INDEX",
    "CL_INVALID_ARG_VALUE",       "CL_INVALID_ARG_SIZE",
    "CL_INVALID_KERNEL_ARGS",     "CL_INVALID_WORK_DIMENSION",
    "CL_INVALID_WORK_GROUP_SIZE", "CL_INVALID_WORK_ITEM_SIZE",
    "CL_INVALID_GLOBAL_OFFSET",   "CL_INVALID_EVENT_WAIT_LIST",
    "CL_INVALID_EVENT",           "CL_INVALID_OPERATION",
    "CL_INVALID_GL_OBJECT",       "CL_INVALID_BUFFER_SIZE",
    "CL_INVALID_MIP_LEVEL",       "CL_INVALID_GLOBAL_WORK_SIZE",
    "CL_INVALID_PROPERTY",
};
constexpr Status kMemObjectAllocationFailure = -4;
constexpr Status kOutOfHostMemory = -6;
constexpr Status kInvalidBufferSize = -61;

}  // namespace

std::shared_ptr<const Api> open_api(const std::string& library, std::string& why) {
  DriverLibrary driver(library);
  why = driver.absence();
  if (!why.empty()) return nullptr;
  auto api = std::make_shared<Api>();
  find_objects(driver, *api);
  find_commands(driver, *api);
  if (driver.missing() == nullptr) return api;
  why = "no driver: " + library + " has no " + driver.missing() + ", so it is no loader of OpenCL 1.2";
  return nullptr;
}

std::string name_of(Status status) {
  if (status == kPlatformNotFoundKhr) return "CL_PLATFORM_NOT_FOUND_KHR";
  const auto find_in = [status](auto& names, Status first) -> std::string_view {
    const std::int64_t at = std::int64_t{first} - status;
    return at >= 0 && at < std::ssize(names) ? names[static_cast<std::size_t>(at)] : std::string_view();
  };
  if (const auto name = find_in(kRunTimeErrors, -1); !name.empty()) return std::string(name);
  if (const auto name = find_in(kInvalidErrors, -30); !name.empty()) return std::string(name);
  return "OpenCL error " + std::to_string(status);
}

void check(Status status, const std::string& doing) {
  if (status == kSuccess) return;
  const bool memory =
      status == kMemObjectAllocationFailure || status == kOutOfHostMemory || status == kInvalidBufferSize;
  fail(memory ? ErrorCode::memory : ErrorCode::device, doing + " failed: " + name_of(status));
}

}  // namespace sconce::device::opencl
