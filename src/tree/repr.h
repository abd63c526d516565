// Values as text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tree/document.h"

namespace sconce::tree {

/// Text of a leaf as Python's repr has it; of a container its kind and size. Never follows children deeper than a
/// key's.
[[nodiscard]] std::string leaf_text(const Document& document, NodeId id);

/// A key of a dict as Python writes it: None, (1, 2), 0.5; nested tuples up to a sane length, then "…".
[[nodiscard]] std::string key_text(const Document& document, NodeId id);

/// The digits of an integer of any size; "int of N bits" where it is absurdly long.
[[nodiscard]] std::string integer_text(const Document& document, NodeId id);

/// A NumPy scalar as a number, where it is one.
[[nodiscard]] std::optional<std::int64_t> scalar_integer(const Document& document, NodeId id);
[[nodiscard]] std::optional<double> scalar_float(const Document& document, NodeId id);

}  // namespace sconce::tree
