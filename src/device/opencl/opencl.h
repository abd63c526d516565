// Devices of OpenCL: whatever the ICD loader of this machine knows.
#pragma once

#include "device/port.h"

namespace sconce::device {

/// Opens the loader and every device of OpenCL 1.2 or later. That there is none is no error; `absence` says why.
[[nodiscard]] Backend open_opencl(const DeviceSearch& search);

}  // namespace sconce::device
