// Casts on the device: float32 from and to float16 and bfloat16, in integer arithmetic, since many devices have no half
// precision. They round as tensor::cast_elements() does.
#pragma once

#include "device/opencl/api.h"
#include "device/port.h"

namespace sconce::device::opencl {

/// The name of the kernel that does this pair; null where there is none.
[[nodiscard]] const char* cast_kernel(DType to, DType from) noexcept;
/// Holds null where the device cannot build it.
[[nodiscard]] Held<Program> build_casts(const Api& api, Context context, DeviceId device);

}  // namespace sconce::device::opencl
