#include "model/rewrite/changes.h"

#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "tree/walk.h"

namespace sconce::model::rewrite {

using tree::kNoNode;
using tree::NodeId;

void Changes::add(Fate fate, std::string what, NodeId node) {
  remains_ = remains_ || fate == Fate::remaining;
  auto found = by_text_.find({fate, what});
  if (found == by_text_.end()) {
    if (entries_.size() == kKinds) {
      ++more_kinds_;
      return;
    }
    found = by_text_.emplace(std::pair(fate, what), entries_.size()).first;
    entries_.push_back({fate, std::move(what), {}, 0});
  }
  Entry& entry = entries_[found->second];
  if (node == kNoNode) return;
  ++entry.count;
  if (entry.places.size() < kPlaces) entry.places.push_back({node, {}, false});
}

void Changes::name(const Checkpoint::State& state) {
  std::unordered_map<NodeId, std::vector<Place*>> wanted;
  for (Entry& entry : entries_)
    for (Place& place : entry.places)
      if (!std::exchange(place.named, true)) wanted[place.node].push_back(&place);
  const auto tell = [&](NodeId node, std::string_view name) {
    const auto found = wanted.find(node);
    if (found == wanted.end()) return;
    for (Place* place : found->second) place->name = name.empty() ? "(the root)" : std::string(name);
    wanted.erase(found);
  };
  for (std::size_t root = 0; root < state.roots.size() && !wanted.empty(); ++root) {
    const std::string prefix = state.roots.size() > 1 ? std::to_string(root) + "." : std::string();
    tree::Walker walker(*state.document, state.roots[root], state.walk_limits());
    std::vector<NodeId> inside_of;  // dicts and lists are no leaves: they are what leaves are inside of
    while (!wanted.empty() && walker.next()) {
      const std::size_t depth = walker.container_count();
      for (std::size_t at = depth; at-- > 0 && !(at < inside_of.size() && inside_of[at] == walker.container(at));)
        tell(walker.container(at), prefix + std::string(walker.container_name(at)));
      inside_of.resize(depth, kNoNode);
      for (std::size_t at = depth; at-- > 0 && inside_of[at] != walker.container(at);)
        inside_of[at] = walker.container(at);
      tell(walker.node(), prefix + std::string(walker.name()));
    }
  }
}

RewriteReport Changes::report() const {
  RewriteReport report;
  for (const Entry& entry : entries_) {
    std::string text = entry.what;
    const char* between = ": ";
    std::uint64_t told = 0;
    for (const Place& place : entry.places) {
      if (place.name.empty()) continue;  // a key, or inside of what no walk shows
      text += between + escaped(place.name);
      between = ", ";
      ++told;
    }
    if (entry.count > told && told > 0) text += ", and " + with_commas(entry.count - told) + " more";
    std::vector<std::string>& lines = entry.fate == Fate::changed   ? report.changed
                                      : entry.fate == Fate::dropped ? report.dropped
                                                                    : report.remaining;
    lines.push_back(std::move(text));
  }
  if (more_kinds_ != 0) {
    std::vector<std::string>& lines = remains_ ? report.remaining : report.changed;
    lines.push_back("and " + with_commas(more_kinds_) + " of other kinds");
  }
  return report;
}

}  // namespace sconce::model::rewrite
