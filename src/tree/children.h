// What is inside a value, and how each part is named.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/value.h>

#include "tree/document.h"

namespace sconce::tree {

/// A value inside another.
struct Child {
  PathStep::How how = PathStep::How::key;
  NodeId key = kNoNode;   ///< where it is under a key
  std::string_view text;  ///< of an attribute; "#" marks an index that stands for an object as key
  std::int64_t index = 0;
  NodeId value = kNoNode;
  bool transparent = false;  ///< no step of its own: the root
  bool of_module = false;    ///< a module's _parameters, _buffers, _modules: no step of its own, either
  bool part = false;         ///< a tensor that the tensor is made of
};

[[nodiscard]] inline bool is_sequence(Kind kind) noexcept {
  return kind == Kind::list || kind == Kind::tuple || kind == Kind::size;
}
[[nodiscard]] inline bool is_keyed(Kind kind) noexcept {
  return kind == Kind::dict || kind == Kind::set || kind == Kind::frozenset;
}

/// Whether anything is inside.
[[nodiscard]] bool has_children(const Document& document, NodeId id);

/// Whether an object is a torch.nn.Module: its attributes have the three dicts of one.
[[nodiscard]] bool is_module(const Document& document, NodeId id);

/// Entry number `at` of a dict.
[[nodiscard]] Child keyed_child(const Document& document, NodeId key, NodeId value, std::size_t at);

/// Appends what is inside beyond entries and elements: arguments, attributes and items of an object, attributes of a
/// dict, parts and attributes of a tensor; in the order in which the file made them.
void collect_children(const Document& document, NodeId id, std::vector<Child>& children);

/// The text of a step to a child, as names have it.
[[nodiscard]] std::string step_text(const Document& document, const Child& child);

/// Every child that is named so; usually one or none.
[[nodiscard]] std::vector<NodeId> children_named(const Document& document, NodeId id, std::string_view text);

}  // namespace sconce::tree
