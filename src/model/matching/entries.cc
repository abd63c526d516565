#include "model/matching/entries.h"

#include <utility>

#include "model/find_models.h"
#include "tree/children.h"
#include "tree/walk.h"

namespace sconce::model::matching {

namespace {

using tree::Document;
using tree::NodeId;

/// The class of a value that is no tensor, as Python's repr of a type has it.
std::string python_type(const Document& document, NodeId id) {
  switch (document.kind(id)) {
    case Kind::none: return "NoneType";
    case Kind::boolean: return "bool";
    case Kind::integer: return "int";
    case Kind::floating: return "float";
    case Kind::dict:
      return document.dict_record(id).flavor == DictFlavor::ordered_dict ? "collections.OrderedDict" : "dict";
    case Kind::size: return "torch.Size";
    case Kind::dtype: return "torch.dtype";
    case Kind::global: return "type";
    case Kind::object: return document.class_name(id);
    default: return std::string(to_string(document.kind(id)));
  }
}

/// Reads dicts inside of dicts: a state_dict is flat, but parts of a model are saved beside one another, too.
class DictReader {
 public:
  DictReader(const Document& document, tree::WalkLimits limits, Entries& entries)
      : document_(document), limits_(limits), entries_(entries) {}

  void read(NodeId root) {
    enter(root, "");
    while (!frames_.empty()) {
      Frame& frame = frames_.back();
      const tree::DictRecord& dict = document_.dict_record(frame.dict);
      if (frame.at >= dict.count) {
        frames_.pop_back();
        continue;
      }
      const std::size_t at = frame.at++;
      if (++steps_ > limits_.paths) {
        entries_.complete = false;
        return;
      }
      const tree::Child child = tree::keyed_child(document_, dict.pairs[2 * at], dict.pairs[2 * at + 1], at);
      take(child.value, joined(frame.prefix, tree::step_text(document_, child)));
    }
  }

 private:
  static constexpr std::size_t kMostDepth = 8;  // cuts cycles, too

  struct Frame {
    NodeId dict;
    std::uint32_t at;
    std::string prefix;
  };

  void take(NodeId value, std::string name) {
    const Kind kind = document_.kind(value);
    if (kind == Kind::tensor) {
      add(std::move(name)).tensor = document_.tensor_handle(value);
    } else if (kind == Kind::dict && !name.ends_with("_extra_state") && document_.dict_record(value).count != 0) {
      if (frames_.size() < kMostDepth)
        enter(value, std::move(name));
      else
        entries_.complete = false;
    } else {
      add(std::move(name)).python_type = python_type(document_, value);
    }
  }

  Entry& add(std::string name) {
    Entry& entry = entries_.all.emplace_back();
    entry.name = entry.now = std::move(name);
    return entry;
  }

  void enter(NodeId dict, std::string prefix) {
    read_metadata(document_.attribute(dict, "_metadata"), prefix);
    frames_.push_back({dict, 0, std::move(prefix)});
  }

  void read_metadata(NodeId metadata, const std::string& prefix) {
    if (metadata == tree::kNoNode || document_.kind(metadata) != Kind::dict) return;
    const tree::DictRecord& dict = document_.dict_record(metadata);
    steps_ += dict.count;
    for (std::size_t at = 0; at < dict.count && steps_ <= limits_.paths; ++at) {
      const NodeId key = dict.pairs[2 * at];
      const NodeId facts = dict.pairs[2 * at + 1];
      if (document_.kind(key) != Kind::str || document_.kind(facts) != Kind::dict) continue;
      const std::string_view text = document_.text(key);
      ModuleFact fact;
      fact.path = text.empty() ? prefix : joined(prefix, text);
      const NodeId version = document_.dict_get(facts, "version");
      if (version != tree::kNoNode && document_.kind(version) == Kind::integer && !document_.is_big(version))
        fact.version = document_.integer_value(version);
      entries_.modules.push_back(std::move(fact));
    }
  }

  const Document& document_;
  tree::WalkLimits limits_;
  Entries& entries_;
  std::vector<Frame> frames_;
  std::uint64_t steps_ = 0;
};

/// A whole module: its state_dict() would have these tensors, and its modules have classes.
void read_module(const Checkpoint& checkpoint, NodeId root, Entries& entries) {
  const Document& document = *checkpoint.state()->document;
  for (const NamedTensor& tensor : checkpoint.state_dict(entries.path)) {
    Entry& entry = entries.all.emplace_back();
    entry.name = entry.now = tensor.name;
    entry.tensor = tensor.tensor;
  }
  tree::Walker walker(document, root, checkpoint.state()->walk_limits());
  const auto add = [&](NodeId module, std::string_view path) {
    const std::string name = document.class_name(module);
    entries.modules.push_back({std::string(path), std::string(leaf_of(name)), std::nullopt});
  };
  while (walker.next())
    if (!walker.is_part() && tree::is_module(document, walker.node())) add(walker.node(), walker.name());
  entries.complete = walker.complete();
}

}  // namespace

std::optional<std::int64_t> Entries::version_of(std::string_view module_as_saved) const {
  const auto found = modules_by_path_.find(module_as_saved);
  return found == modules_by_path_.end() ? std::nullopt : modules[found->second].version;
}

void Entries::make_index() {
  modules_by_path_.clear();
  for (std::size_t at = 0; at < modules.size(); ++at) modules_by_path_.insert_or_assign(modules[at].path, at);
}

Entries read_entries(const Checkpoint& checkpoint, std::string_view which) {
  const Checkpoint::State& state = *checkpoint.state();
  const FoundModel found = find_model(state, which);
  Entries entries;
  entries.path = found.path;
  if (tree::is_module(*state.document, found.node))
    read_module(checkpoint, found.node, entries);
  else
    DictReader(*state.document, state.walk_limits(), entries).read(found.node);
  entries.make_index();
  return entries;
}

}  // namespace sconce::model::matching
