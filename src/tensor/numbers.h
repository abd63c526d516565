// Elements as numbers, whatever their dtype: for comparing and printing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <sconce/dtype.h>

namespace sconce::tensor {

/// How many numbers an element is: 2 for complex ones (real, imaginary) and pairs of float4 (the low half first), else
/// 1. Quantised elements are the integers that are stored, bits are unsigned integers.
[[nodiscard]] std::size_t numbers_per_element(DType dtype) noexcept;

/// Elements, little-endian and as copy_elements() has them, as doubles: exactly, but for integers beyond 2^53, which
/// are rounded. `bytes` holds numbers.size() / numbers_per_element(dtype) elements, and where these share bytes as many
/// bytes as they begin.
void to_doubles(DType dtype, std::span<const std::byte> bytes, std::span<double> numbers) noexcept;

}  // namespace sconce::tensor
