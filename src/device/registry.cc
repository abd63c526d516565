#include "device/registry.h"

#include <array>
#include <string>
#include <utility>

#include "base/fail.h"
#include "device/cpu/cpu.h"
#include "device/cuda/cuda.h"
#include "device/measure.h"
#include "device/opencl/opencl.h"

namespace sconce {

namespace device {
namespace {

struct Entry {
  DeviceType type;
  Backend (*open)(const DeviceSearch&);
  bool DeviceSearch::*wanted;  ///< null: always
};

// All backends, one line each, in the order in which their devices are listed.
constexpr std::array kBackends = {
    Entry{DeviceType::cpu, open_cpu, nullptr},
    Entry{DeviceType::cuda, open_cuda, &DeviceSearch::cuda},
    Entry{DeviceType::opencl, open_opencl, &DeviceSearch::opencl},
};

Devices::State find_all(const DeviceSearch& search) {
  Devices::State state;
  for (const Entry& entry : kBackends) {
    if (entry.wanted == nullptr || search.*entry.wanted)
      state.backends.push_back(entry.open(search));
    else
      state.backends.push_back({.type = entry.type, .ports = {}, .absence = "not looked for"});
    for (const PortPtr& port : state.backends.back().ports) state.list.push_back(port->info());
  }
  return state;
}

PortPtr port_in(const Devices::State& state, Device device) {
  for (const Backend& backend : state.backends)
    if (backend.type == device.type && device.index < backend.ports.size()) return backend.ports[device.index];
  return nullptr;
}

std::string list_of(const Devices& devices) {
  std::string text;
  for (const DeviceInfo& info : devices.list()) text += (text.empty() ? "" : ", ") + info.device.to_string();
  return text;
}

}  // namespace

PortPtr port_of(const Devices& devices, Device device) { return port_in(*devices.state(), device); }

PortPtr require_port(const Devices& devices, Device device) {
  if (auto port = port_of(devices, device)) return port;
  if (device.type == DeviceType::meta) fail(ErrorCode::unsupported, "meta has no memory: its tensors have no bytes");
  const std::string& absence = devices.absence(device.type);
  fail(ErrorCode::unsupported, "there is no " + device.to_string() + " here" + (absence.empty() ? "" : ": " + absence),
       {}, "devices that are here: " + list_of(devices) + "; \"auto\" takes the CPU for what is not here");
}

}  // namespace device

inline namespace v0 {

DeviceAllocator::~DeviceAllocator() = default;

Devices::Devices(const DeviceSearch& search) : state_(std::make_shared<const State>(device::find_all(search))) {}

const std::vector<DeviceInfo>& Devices::list() const noexcept { return state_->list; }

bool Devices::has(Device device) const noexcept {
  if (device.type == DeviceType::meta) return device.index == 0;
  return device::port_in(*state_, device) != nullptr;
}

const std::string& Devices::absence(DeviceType type) const noexcept {
  static const std::string none;
  for (const device::Backend& backend : state_->backends)
    if (backend.type == type) return backend.absence;
  return none;
}

DeviceMemory Devices::memory(Device device) const { return device::require_port(*this, device)->memory(); }

DeviceSpeed Devices::measure(Device device, std::uint64_t bytes) const {
  return device::measure(*device::require_port(*this, device), bytes);
}

Storage Devices::view(Device device, std::uintptr_t address, std::uint64_t nbytes, std::shared_ptr<const void> owner,
                      void* stream) const {
  device::PortPtr port = device::require_port(*this, device);
  device::MemoryPtr memory = port->adopt(address, nbytes, std::move(owner), stream);
  return device::storage_on(std::move(port), std::move(memory), 0, nbytes, std::nullopt);
}

}  // namespace v0
}  // namespace sconce
