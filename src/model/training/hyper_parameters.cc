#include "model/training/hyper_parameters.h"

#include <algorithm>
#include <unordered_set>

namespace sconce::model::training {

namespace {

constexpr std::size_t kDepth = 12;
constexpr std::size_t kMostSteps = 100'000;
constexpr std::size_t kMostPathBytes = std::size_t{8} << 20;

struct Open {
  NodeId node;
  std::string path;
  std::size_t depth;
};

/// OmegaConf's nodes hold their value in `_val`, its containers in `_content` (omegaconf/nodes.py, basecontainer.py).
NodeId unwrapped(const Document& document, NodeId node) {
  for (int step = 0; step < 3 && document.kind(node) == Kind::object; ++step) {
    if (!document.class_name(node).starts_with("omegaconf.")) return node;
    NodeId inner = document.attribute(node, "_val");
    if (inner == kNoNode) inner = document.attribute(node, "_content");
    if (inner == kNoNode) return node;
    node = inner;
  }
  return node;
}

bool is_plain_list(const Document& document, NodeId node) {
  if (!tree::is_sequence(document.kind(node))) return false;
  return std::ranges::none_of(document.elements(node), [&](NodeId element) { return is_container(document, element); });
}

class Flattener {
 public:
  Flattener(const std::shared_ptr<Document>& document, std::size_t most,
            std::vector<std::pair<std::string, Value>>& out)
      : handle_(document), document_(*document), most_(most), out_(out) {}

  void run(NodeId root, const std::string& path) {
    open_.push_back({root, path, 0});
    for (std::size_t steps = 0; !open_.empty() && out_.size() < most_ && steps < kMostSteps && bytes_ < kMostPathBytes;
         ++steps) {
      Open next = std::move(open_.back());
      open_.pop_back();
      next.node = unwrapped(document_, next.node);
      visit(next);
    }
  }

 private:
  void visit(const Open& place) {
    const std::size_t first = open_.size();
    // A class that is left as a value shows as its name; so do modules, and what contains itself.
    const bool inside = is_container(document_, place.node) && !is_plain_list(document_, place.node) &&
                        !tree::is_module(document_, place.node) && place.depth < kDepth &&
                        seen_.insert(place.node).second;
    if (inside) push_children(place);
    if (open_.size() == first) {
      if (place.depth != 0 || document_.kind(place.node) == Kind::str)
        out_.emplace_back(place.path, Value(handle_, place.node));
      return;
    }
    std::reverse(open_.begin() + static_cast<std::ptrdiff_t>(first), open_.end());
  }

  void push_children(const Open& place) {
    if (tree::is_sequence(document_.kind(place.node))) {
      std::size_t at = 0;
      for (const NodeId element : document_.elements(place.node)) push(place, std::to_string(at++), element);
      return;
    }
    std::unordered_set<std::string> names;  // some classes keep an entry as an item and as an attribute
    for (const tree::Child& child : fields(document_, place.node)) {
      std::string name = tree::step_text(document_, child);
      if (names.insert(name).second) push(place, std::move(name), child.value);
    }
  }

  void push(const Open& place, std::string name, NodeId node) {
    if (open_.size() >= most_ || bytes_ >= kMostPathBytes) return;
    bytes_ += place.path.size() + name.size();
    open_.push_back({node, joined(place.path, name), place.depth + 1});
  }

  std::shared_ptr<Document> handle_;
  const Document& document_;
  std::size_t most_;
  std::vector<std::pair<std::string, Value>>& out_;
  std::vector<Open> open_;
  std::size_t bytes_ = 0;
  std::unordered_set<NodeId> seen_;
};

}  // namespace

void flatten(const std::shared_ptr<Document>& document, NodeId node, const std::string& path, std::size_t most,
             std::vector<std::pair<std::string, Value>>& out) {
  Flattener(document, most, out).run(node, path);
}

}  // namespace sconce::model::training
