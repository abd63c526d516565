#include "model/diff_side.h"

#include <algorithm>
#include <utility>

#include "base/fail.h"
#include "base/text.h"
#include "model/leaf.h"
#include "tree/walk.h"

namespace sconce::model {

namespace {

using tree::NodeId;

/// Walks one root and sorts what it meets.
class Gatherer {
 public:
  Gatherer(Side& side, const DiffOptions& options) : side_(side), options_(options) {}

  void run(NodeId root, std::optional<std::size_t> number) {
    tree::Walker walker(side_.document(), root, side_.state->walk_limits());
    const TreeLeaf leaf(side_.state->document, walker, number);
    while (walker.next()) {
      if (options_.cancel.stop_requested()) fail(ErrorCode::cancelled, "cancelled");
      if (options_.strict) add_containers(walker);
      const std::string_view name = leaf.name();
      if (is_ignored(name)) continue;
      SideLeaf found{std::string(name), walker.node()};
      if (leaf.is_tensor()) {
        found.storage = leaf.storage_number().value_or(UINT64_MAX);
        side_.tensors.add(std::move(found));
      } else {
        side_.values.add(std::move(found));
      }
    }
    side_.complete = side_.complete && walker.complete();
  }

 private:
  [[nodiscard]] bool is_ignored(std::string_view name) const {
    return std::ranges::any_of(options_.ignore, [&](const std::string& pattern) { return matches(pattern, name); });
  }

  /// Containers on the way that were not on the way to the leaf before.
  void add_containers(const tree::Walker& walker) {
    bool same = true;
    for (std::size_t at = 0; at < walker.container_count(); ++at) {
      const std::string_view name = walker.container_name(at);
      same = same && at < path_.size() && path_[at].first == walker.container(at) && path_[at].second == name;
      if (same) continue;
      path_.resize(at);
      path_.emplace_back(walker.container(at), name);
      // A module's dicts of parameters have no name of their own.
      const bool has_name = at == 0 || name != walker.container_name(at - 1);
      if (has_name && !is_ignored(name)) side_.containers.add({std::string(name), walker.container(at)});
    }
  }

  Side& side_;
  const DiffOptions& options_;
  std::vector<std::pair<NodeId, std::string>> path_;
};

}  // namespace

void Leaves::add(SideLeaf leaf) { leaves_.push_back(std::move(leaf)); }

void Leaves::make_index() {
  std::unordered_map<std::string, std::size_t> repeats;
  index_.reserve(leaves_.size());
  for (std::size_t at = 0; at < leaves_.size(); ++at) {
    const std::string plain = leaves_[at].name;
    while (!index_.try_emplace(leaves_[at].name, at).second)
      leaves_[at].name = plain + " (" + std::to_string(++repeats[plain] + 1) + ")";
  }
}

std::optional<std::size_t> Leaves::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? std::nullopt : std::optional(found->second);
}

Side::Side(const Checkpoint& checkpoint, const DiffOptions& options) : state(checkpoint.state()) {
  Gatherer gatherer(*this, options);
  for (std::size_t number = 0; number < state->roots.size(); ++number)
    gatherer.run(state->roots[number], state->roots.size() > 1 ? std::optional(number) : std::nullopt);
  for (Leaves* leaves : {&tensors, &values, &containers}) leaves->make_index();
}

Tensor Side::tensor(const SideLeaf& leaf) const {
  if (document().kind(leaf.node) == Kind::storage) return storage_as_tensor(document(), leaf.node);
  return document().tensor_handle(leaf.node);
}

std::string Side::format() const { return state->facts.format.empty() ? "memory" : state->facts.format; }

}  // namespace sconce::model
