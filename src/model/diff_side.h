// One side of a comparison: the leaves of a checkpoint by name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <sconce/diff.h>

#include "model/state.h"

namespace sconce::model {

struct SideLeaf {
  std::string name;
  tree::NodeId node = tree::kNoNode;
  std::uint64_t storage = UINT64_MAX;  ///< equal for tensors that share one; all ones where there is none
};

/// Leaves of one sort, in the order of the tree. Where two paths read alike, the later names get a number.
class Leaves {
 public:
  void add(SideLeaf leaf);
  /// Call once, when all are there.
  void make_index();
  [[nodiscard]] const std::vector<SideLeaf>& all() const noexcept { return leaves_; }
  /// Number of the leaf of that name.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;

 private:
  std::vector<SideLeaf> leaves_;
  std::unordered_map<std::string_view, std::size_t> index_;
};

struct Side {
  /// `containers` are gathered where options.strict.
  Side(const Checkpoint& checkpoint, const DiffOptions& options);
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  [[nodiscard]] const tree::Document& document() const noexcept { return *state->document; }
  [[nodiscard]] Tensor tensor(const SideLeaf& leaf) const;
  /// "safetensors", or "memory" for a checkpoint that came from no file.
  [[nodiscard]] std::string format() const;

  std::shared_ptr<const Checkpoint::State> state;
  Leaves tensors;
  Leaves values;
  Leaves containers;
  bool complete = true;  ///< false where the limit of paths ended the walk
};

}  // namespace sconce::model
