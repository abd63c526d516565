// PyTorch's rebuild functions: tensors from their arguments, proven before they enter the tree.
#pragma once

#include <span>

#include "formats/torch_common/arguments.h"
#include "formats/torch_common/known_names.h"
#include "tree/document.h"

namespace sconce::formats::torch_common {

/// The tensor that one of torch._utils' rebuild functions would return; kNoNode where `what` is none of them. Errors:
/// `damaged` where the arguments contradict each other or the storage.
[[nodiscard]] NodeId rebuild_tensor(Document& document, Known what, const Arguments& arguments);

/// A strided tensor over a storage node. `offset`, `shape`, `strides` in elements of `dtype`, counted from the start of
/// what the node stands for.
[[nodiscard]] NodeId strided_tensor(Document& document, NodeId storage, DType dtype, std::int64_t offset,
                                    std::span<const std::int64_t> shape, std::span<const std::int64_t> strides,
                                    std::string_view call);

/// Sparse tensors, in every form since 1.4: (layout, (indices, values, size[, is_coalesced])) and so on.
[[nodiscard]] NodeId rebuild_sparse(Document& document, const Arguments& arguments);

}  // namespace sconce::formats::torch_common
