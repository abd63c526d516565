// Walking a tree: every leaf at every path that leads to it, with the names that PyTorch's users expect.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/value.h>

#include "tree/children.h"
#include "tree/document.h"

namespace sconce::tree {

struct WalkLimits {
  std::uint64_t paths = 16'000'000;  ///< steps in all; a graph of shared containers can have exponentially many paths
  std::size_t depth = 1000;          ///< containers inside containers
};

/// At most `paths` steps, and not many more than the document has values: 16 for each, and 100,000.
[[nodiscard]] inline WalkLimits walk_limits(const Document& document, std::uint64_t paths) {
  WalkLimits limits;
  limits.paths = std::min(paths, 100'000 + std::uint64_t{16} * document.node_count());
  return limits;
}

/// One step of a path; its text is a part of the walk's name.
struct WalkStep {
  PathStep::How how = PathStep::How::key;
  std::uint32_t begin = 0;  ///< of the text, in name()
  std::uint32_t size = 0;
  std::int64_t index = 0;
  NodeId key = kNoNode;  ///< key of a dict; kNoNode for positions and attributes
};

/// Meets the leaves of a tree in order, without recursion; cycles are cut. Components of names are joined with '.':
/// string keys as they are, integer keys and positions in decimal, attributes of objects by name, other keys as Python
/// writes them, and keys that are tensors or objects by their position (`#0`). The parameters, buffers and modules of a
/// torch.nn.Module are named as its state_dict() names them.
///
/// Not thread-safe; several walkers may walk one document.
class Walker {
 public:
  Walker(const Document& document, NodeId root, WalkLimits limits = {});

  /// Goes to the next leaf; false at the end. Empty containers are leaves; so are objects and tensors, before what is
  /// inside of them.
  bool next();

  [[nodiscard]] NodeId node() const noexcept { return leaf_; }
  /// Whether the leaf is one of the tensors that the tensor before it is made of.
  [[nodiscard]] bool is_part() const noexcept { return is_part_; }
  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  [[nodiscard]] const std::vector<WalkStep>& steps() const noexcept { return steps_; }
  [[nodiscard]] Path path() const;
  /// What the leaf is inside of, from the root on, and the name of each.
  [[nodiscard]] std::size_t container_count() const noexcept { return frames_.size(); }
  [[nodiscard]] NodeId container(std::size_t at) const noexcept { return frames_[at].node; }
  [[nodiscard]] std::string_view container_name(std::size_t at) const noexcept {
    return std::string_view(name_).substr(0, frames_[at].name_size);
  }
  /// False where a limit left something out.
  [[nodiscard]] bool complete() const noexcept { return complete_; }

 private:
  struct Frame {
    NodeId node = kNoNode;
    std::uint32_t at = 0;
    std::uint32_t name_size = 0;  ///< of name_ up to here
    std::uint32_t step_count = 0;
    bool module_dict = false;  ///< None entries are left out, as state_dict() does
    bool owned = false;        ///< children are in children_
    std::uint32_t first_child = 0;
  };

  void enter(NodeId node, bool module_dict);
  bool next_child(Frame& frame, Child& child);
  bool take(const Child& child, bool from_module);
  void add_step(const Child& child);
  void leave();

  const Document& document_;
  WalkLimits limits_;
  std::vector<Frame> frames_;
  std::vector<Child> children_;  // of the objects and tensors on the path
  std::vector<bool> on_path_;
  std::vector<WalkStep> steps_;
  std::string name_;
  NodeId root_;
  NodeId leaf_ = kNoNode;
  NodeId after_ = kNoNode;  // an object or tensor that was just given and has children of its own
  std::uint64_t visited_ = 0;
  bool is_part_ = false;
  bool begun_ = false;
  bool complete_ = true;
};

}  // namespace sconce::tree
