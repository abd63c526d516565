// Which device each storage goes to: map_location, decided once for all storages before anything is read.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/transfer.h>

namespace sconce::transfer {

/// A storage that needs a place. The texts must live as long as the call.
struct Item {
  std::string_view name;  ///< of the first tensor that shows it; may be empty where map_location does not ask for it
  std::string_view location;  ///< as saved
  std::uint64_t nbytes = 0;   ///< it will take
};

/// The devices of this machine, looked for when somebody asks for one that is no CPU.
class DeviceFinder {
 public:
  /// `known`: found before; `host_memory`: what the CPU may be given, 0: what the system has left.
  DeviceFinder(std::optional<Devices> known, std::uint64_t host_memory)
      : devices_(std::move(known)), host_memory_(host_memory) {}

  [[nodiscard]] const Devices& devices();
  [[nodiscard]] bool has(Device device);
  /// Bytes that can be had now.
  [[nodiscard]] std::uint64_t free(Device device);
  /// Whether what is taken of this device is taken of the CPU's memory, too.
  [[nodiscard]] bool shares_host(Device device);
  /// Errors: `unsupported`, with why it is not there and what is.
  void require(Device device);

 private:
  std::optional<Devices> devices_;
  std::uint64_t host_memory_;
};

struct Placement {
  std::vector<Device> devices;           ///< one for each item
  std::map<std::string, Device> placed;  ///< by saved location, where that went to one device
  std::vector<std::string> notes;
};

/// Errors: `unsupported` for a device that is wanted and not here; `memory` where a budget has no room.
[[nodiscard]] Placement place(std::span<const Item> items, const MapLocation& where, DeviceFinder& finder);

/// Tensors that a budget keeps together have the same group: the block of the first number in the name
/// ("layers.7.mlp.weight" → "layers.7"), else the module ("head.weight" → "head").
[[nodiscard]] std::string_view group_of(std::string_view name) noexcept;

}  // namespace sconce::transfer
