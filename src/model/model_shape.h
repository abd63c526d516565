// What the parts of a checkpoint look like: a state_dict, a model, an optimizer's state.
#pragma once

#include "tree/document.h"

namespace sconce::model {

/// Whether a dict reads like a state_dict by itself: string keys, tensors, and nothing but what modules add to them.
[[nodiscard]] bool is_state_dict(const tree::Document& document, tree::NodeId id);

/// Whether a value is a model: a state_dict, a module, or nothing but state_dicts of its parts, saved apart.
[[nodiscard]] bool is_model(const tree::Document& document, tree::NodeId id);

/// Whether a dict holds tensors under their names, and plain values beside them ("epoch"), but nothing deeper.
[[nodiscard]] bool is_flat_model(const tree::Document& document, tree::NodeId id);

/// Whether a dict is what an optimizer's state_dict() gives; its tensors are no model's.
[[nodiscard]] bool is_optimizer_state(const tree::Document& document, tree::NodeId id);

}  // namespace sconce::model
