// What a tensor's own contents must keep to: indices of sparse tensors, sizes of nested ones.
#pragma once

#include <sconce/options.h>
#include <sconce/tensor.h>

namespace sconce::model {

/// Reads the indices of a sparse tensor and the sizes of a nested one, through bounded windows, and checks what PyTorch
/// assumes of them (as torch.sparse.check_sparse_tensor_invariants does). Tensors of other kinds pass. Errors:
/// `damaged` with the name of the part; those of reading.
void check_contents(const Tensor& tensor, const Limits& limits);

/// Whether there is anything to check.
[[nodiscard]] bool has_contents_to_check(const Tensor& tensor);

}  // namespace sconce::model
