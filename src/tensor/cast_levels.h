// The kernels of each level. Null where a level has none of its own.
#pragma once

#include "tensor/cast_kernels.h"

namespace sconce::tensor {

[[nodiscard]] CastKernel portable_widen(DType from) noexcept;
[[nodiscard]] CastKernel portable_narrow(DType to) noexcept;

}  // namespace sconce::tensor
