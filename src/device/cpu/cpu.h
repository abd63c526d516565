// The memory of the host, as a device like the others.
#pragma once

#include "device/port.h"

namespace sconce::device {

/// One port, always.
[[nodiscard]] Backend open_cpu(const DeviceSearch& search);

}  // namespace sconce::device
