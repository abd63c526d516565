// Values of a module's attributes as Python writes them.
#pragma once

#include <optional>
#include <string>

#include "tree/document.h"

namespace sconce::model::structure {

/// As Python's repr() has it: None, 0.1, 'zeros', (3, 3), torch.float32. Nothing for what is no small plain value:
/// objects, tensors, dicts, long texts, and sequences that are long or deep.
[[nodiscard]] std::optional<std::string> python_repr(const tree::Document& document, tree::NodeId id);

/// As Python's str() has it: a string without quotes, all else as repr().
[[nodiscard]] std::optional<std::string> python_str(const tree::Document& document, tree::NodeId id);

/// The str() of a value whose repr() is given.
[[nodiscard]] std::string str_of_repr(std::string_view repr);

}  // namespace sconce::model::structure
