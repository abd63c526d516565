// Devices of CUDA, through the driver's library. No toolkit is needed, neither to build nor to run.
#pragma once

#include "device/port.h"

namespace sconce::device {

/// Opens the driver and asks for all its devices. That there is none is no error; `absence` says why.
[[nodiscard]] Backend open_cuda(const DeviceSearch& search);

}  // namespace sconce::device
