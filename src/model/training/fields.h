// Small questions about nodes that the whole room asks.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tree/children.h"
#include "tree/document.h"

namespace sconce::model::training {

using tree::Document;
using tree::kNoNode;
using tree::NodeId;

/// The value under a string key of a dict, or an attribute or keyed item of an object; kNoNode where there is none.
[[nodiscard]] NodeId field(const Document& document, NodeId id, std::string_view key);

/// What is under keys and attributes of a dict or an object, in order. Not positions: arguments of a call, list items.
[[nodiscard]] std::vector<tree::Child> fields(const Document& document, NodeId id);

/// Whether a value is a number, or can be read as one: an integer, a float, a bool, a NumPy scalar, a tensor of one
/// element.
[[nodiscard]] bool is_number(const Document& document, NodeId id);

/// That number. Reads the element of a tensor where that is cheap: never through a decompressor over more than a few
/// bytes. Nothing where it cannot be read.
[[nodiscard]] std::optional<double> number_of(const Document& document, NodeId id);

/// The text of a `str`; empty for anything else.
[[nodiscard]] std::string_view text_of(const Document& document, NodeId id);

/// Whether lists of what is inside make sense: dicts, lists, tuples, objects with something in them.
[[nodiscard]] bool is_container(const Document& document, NodeId id);

/// "name" below "path".
[[nodiscard]] std::string joined(std::string_view path, std::string_view name);

[[nodiscard]] bool is_tensor(const Document& document, NodeId id);
/// The shape of a tensor that is one.
[[nodiscard]] inline std::span<const std::int64_t> shape_of(const Document& document, NodeId id) {
  return document.tensor_record(id).shape();
}
/// "[64, 3, 7, 7]".
[[nodiscard]] std::string shape_text(std::span<const std::int64_t> shape);

}  // namespace sconce::model::training
