#include "model/structure/name_tree.h"

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "model/structure/infer.h"
#include "model/structure/limits.h"
#include "tree/children.h"
#include "tree/walk.h"

namespace sconce::model::structure {
namespace {

using tree::Document;
using tree::kNoNode;
using tree::NodeId;

/// Grows a tree of names in the order in which they come, which need not be that of a tree.
class NameTree {
 public:
  explicit NameTree(TreeBudget& budget) : budget_(budget) {
    drafts_.emplace_back();
    by_path_.emplace("", 0);
  }

  /// The module of that path; SIZE_MAX where it is deeper, or there are more, than are followed.
  std::size_t module(std::string_view path) {
    if (const auto known = by_path_.find(std::string(path)); known != by_path_.end()) return known->second;
    std::size_t at = 0;
    std::size_t depth = 0;
    for (std::size_t begin = 0; begin <= path.size() && !path.empty();) {
      const std::size_t end = std::min(path.find('.', begin), path.size());
      if (++depth > kDeepest || drafts_.size() >= kMostNodes) return SIZE_MAX;
      at = child(at, path.substr(begin, end - begin), path.substr(0, end));
      begin = end + 1;
    }
    return at;
  }

  ModuleNode& node(std::size_t at) { return drafts_[at].node; }
  [[nodiscard]] bool knows(std::string_view path) const { return by_path_.contains(std::string(path)); }

  /// The nodes in the order of the tree.
  std::vector<ModuleNode> finish() {
    std::vector<ModuleNode> nodes;
    nodes.reserve(drafts_.size());
    std::vector<std::pair<std::size_t, std::size_t>> open;  // draft, next child
    const auto put = [&](std::size_t draft, std::size_t parent) {
      ModuleNode& node = drafts_[draft].node;
      node.parent = parent;
      node.depth = open.size();
      drafts_[draft].place = nodes.size();
      if (!open.empty()) nodes[parent].children.push_back(nodes.size());
      nodes.push_back(std::move(node));
      open.emplace_back(draft, 0);
    };
    put(0, 0);
    while (!open.empty()) {
      auto& [draft, next] = open.back();
      if (next == drafts_[draft].children.size())
        open.pop_back();
      else
        put(drafts_[draft].children[next++], drafts_[open.back().first].place);
    }
    return nodes;
  }

 private:
  struct Draft {
    ModuleNode node;
    std::vector<std::size_t> children;
    std::size_t place = 0;
  };

  std::size_t child(std::size_t parent, std::string_view name, std::string_view path) {
    const auto [known, fresh] = by_path_.try_emplace(std::string(path), drafts_.size());
    if (!fresh) return known->second;
    budget_.text(2 * path.size() + name.size());
    drafts_[parent].children.push_back(drafts_.size());
    Draft draft;
    draft.node.name = std::string(name);
    draft.node.path = std::string(path);
    drafts_.push_back(std::move(draft));
    return drafts_.size() - 1;
  }

  TreeBudget& budget_;
  std::vector<Draft> drafts_;
  std::unordered_map<std::string, std::size_t> by_path_;
};

class NameReader {
 public:
  NameReader(const Checkpoint::State& state, const FoundModel& found)
      : state_(state),
        document_(*state.document),
        root_(found.node),
        budget_(state.walk_limits().paths),
        names_(budget_) {}

  ModuleTree read() {
    read_metadata();
    read_tensors();
    for (const std::string& name : tensors_)
      if (names_.knows(name))
        note("\"" + name + "\" is the name of a tensor, and of a module that others are inside of");
    ModuleTree tree;
    tree.inferred = true;
    tree.nodes = names_.finish();
    tree.notes = std::move(notes_);
    infer_kinds(tree);
    return tree;
  }

 private:
  /// `_metadata` of a state_dict lists all modules in their order, those without tensors, too, each with the version of
  /// its class (Module.state_dict in torch/nn/modules/module.py).
  void read_metadata() {
    const NodeId metadata = document_.attribute(root_, "_metadata");
    if (metadata == kNoNode || document_.kind(metadata) != Kind::dict) return;
    const tree::DictRecord& entries = document_.dict_record(metadata);
    for (std::size_t at = 0; at < entries.count && budget_.take(1); ++at) {
      const NodeId key = entries.pairs[2 * at];
      const NodeId value = entries.pairs[2 * at + 1];
      if (document_.kind(key) != Kind::str || document_.kind(value) != Kind::dict) continue;
      const std::size_t module = names_.module(document_.text(key));
      if (module == SIZE_MAX) continue;
      const NodeId version = document_.dict_get(value, "version");
      if (version != kNoNode && document_.kind(version) == Kind::integer && !document_.is_big(version))
        names_.node(module).version = document_.integer_value(version);
    }
  }

  void read_tensors() {
    tree::Walker walker(document_, root_, state_.walk_limits());
    while (walker.next()) {
      if (walker.is_part() || document_.kind(walker.node()) != Kind::tensor) continue;
      add_tensor(walker.name(), walker.node());
    }
    if (!walker.complete()) note("there are more names than are followed; the rest is left out");
  }

  void add_tensor(std::string_view name, NodeId id) {
    const std::size_t dot = name.rfind('.');
    const std::string_view path = dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
    std::size_t module = names_.module(path);
    ModuleTensor tensor;
    tensor.name = std::string(dot == std::string_view::npos ? name : name.substr(dot + 1));
    if (module == SIZE_MAX) {
      note("there are more modules, or deeper ones, than are followed; the tensors of the rest stand at the model");
      module = 0;
      tensor.name = std::string(name);
    }
    budget_.text(2 * name.size());
    if (!tensors_.emplace(name).second) note("two entries are both named \"" + std::string(name) + "\"");
    tensor.tensor = document_.tensor_handle(id);
    tensor.buffer = is_buffer(tensor);
    names_.node(module).tensors.push_back(std::move(tensor));
  }

  /// Parameters can have gradients, which integers cannot; quantised weights are no integers.
  static bool is_buffer(const ModuleTensor& tensor) {
    if (tensor.tensor.is_parameter()) return false;
    if (tensor.name == "running_mean" || tensor.name == "running_var") return true;
    const DTypeInfo& type = info(tensor.tensor.dtype());
    return !type.is_floating_point && !type.is_complex && !type.is_quantized;
  }

  void note(std::string text) {
    constexpr std::size_t kMostNotes = 100;
    if (notes_.size() == kMostNotes) text = "and more";
    if (notes_.size() <= kMostNotes && (notes_.empty() || notes_.back() != text)) notes_.push_back(std::move(text));
  }

  const Checkpoint::State& state_;
  const Document& document_;
  NodeId root_;
  TreeBudget budget_;
  NameTree names_;
  std::unordered_set<std::string> tensors_;
  std::vector<std::string> notes_;
};

}  // namespace

ModuleTree read_names(const Checkpoint::State& state, const FoundModel& found) {
  return NameReader(state, found).read();
}

}  // namespace sconce::model::structure
