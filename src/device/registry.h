// What Devices knows.
#pragma once

#include <vector>

#include "device/port.h"

namespace sconce {
inline namespace v0 {

/// Immutable once it is shared.
struct Devices::State {
  std::vector<device::Backend> backends;  ///< the CPU's first
  std::vector<DeviceInfo> list;
};

}  // namespace v0
}  // namespace sconce
