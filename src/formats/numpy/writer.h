// Writing one tensor as a NumPy `.npy` file.
#pragma once

#include <sconce/tensor.h>

#include "io/write_plan.h"

namespace sconce::formats::numpy {

/// Version 1.0, row-major, little-endian. Errors: `unsupported` for dtypes that NumPy lacks.
[[nodiscard]] io::WritePlan plan_npy(const Tensor& tensor);

}  // namespace sconce::formats::numpy
