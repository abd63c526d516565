// What of a tree a file can hold, in an order in which it can be made again.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "tree/document.h"

namespace sconce::formats::safetensors {

/// A node that is not in the file.
inline constexpr std::uint32_t kNotHeld = 0xFFFFFFFF;

/// Numbers the nodes of a tree. Lists, dicts and sets can be made empty and filled later, so that cycles go through
/// them; everything else comes after what it is made of. No recursion.
class Outline {
 public:
  /// Objects become dicts of what is inside of them where `open_objects`, and are lost otherwise.
  Outline(const tree::Document& document, std::span<const tree::NodeId> roots, bool open_objects);

  [[nodiscard]] std::span<const tree::NodeId> nodes() const noexcept { return nodes_; }
  /// Its place in nodes(); kNotHeld where it is lost.
  [[nodiscard]] std::uint32_t number(tree::NodeId id) const noexcept {
    return id == tree::kNoNode ? kNotHeld : numbers_[id];
  }
  /// Objects, and tensors that have no bytes; in the order in which they are met.
  [[nodiscard]] std::span<const tree::NodeId> lost() const noexcept { return lost_; }

 private:
  struct Frame {
    tree::NodeId node;
    std::vector<tree::NodeId> operands;
    std::size_t next = 0;
  };

  void visit(tree::NodeId id);
  bool begin(tree::NodeId id);
  void add(tree::NodeId id);

  const tree::Document& document_;
  bool open_objects_;
  std::vector<std::uint32_t> numbers_;
  std::vector<tree::NodeId> nodes_;
  std::vector<tree::NodeId> lost_;
  std::deque<tree::NodeId> queue_;  // numbered, and not yet looked into
  std::vector<Frame> frames_;
};

/// Everything that a value refers to: elements, keys and values, attributes, parts.
[[nodiscard]] std::vector<tree::NodeId> operands_of(const tree::Document& document, tree::NodeId id);

}  // namespace sconce::formats::safetensors
