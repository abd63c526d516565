#include "model/structure/read_modules.h"

#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "model/structure/extra_repr.h"
#include "model/structure/known_classes.h"
#include "model/structure/limits.h"
#include "model/structure/module_object.h"
#include "tree/children.h"

namespace sconce::model::structure {
namespace {

using tree::Document;
using tree::kNoNode;
using tree::NodeId;

std::string type_of(const std::string& class_name) {
  const KnownClass* known = find_known(class_key(class_name));
  if (known != nullptr && !known->name.empty()) return std::string(known->name);
  return class_name.substr(class_name.rfind('.') + 1);
}

class ModuleReader {
 public:
  explicit ModuleReader(const Checkpoint::State& state)
      : document_(*state.document), budget_(state.walk_limits().paths) {}

  ModuleTree read(NodeId root) {
    add_node(root, {}, 0, 0);
    while (!frames_.empty()) {
      Frame& frame = frames_.back();
      const tree::DictRecord* modules = frame.modules == kNoNode ? nullptr : &document_.dict_record(frame.modules);
      if (modules == nullptr || frame.at == modules->count) {
        frames_.pop_back();
        continue;
      }
      const NodeId key = modules->pairs[2 * std::size_t{frame.at}];
      const NodeId value = modules->pairs[2 * std::size_t{frame.at} + 1];
      ++frame.at;
      const std::size_t parent = frame.node;
      if (document_.kind(key) != Kind::str) {
        note("a module of " + shown(parent) + " has a key that is no text; it was left out");
      } else if (document_.kind(value) != Kind::none && document_.kind(value) != Kind::object) {
        note(joined(tree_.nodes[parent].path, document_.text(key)) + " stands among modules, but is a " +
             std::string(sconce::to_string(document_.kind(value))));
      } else if (frames_.size() >= kDeepest || tree_.nodes.size() >= kMostNodes || !budget_.take(1)) {
        note("there are more modules, or deeper ones, than are followed; the rest is left out");
        frame.at = modules->count;
      } else {
        add_node(value, document_.text(key), parent, frames_.size());
      }
    }
    return std::move(tree_);
  }

 private:
  struct Frame {
    std::size_t node;
    NodeId modules;
    std::uint32_t at = 0;
  };

  void add_node(NodeId id, std::string_view name, std::size_t parent, std::size_t depth) {
    const std::size_t index = tree_.nodes.size();
    ModuleNode node;
    node.name = std::string(name);
    node.path = index == 0 ? std::string() : joined(tree_.nodes[parent].path, name);
    node.parent = parent;
    node.depth = depth;
    budget_.text(node.name.size() + node.path.size());
    NodeId modules = kNoNode;
    if (document_.kind(id) == Kind::none) {
      node.type = "None";
    } else if (const auto [seen, first] = seen_.emplace(id, index); !first) {
      const ModuleNode& same = tree_.nodes[seen->second];
      node.type = same.type;
      node.class_name = same.class_name;
      node.same_as = seen->second;
      note_shared(node, same);
    } else {
      modules = fill(node, id);
    }
    if (index != 0) tree_.nodes[parent].children.push_back(index);
    tree_.nodes.push_back(std::move(node));
    if (modules != kNoNode) frames_.push_back({index, modules});
  }

  /// All of a module but its place; gives its `_modules`.
  NodeId fill(ModuleNode& node, NodeId id) {
    const ModuleObject module(document_, id);
    if (!budget_.take(module.work())) {
      note("the modules have more attributes than are followed");
      return kNoNode;
    }
    node.class_name = module.class_name();
    node.type = type_of(node.class_name);
    node.extra_repr = extra_repr_of(module);
    node.settings = settings_of(module);
    budget_.text(node.extra_repr.size() + node.class_name.size());
    for (const auto& [key, value] : node.settings) budget_.text(key.size() + value.size());
    if (const NodeId training = module.find("training");
        training != kNoNode && document_.kind(training) == Kind::boolean)
      node.training = document_.boolean_value(training);
    add_tensors(node, module);
    return module.dict("_modules");
  }

  void add_tensors(ModuleNode& node, const ModuleObject& module) {
    std::unordered_set<std::string_view> unsaved;
    if (const NodeId names = module.find("_non_persistent_buffers_set");
        names != kNoNode && tree::is_keyed(document_.kind(names)) && budget_.take(document_.dict_record(names).count)) {
      const tree::DictRecord& set = document_.dict_record(names);
      for (std::size_t at = 0; at < set.count; ++at)
        if (document_.kind(set.pairs[2 * at]) == Kind::str) unsaved.insert(document_.text(set.pairs[2 * at]));
    }
    for (const bool buffer : {false, true}) {
      const NodeId dict = module.dict(buffer ? "_buffers" : "_parameters");
      if (dict == kNoNode) continue;
      const tree::DictRecord& entries = document_.dict_record(dict);
      if (!budget_.take(entries.count)) {
        note("the modules have more tensors than are followed");
        return;
      }
      for (std::size_t at = 0; at < entries.count; ++at)
        add_tensor(node, entries.pairs[2 * at], entries.pairs[2 * at + 1], buffer, unsaved);
    }
    add_quantized(node, module);
  }

  void add_tensor(ModuleNode& node, NodeId key, NodeId value, bool buffer,
                  const std::unordered_set<std::string_view>& unsaved) {
    if (document_.kind(key) != Kind::str || document_.kind(value) != Kind::tensor) return;
    ModuleTensor tensor;
    tensor.name = std::string(document_.text(key));
    tensor.tensor = document_.tensor_handle(value);
    tensor.buffer = buffer;
    tensor.persistent = !buffer || !unsaved.contains(document_.text(key));
    budget_.text(tensor.name.size());
    node.tensors.push_back(std::move(tensor));
  }

  /// Weights of quantised convolutions are no parameters, but what they compute with.
  void add_quantized(ModuleNode& node, const ModuleObject& module) {
    if (module.dict("_parameters") != kNoNode) return;
    for (const std::string_view name : {"weight", "bias"}) {
      const NodeId value = module.find(name);
      if (value == kNoNode || document_.kind(value) != Kind::tensor) continue;
      ModuleTensor tensor;
      tensor.name = std::string(name);
      tensor.tensor = document_.tensor_handle(value);
      node.tensors.push_back(std::move(tensor));
    }
  }

  [[nodiscard]] std::string shown(std::size_t node) const { return node == 0 ? "the model" : tree_.nodes[node].path; }

  void note_shared(const ModuleNode& node, const ModuleNode& same) {
    for (const Frame& frame : frames_) {
      if (&tree_.nodes[frame.node] != &same) continue;
      note(node.path + " is " + (same.path.empty() ? "the model" : same.path) + " itself, which it is inside of");
      return;
    }
    note(node.path + " is the same module as " + same.path);
  }

  void note(std::string text) {
    constexpr std::size_t kMostNotes = 100;
    if (tree_.notes.size() == kMostNotes) text = "and more";
    if (tree_.notes.size() <= kMostNotes && (tree_.notes.empty() || tree_.notes.back() != text))
      tree_.notes.push_back(std::move(text));
  }

  const Document& document_;
  TreeBudget budget_;
  ModuleTree tree_;
  std::vector<Frame> frames_;
  std::unordered_map<NodeId, std::size_t> seen_;
};

}  // namespace

ModuleTree read_modules(const Checkpoint::State& state, NodeId root) { return ModuleReader(state).read(root); }

}  // namespace sconce::model::structure
