// Tensors, Variables and Parameters as PyTorch 0.1 to 0.4 pickled them: an object first, its contents by BUILD.
#pragma once

#include "formats/torch_common/arguments.h"

namespace sconce::formats::torch_common {

/// Parameter(tensor[, requires_grad]) and Variable(tensor[, …]) by REDUCE; kNoNode where the arguments are no tensor.
[[nodiscard]] NodeId old_parameter(Document& document, const Arguments& arguments, bool is_parameter);

/// BUILD of (storage, offset, size, stride) on an instance of a tensor class, which becomes a tensor; BUILD of
/// Parameter and Variable instances, which carry their tensor in the state. False where `object` is none of these.
[[nodiscard]] bool old_tensor_state(Document& document, NodeId object, NodeId state);

/// BUILD on something that is a tensor already: (requires_grad, volatile, hooks) of 0.1, Python attributes of today.
void tensor_state(Document& document, NodeId tensor, NodeId state);

}  // namespace sconce::formats::torch_common
