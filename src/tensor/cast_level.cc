// Which kernels this processor can run.
#include "tensor/cast_kernels.h"
#include "tensor/cast_levels.h"

namespace sconce::tensor {

CastLevel cast_level() noexcept { return CastLevel::portable; }

CastKernel widen_kernel(DType from, CastLevel) noexcept { return portable_widen(from); }
CastKernel narrow_kernel(DType to, CastLevel) noexcept { return portable_narrow(to); }

}  // namespace sconce::tensor
