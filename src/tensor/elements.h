// The elements of a tensor in row-major order, little-endian, conj and neg bits resolved: for hashes, comparisons,
// copies and writers. Works through a bounded window, whatever the strides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <sconce/byte_source.h>
#include <sconce/options.h>
#include <sconce/tensor.h>

namespace sconce::tensor {

/// Whether the elements lie in the storage exactly as they are wanted: contiguous, little-endian, no bit to resolve.
[[nodiscard]] bool is_plain(const TensorData& tensor) noexcept;

/// Byte offset of the first element in its storage.
[[nodiscard]] std::uint64_t byte_offset(const TensorData& tensor) noexcept;

/// Bytes of all elements, laid out in full (the size of an ElementSource).
[[nodiscard]] std::uint64_t elements_nbytes(const TensorData& tensor);

/// Copies elements [first, first + into.size() / element_size) in row-major order. For sub-byte dtypes `first` counts
/// bytes. Errors: those of reading; `wrong_type` where the tensor has no elements of its own.
void copy_elements(const TensorData& tensor, std::uint64_t first, std::span<std::byte> into);

/// A source of the elements, laid out in full. Where is_plain() holds, it is a slice of the storage's source.
[[nodiscard]] SourcePtr element_source(const Tensor& tensor);

/// Refuses a tensor whose elements, laid out in full, would be absurd for its storage. Errors: `limit`.
void check_expansion(const TensorData& tensor, const Limits& limits);

}  // namespace sconce::tensor
