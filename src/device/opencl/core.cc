#include "device/opencl/core.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "base/fail.h"
#include "base/text.h"
#include "device/opencl/casts.h"
#include "device/opencl/facts.h"

namespace sconce::device::opencl {
namespace {

constexpr std::size_t kGroupSize = 256;

Held<Context> open_context(const Api& api, DeviceId device, const DeviceInfo& info) {
  Status status = kSuccess;
  Context context = api.create_context(nullptr, 1, &device, nullptr, nullptr, &status);
  Held<Context> held(context, api.release_context);
  check(status, "opening " + info.device.to_string());
  return held;
}

}  // namespace

Core::Core(std::shared_ptr<const Api> functions, DeviceId device, DeviceInfo facts)
    : api(std::move(functions)),
      id(device),
      info(std::move(facts)),
      context(open_context(*api, id, info)),
      is_cpu((device_number<Flags>(*api, id, kDeviceType) & kDeviceTypeCpu) != 0),
      little_endian(device_number<std::uint32_t>(*api, id, kDeviceEndianLittle) != 0),
      group_size(std::clamp<std::size_t>(device_number<std::size_t>(*api, id, kDeviceMaxWorkGroupSize), 1, kGroupSize)),
      program_(nullptr, api->release_program) {}

std::string Core::doing(std::string_view what) const { return std::string(what) + " " + info.device.to_string(); }

Held<Queue> Core::new_queue(Context queue_context) const {
  Status status = kSuccess;
  Held<Queue> queue(api->create_queue(queue_context, id, 0, &status), api->release_queue);
  check(status, doing("making a queue for"));
  return queue;
}

void Core::charge(std::uint64_t size) const {
  const std::string name = info.device.to_string();
  if (size > info.max_allocation)
    fail(ErrorCode::memory, "one block of " + name + " has at most " + human_bytes(info.max_allocation) + ", but " +
                                human_bytes(size) + " were asked for");
  std::uint64_t used = used_;
  do {
    if (size > info.total_memory - used)
      fail(ErrorCode::memory, name + " has " + human_bytes(info.total_memory - used) + " left of " +
                                  human_bytes(info.total_memory) + ", but " + human_bytes(size) + " were asked for");
  } while (!used_.compare_exchange_weak(used, used + size));
}

Program Core::cast_program() const {
  std::call_once(program_once_, [this] {
    if (little_endian && std::endian::native == std::endian::little) program_ = build_casts(*api, context.get(), id);
  });
  return program_.get();
}

}  // namespace sconce::device::opencl
