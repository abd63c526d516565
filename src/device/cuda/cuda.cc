#include "device/cuda/cuda.h"

#include <array>
#include <utility>

#include <sconce/error.h>

#include "device/cuda/cast_ptx.h"
#include "device/cuda/core.h"

namespace sconce::device {
namespace {

using namespace cuda;

class CudaPort final : public Port {
 public:
  explicit CudaPort(CorePtr core) : core_(std::move(core)) {}

  [[nodiscard]] const DeviceInfo& info() const noexcept override { return core_->info; }
  [[nodiscard]] DeviceMemory memory() const override {
    const Current current(*core_);
    std::size_t free = 0;
    std::size_t total = 0;
    core_->check(core_->api->mem_get_info(&free, &total), "asking for the memory of");
    return {total, free};
  }
  [[nodiscard]] MemoryPtr allocate(std::uint64_t size) const override { return cuda::allocate(core_, size); }
  [[nodiscard]] MemoryPtr allocate_with(std::shared_ptr<DeviceAllocator> allocator, std::uint64_t size,
                                        void* stream) const override {
    return cuda::allocate_with(core_, std::move(allocator), size, stream);
  }
  [[nodiscard]] MemoryPtr adopt(std::uintptr_t address, std::uint64_t size, std::shared_ptr<const void> owner,
                                void* stream) const override {
    return cuda::adopt(core_, address, size, std::move(owner), stream);
  }
  [[nodiscard]] std::unique_ptr<Staging> staging(std::size_t size) const override { return make_staging(core_, size); }
  [[nodiscard]] std::unique_ptr<Stream> stream(void* external) const override { return make_stream(core_, external); }
  /// The host sees nothing of a discrete device's memory, and of an integrated one's only what was made to be seen.
  [[nodiscard]] std::unique_ptr<Window> window(const Range&) const override { return nullptr; }
  [[nodiscard]] bool casts(DType to, DType from) const noexcept override {
    const CastKernel* const kernel = cast_kernel(to, from);
    return kernel != nullptr && core_->cast_function(kernel->name) != nullptr;
  }

 private:
  const CorePtr core_;
};

/// 13000 → "CUDA 13.0".
std::string version_of(const Api& api) {
  int version = 0;
  api.check(api.driver_get_version(&version), "asking for the driver's version");
  return "CUDA " + std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

CorePtr open_device(const std::shared_ptr<const Api>& api, const std::string& driver, std::uint32_t index) {
  DeviceInfo info;
  info.device = {DeviceType::cuda, index};
  info.driver = driver;
  const std::string doing = "asking about " + info.device.to_string();
  DeviceId id = 0;
  std::array<char, 256> name{};
  std::size_t total = 0;
  int integrated = 0;
  api->check(api->device_get(&id, static_cast<int>(index)), doing);
  api->check(api->device_get_name(name.data(), static_cast<int>(name.size() - 1), id), doing);
  api->check(api->device_total_mem(&total, id), doing);
  api->check(api->device_get_attribute(&integrated, kAttributeIntegrated, id), doing);
  info.name = name.data();
  info.total_memory = total;
  info.max_allocation = total;
  info.host_memory = integrated != 0;
  return std::make_shared<Core>(api, id, std::move(info));
}

std::string why_not(const Api& api, Status status) {
  if (status == kNoDevice) return "no device: the driver of CUDA is here, but finds none";
  return "no driver: starting CUDA's driver failed: " + api.name_of(status);
}

}  // namespace

Backend open_cuda(const DeviceSearch& search) {
  Backend backend{.type = DeviceType::cuda, .ports = {}, .absence = {}};
  const auto api = open_api(search.cuda_library, backend.absence);
  if (api == nullptr) return backend;
  int count = 0;
  Status status = api->init(0);
  if (status == kSuccess) status = api->device_get_count(&count);
  if (status != kSuccess || count <= 0) {
    backend.absence = why_not(*api, status == kSuccess ? kNoDevice : status);
    return backend;
  }
  try {
    const std::string driver = version_of(*api);
    for (std::uint32_t index = 0; index < static_cast<std::uint32_t>(count); ++index)
      backend.ports.push_back(std::make_shared<CudaPort>(open_device(api, driver, index)));
  } catch (const Error& error) {
    // Those before it keep their numbers; those behind it would get others.
    if (backend.ports.empty()) backend.absence = "no device: " + error.message();
  }
  return backend;
}

}  // namespace sconce::device
