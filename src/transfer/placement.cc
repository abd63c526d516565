#include "transfer/placement.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/fail.h"
#include "base/host_memory.h"
#include "base/text.h"
#include "device/port.h"

namespace sconce::transfer {
namespace {

/// What the saved location means on this machine: nothing where it is no device of ours, or is not here.
std::optional<Device> saved_device(std::string_view location, DeviceFinder& finder) {
  const auto device = Device::find(location);
  return device && finder.has(*device) ? device : std::nullopt;
}

/// Locations that are not here, and what went to the CPU instead.
class Elsewhere {
 public:
  void add(std::string_view location, std::uint64_t nbytes) {
    auto& [count, bytes] = by_location_[std::string(location)];
    ++count;
    bytes += nbytes;
  }
  void tell(std::vector<std::string>& notes) const {
    for (const auto& [location, what] : by_location_)
      notes.push_back(location + " is not here: " + std::to_string(what.first) +
                      (what.first == 1 ? " storage (" : " storages (") + human_bytes(what.second) + ") go to the CPU");
  }

 private:
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> by_location_;
};

/// Fills devices one after another; a group that does not fit opens the next.
class Filler {
 public:
  Filler(std::span<const DeviceBudget> budgets, DeviceFinder& finder) : budgets_(budgets) {
    for (const DeviceBudget& budget : budgets) {
      finder.require(budget.device);
      room_.push_back(std::min(budget.bytes, finder.free(budget.device)));
      shares_.push_back(finder.shares_host(budget.device));
    }
    host_room_ = finder.free({});
  }

  Device take(std::string_view group, std::uint64_t bytes) {
    for (; at_ < budgets_.size(); ++at_) {
      if (bytes > room_[at_] || (shares_[at_] && bytes > host_room_)) continue;
      room_[at_] -= bytes;
      if (shares_[at_]) host_room_ -= bytes;
      return budgets_[at_].device;
    }
    std::string rooms;
    for (std::size_t at = 0; at < budgets_.size(); ++at)
      rooms += (at == 0 ? "" : ", ") + budgets_[at].device.to_string() + " " + human_bytes(room_[at]);
    fail(ErrorCode::memory,
         "no device of the budget has room for " + (group.empty() ? "the root" : "\"" + escaped(group) + "\"") +
             ", which takes " + human_bytes(bytes) + "; left: " + rooms,
         {}, "raise a budget, add ,cpu at its end, or cast to a smaller dtype");
  }

 private:
  std::span<const DeviceBudget> budgets_;
  std::vector<std::uint64_t> room_;
  std::vector<bool> shares_;     // of the CPU's memory
  std::uint64_t host_room_ = 0;  // for all that share it together
  std::size_t at_ = 0;
};

std::vector<Device> fill(std::span<const Item> items, const MapLocation& where, DeviceFinder& finder) {
  std::unordered_map<std::string_view, std::uint64_t> sizes;
  for (const Item& item : items) sizes[group_of(item.name)] += item.nbytes;
  Filler filler(where.budgets(), finder);
  std::unordered_map<std::string_view, Device> chosen;
  std::vector<Device> devices;
  for (const Item& item : items) {
    const std::string_view group = group_of(item.name);
    auto found = chosen.find(group);
    if (found == chosen.end()) found = chosen.emplace(group, filler.take(group, sizes.at(group))).first;
    devices.push_back(found->second);
  }
  return devices;
}

bool is_number(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// What map, function or device say of one storage; nothing: as saved.
std::optional<Device> asked(const MapLocation& where, const Item& item) {
  switch (where.kind()) {
    case MapLocation::Kind::device: return where.device();
    case MapLocation::Kind::map: {
      const auto found = where.map().find(std::string(item.location));
      return found != where.map().end() ? std::optional(found->second) : std::nullopt;
    }
    case MapLocation::Kind::function: return where.function()({item.name, item.location, item.nbytes});
    default: return std::nullopt;
  }
}

void note_placed(std::span<const Item> items, Placement& placement) {
  std::map<std::string, Device> several;
  for (std::size_t at = 0; at < items.size(); ++at) {
    const std::string location(items[at].location);
    const auto [known, added] = placement.placed.emplace(location, placement.devices[at]);
    if (!added && known->second != placement.devices[at]) several.insert(*known);
  }
  for (const auto& [location, device] : several) placement.placed.erase(location);
}

}  // namespace

const Devices& DeviceFinder::devices() {
  if (!devices_) devices_.emplace();
  return *devices_;
}

bool DeviceFinder::has(Device device) {
  if (device.type == DeviceType::cpu || device.type == DeviceType::meta) return device.index == 0;
  return devices().has(device);
}

std::uint64_t DeviceFinder::free(Device device) {
  if (device.type == DeviceType::meta) return UINT64_MAX;
  std::uint64_t room = UINT64_MAX;
  if (device.type != DeviceType::cpu) room = devices().memory(device).free;
  if (!shares_host(device)) return room;
  room = std::min(room, host_memory().available);
  return host_memory_ != 0 ? std::min(host_memory_, room) : room;
}

bool DeviceFinder::shares_host(Device device) {
  if (device.type == DeviceType::cpu) return true;
  if (device.type == DeviceType::meta) return false;
  const auto& list = devices().list();
  return std::any_of(list.begin(), list.end(),
                     [&](const DeviceInfo& info) { return info.device == device && info.host_memory; });
}

void DeviceFinder::require(Device device) {
  if (!has(device)) static_cast<void>(device::require_port(devices(), device));
}

std::string_view group_of(std::string_view name) noexcept {
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    if (begin != 0 && is_number(name.substr(begin, end - begin))) return name.substr(0, end);
    begin = end + 1;
  }
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
}

Placement place(std::span<const Item> items, const MapLocation& where, DeviceFinder& finder) {
  Placement placement;
  if (where.kind() == MapLocation::Kind::budget) {
    placement.devices = fill(items, where, finder);
    note_placed(items, placement);
    return placement;
  }
  Elsewhere elsewhere;
  placement.devices.reserve(items.size());
  for (const Item& item : items) {
    if (const auto device = asked(where, item)) {
      finder.require(*device);
      placement.devices.push_back(*device);
      continue;
    }
    const auto saved = saved_device(item.location, finder);
    if (!saved) elsewhere.add(item.location, item.nbytes);
    placement.devices.push_back(saved.value_or(Device{}));
  }
  elsewhere.tell(placement.notes);
  note_placed(items, placement);
  return placement;
}

}  // namespace sconce::transfer
