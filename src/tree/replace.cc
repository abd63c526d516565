// Other values in the place of some, everywhere at once.
#include <vector>

#include "tree/document.h"

namespace sconce::tree {

class Replacer {
 public:
  Replacer(Document& document, std::span<const NodeId> with) : document_(document), with_(with) {}

  std::vector<NodeId> run() {
    for (NodeId node = 0; node < document_.node_count(); ++node) inside(node);
    // A frozenset is a key by what is in it, so those are put in order before the dicts that they are keys of.
    for (const NodeId node : rekeyed_)
      if (document_.kind(node) == Kind::frozenset) rekey(node);
    for (const NodeId node : rekeyed_)
      if (document_.kind(node) != Kind::frozenset) rekey(node);
    return std::move(clashes_);
  }

 private:
  [[nodiscard]] NodeId other(NodeId node) const { return node < with_.size() ? with_[node] : kNoNode; }
  void put(NodeId& place) const {
    if (place == kNoNode) return;
    if (const NodeId found = other(place); found != kNoNode) place = found;
  }

  void inside(NodeId node) {
    switch (document_.kind(node)) {
      case Kind::tuple:
      case Kind::size:
      case Kind::slice:
      case Kind::range:
      case Kind::list: {
        auto* elements = static_cast<NodeId*>(document_.mutable_node(node).record);
        for (std::uint32_t at = 0; at < document_[node].size; ++at) put(elements[at]);
        return;
      }
      case Kind::dict:
      case Kind::set:
      case Kind::frozenset: return entries(node);
      case Kind::object: {
        auto& object = *static_cast<ObjectRecord*>(document_.mutable_node(node).record);
        put(object.args);
        put(object.kwargs);
        for (std::uint32_t at = 0; at < object.step_count; ++at) put(object.steps[at].value);
        return;
      }
      case Kind::tensor:
        if (TensorExtra* extra = document_.mutable_tensor(node).extra) {
          for (std::uint32_t at = 0; at < extra->part_count; ++at) put(extra->parts[at].tensor);
          put(extra->state);
          put(extra->subclass_args);
        }
        return;
      default: return;
    }
  }

  /// Empty dicts share a record that nobody may write.
  void entries(NodeId node) {
    const DictRecord& record = document_.dict_record(node);
    bool keys_change = false;
    for (std::uint32_t at = 0; at < record.count; ++at) {
      const NodeId key = record.pairs[2 * std::size_t{at}];
      const Kind kind = document_.kind(key);
      // What is in a tuple may have changed, and with it what the tuple is equal to.
      keys_change = keys_change || other(key) != kNoNode || kind == Kind::tuple || kind == Kind::frozenset;
      put(record.pairs[2 * std::size_t{at} + 1]);
    }
    if (record.attributes != kNoNode && other(record.attributes) != kNoNode)
      put(document_.mutable_dict(node).attributes);
    if (keys_change) rekeyed_.push_back(node);
  }

  void rekey(NodeId node) {
    const DictRecord old = document_.dict_record(node);
    const Kind kind = document_.kind(node);
    const NodeId fresh = kind == Kind::dict ? document_.dict(old.flavor) : document_.set(kind);
    bool all = true;
    for (std::uint32_t at = 0; at < old.count; ++at) {
      NodeId key = old.pairs[2 * std::size_t{at}];
      put(key);
      all = document_.dict_set(fresh, key, old.pairs[2 * std::size_t{at} + 1]) && all;
    }
    if (!all || document_.dict_record(fresh).count != old.count) clashes_.push_back(node);
    if (kind == Kind::dict) {
      DictRecord& record = document_.mutable_dict(fresh);
      record.factory = old.factory;
      record.attributes = old.attributes;
    }
    document_.become(node, fresh);
  }

  Document& document_;
  std::span<const NodeId> with_;
  std::vector<NodeId> rekeyed_;
  std::vector<NodeId> clashes_;
};

std::vector<NodeId> Document::replace_references(std::span<const NodeId> with) { return Replacer(*this, with).run(); }

}  // namespace sconce::tree
