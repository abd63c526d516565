// NumPy's names of element types: kind and bytes, without the order mark (numpy/doc, array interface: "f4", "c16").
#pragma once

#include <optional>
#include <string_view>

#include <sconce/dtype.h>

namespace sconce::tensor {

/// Empty where NumPy has no such type.
[[nodiscard]] std::string_view numpy_code(DType dtype) noexcept;
/// Nothing where PyTorch has no such type.
[[nodiscard]] std::optional<DType> dtype_of_numpy_code(std::string_view code) noexcept;

}  // namespace sconce::tensor
