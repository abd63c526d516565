#include "device/opencl/opencl.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <sconce/error.h>

#include "device/opencl/casts.h"
#include "device/opencl/core.h"
#include "device/opencl/facts.h"

namespace sconce::device {
namespace {

using namespace opencl;

class OpenClPort final : public Port {
 public:
  explicit OpenClPort(CorePtr core) : core_(std::move(core)) {}

  [[nodiscard]] const DeviceInfo& info() const noexcept override { return core_->info; }
  [[nodiscard]] DeviceMemory memory() const override {
    return {core_->info.total_memory, core_->info.total_memory - core_->used()};
  }
  [[nodiscard]] MemoryPtr allocate(std::uint64_t size) const override { return opencl::allocate(core_, size); }
  [[nodiscard]] MemoryPtr allocate_with(std::shared_ptr<DeviceAllocator> allocator, std::uint64_t size,
                                        void* stream) const override {
    return opencl::allocate_with(core_, std::move(allocator), size, stream);
  }
  [[nodiscard]] MemoryPtr adopt(std::uintptr_t address, std::uint64_t size, std::shared_ptr<const void> owner,
                                void* stream) const override {
    return opencl::adopt(core_, address, size, std::move(owner), stream);
  }
  [[nodiscard]] std::unique_ptr<Staging> staging(std::size_t size) const override { return make_staging(core_, size); }
  [[nodiscard]] std::unique_ptr<Stream> stream(void* external) const override { return make_stream(core_, external); }
  [[nodiscard]] std::unique_ptr<Window> window(const Range& range) const override { return make_window(core_, range); }
  [[nodiscard]] bool casts(DType to, DType from) const noexcept override {
    return cast_kernel(to, from) != nullptr && core_->cast_program() != nullptr;
  }

 private:
  const CorePtr core_;
};

/// "OpenCL 3.0 PoCL 3.1+debian  Linux, None+Asserts, …" → 3 and 0.
bool is_at_least_1_2(const std::string& version) {
  constexpr std::string_view kStart = "OpenCL ";
  if (!version.starts_with(kStart)) return false;
  unsigned major = 0;
  unsigned minor = 0;
  const char* const end = version.data() + version.size();
  const auto dot = std::from_chars(version.data() + kStart.size(), end, major);
  if (dot.ec != std::errc() || dot.ptr == end || *dot.ptr != '.') return false;
  if (std::from_chars(dot.ptr + 1, end, minor).ec != std::errc()) return false;
  return major > 1 || minor >= 2;
}

DeviceInfo facts_of(const Api& api, Platform platform, DeviceId device, std::uint32_t index, std::uint64_t limit) {
  DeviceInfo info;
  info.device = {DeviceType::opencl, index};
  info.name = info_text(api.get_device_info, device, kDeviceName);
  // Behind two spaces, or a comma, there is how the driver was built.
  info.driver = info_text(api.get_platform_info, platform, kPlatformVersion);
  info.driver.resize(std::min({info.driver.find("  "), info.driver.find(','), info.driver.size()}));
  info.total_memory = device_number<std::uint64_t>(api, device, kDeviceGlobalMemSize);
  if (limit != 0) info.total_memory = std::min(info.total_memory, limit);
  info.max_allocation = std::min(info.total_memory, device_number<std::uint64_t>(api, device, kDeviceMaxMemAllocSize));
  info.host_memory = device_number<std::uint32_t>(api, device, kDeviceHostUnifiedMemory) != 0;
  return info;
}

std::vector<Platform> platforms_of(const Api& api, std::string& why) {
  std::uint32_t count = 0;
  Status status = api.get_platform_ids(0, nullptr, &count);
  std::vector<Platform> platforms(status == kSuccess ? count : 0);
  if (!platforms.empty()) status = api.get_platform_ids(count, platforms.data(), nullptr);
  if (status == kSuccess && count != 0) return platforms;
  why = status == kSuccess || status == kPlatformNotFoundKhr
            ? "no driver: the OpenCL loader is here, but no driver is registered with it"
            : "no driver: asking for OpenCL's platforms failed: " + name_of(status);
  return {};
}

std::vector<DeviceId> devices_of(const Api& api, Platform platform) {
  std::uint32_t count = 0;
  if (api.get_device_ids(platform, kDeviceTypeAll, 0, nullptr, &count) != kSuccess || count == 0) return {};
  std::vector<DeviceId> devices(count);
  if (api.get_device_ids(platform, kDeviceTypeAll, count, devices.data(), nullptr) != kSuccess) return {};
  std::erase_if(devices, [&api](DeviceId device) {
    return device_number<std::uint32_t>(api, device, kDeviceAvailable) == 0 ||
           !is_at_least_1_2(info_text(api.get_device_info, device, kDeviceVersion));
  });
  return devices;
}

}  // namespace

Backend open_opencl(const DeviceSearch& search) {
  Backend backend{.type = DeviceType::opencl, .ports = {}, .absence = {}};
  const auto api = open_api(search.opencl_library, backend.absence);
  if (api == nullptr) return backend;
  for (Platform platform : platforms_of(*api, backend.absence)) {
    for (DeviceId device : devices_of(*api, platform)) {
      const auto index = static_cast<std::uint32_t>(backend.ports.size());
      DeviceInfo facts = facts_of(*api, platform, device, index, search.opencl_memory);
      try {
        backend.ports.push_back(std::make_shared<OpenClPort>(std::make_shared<Core>(api, device, std::move(facts))));
      } catch (const Error& error) {
        backend.absence = error.message();  // that one device cannot be opened takes nothing from the others
      }
    }
  }
  if (!backend.ports.empty()) {
    backend.absence.clear();
  } else if (backend.absence.empty()) {
    backend.absence = "no OpenCL device of version 1.2 or later";
  }
  return backend;
}

}  // namespace sconce::device
