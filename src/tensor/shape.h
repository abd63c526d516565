// Arithmetic on shapes and strides that a file gave: proven before anything is touched.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <sconce/dtype.h>

namespace sconce::tensor {

/// PyTorch allows 64 dimensions.
inline constexpr std::size_t kMaxDims = 64;

/// Product of the sizes; nothing where one is negative or the product of the non-zero ones overflows int64 (also for
/// tensors without elements, as a later reshape would).
[[nodiscard]] std::optional<std::uint64_t> numel_of(std::span<const std::int64_t> shape) noexcept;

/// Strides of row-major order, as PyTorch computes them (a size of 0 or 1 counts as 1).
[[nodiscard]] std::vector<std::int64_t> contiguous_strides(std::span<const std::int64_t> shape);

/// Whether elements in row-major order lie behind one another, as Tensor.is_contiguous() says.
[[nodiscard]] bool is_contiguous(std::span<const std::int64_t> shape, std::span<const std::int64_t> strides) noexcept;

/// Why a view cannot be: the text for an Error, or nothing where it is proven inside a storage of `storage_bytes`.
/// Checks lengths, signs, overflow of every product and sum, and offset + sum((size - 1) * stride) + 1 <= elements.
[[nodiscard]] std::optional<std::string> why_not_inside(DType dtype, std::span<const std::int64_t> shape,
                                                        std::span<const std::int64_t> strides,
                                                        std::int64_t storage_offset, std::uint64_t storage_bytes);

}  // namespace sconce::tensor
