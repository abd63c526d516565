// How fast a device copies.
#pragma once

#include "device/port.h"

namespace sconce::device {

/// Devices::measure().
[[nodiscard]] DeviceSpeed measure(const Port& port, std::uint64_t bytes);

}  // namespace sconce::device
