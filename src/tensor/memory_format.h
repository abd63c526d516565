// The same elements in another order of memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <sconce/tensor.h>

namespace sconce::tensor {

/// Strides of channels_last for sizes N, C, H, W, as PyTorch computes them: the channels lie next to one another.
[[nodiscard]] std::vector<std::int64_t> channels_last_strides(std::span<const std::int64_t> shape);
/// Whether elements lie so already, as Tensor.is_contiguous(memory_format=torch.channels_last) says.
[[nodiscard]] bool is_channels_last(const Tensor& tensor);

/// The tensor with a storage of its own, in which the elements lie in channels_last order. They are read, and conj and
/// neg bits resolved, when somebody reads the storage. Errors: `wrong_type` where the tensor has no elements of its
/// own; `unsupported` where it has not four dimensions.
[[nodiscard]] Tensor to_channels_last(const Tensor& tensor);
/// The same in row-major order, whatever the strides. Errors: `wrong_type`.
[[nodiscard]] Tensor to_row_major(const Tensor& tensor);

}  // namespace sconce::tensor
