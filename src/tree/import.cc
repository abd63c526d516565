// Copying values from one document to another.
#include <unordered_map>
#include <vector>

#include "tree/children.h"
#include "tree/document.h"

namespace sconce::tree {

/// Copies everything that a value reaches. Every node is made first and filled afterwards, so that cycles need no care
/// and no recursion. Keys of one dict differ from each other here as they do there, so none is compared.
class Importer {
 public:
  Importer(Document& to, const Document& from) : to_(to), from_(from) {}

  NodeId run(NodeId root) {
    const NodeId result = copy(root);
    for (std::size_t at = 0; at < pending_.size(); ++at) discover(pending_[at]);
    for (const NodeId old : pending_) fill_sequence(old);
    for (const NodeId old : pending_) fill_other(old);
    // Only now has every key its value: a frozenset is as good as empty before its elements are there.
    for (const NodeId old : pending_)
      if (is_keyed(from_.kind(old))) to_.index_entries(dict_of(old));
    return result;
  }

 private:
  NodeId copy(NodeId old) {
    if (old == kNoNode) return kNoNode;
    const auto known = copies_.find(old);
    if (known != copies_.end()) return known->second;
    const NodeId made = shell(old);
    copies_.emplace(old, made);
    pending_.push_back(old);
    return made;
  }

  NodeId copied(NodeId old) const { return old == kNoNode ? kNoNode : copies_.at(old); }

  /// The node with everything but its children.
  NodeId shell(NodeId old) {
    const Node& node = from_[old];
    switch (node.kind) {
      case Kind::none: return to_.none();
      case Kind::ellipsis: return to_.new_node(node);
      case Kind::boolean: return to_.boolean(from_.boolean_value(old));
      case Kind::integer: return from_.is_big(old) ? to_.big_integer(from_.text(old)) : to_.integer(node.integer);
      case Kind::floating: return to_.floating(node.real);
      case Kind::complex: return to_.complex(from_.complex_value(old).first, from_.complex_value(old).second);
      case Kind::str: return to_.str(from_.text(old), from_.str_kind(old));
      case Kind::bytes: return to_.bytes(from_.text(old));
      case Kind::bytearray: return to_.bytes(from_.text(old), true);
      case Kind::scalar: return to_.scalar(from_.scalar_dtype(old), from_.text(old));
      case Kind::dtype:
      case Kind::device:
      case Kind::layout:
      case Kind::qscheme:
      case Kind::memory_format: return to_.symbol(node.kind, from_.text(old));
      case Kind::global: {
        const GlobalRecord& record = from_.global_record(old);
        const NodeId made = to_.global(record.module, record.name, record.python3_module, record.python3_name);
        to_.set_global_tag(made, from_.global_tag(old));
        return made;
      }
      case Kind::tuple:
      case Kind::size:
      case Kind::slice:
      case Kind::range: return to_.new_sequence(node.kind, node.size);
      case Kind::list: return to_.list();
      case Kind::dict: return to_.dict(from_.dict_record(old).flavor);
      case Kind::set:
      case Kind::frozenset: return to_.set(node.kind);
      case Kind::storage:
        return to_.storage(to_.add_storage(from_.storage_at(from_.storage_number(old))), from_.storage_slice(old));
      case Kind::tensor: return tensor_shell(old);
      case Kind::object: {
        ObjectRecord record;
        record.how = from_.object_record(old).how;
        return to_.object(record);
      }
    }
    return to_.none();
  }

  NodeId tensor_shell(NodeId old) {
    TensorRecord record = from_.tensor_record(old);
    const std::vector<std::int64_t> strides = from_.strides(record);
    if (record.has_storage()) record.storage = to_.add_storage(from_.storage_at(record.storage));
    const TensorExtra* extra = record.extra;
    record.extra = nullptr;
    const NodeId made = to_.tensor(record, record.shape(), strides);
    if (extra != nullptr) {
      TensorExtra& copy = to_.tensor_extra(made);
      copy = *extra;
      copy.device = to_.keep(extra->device);
    }
    return made;
  }

  void discover(NodeId old) {
    switch (from_.kind(old)) {
      case Kind::tuple:
      case Kind::size:
      case Kind::slice:
      case Kind::range:
      case Kind::list:
        for (const NodeId child : from_.elements(old)) (void)copy(child);
        return;
      case Kind::dict:
      case Kind::set:
      case Kind::frozenset: {
        const DictRecord& dict = from_.dict_record(old);
        for (std::size_t at = 0; at < std::size_t{dict.count} * 2; ++at) (void)copy(dict.pairs[at]);
        (void)copy(dict.factory);
        (void)copy(dict.attributes);
        return;
      }
      case Kind::object: {
        const ObjectRecord& object = from_.object_record(old);
        for (const NodeId child : {object.callable, object.args, object.kwargs}) (void)copy(child);
        for (std::uint32_t at = 0; at < object.step_count; ++at) (void)copy(object.steps[at].value);
        return;
      }
      case Kind::tensor:
        if (const TensorExtra* extra = from_.tensor_record(old).extra) {
          for (std::uint32_t at = 0; at < extra->part_count; ++at) (void)copy(extra->parts[at].tensor);
          for (const NodeId child : {extra->type, extra->state, extra->subclass_args, extra->rebuild})
            (void)copy(child);
        }
        return;
      default: return;
    }
  }

  void fill_sequence(NodeId old) {
    switch (from_.kind(old)) {
      case Kind::tuple:
      case Kind::size:
      case Kind::slice:
      case Kind::range: {
        auto* elements = static_cast<NodeId*>(to_.mutable_node(copied(old)).record);
        for (const NodeId child : from_.elements(old)) *elements++ = copied(child);
        return;
      }
      case Kind::list: {
        std::vector<NodeId> elements;
        for (const NodeId child : from_.elements(old)) elements.push_back(copied(child));
        to_.list_append(copied(old), elements);
        return;
      }
      default: return;
    }
  }

  void fill_other(NodeId old) {
    switch (from_.kind(old)) {
      case Kind::dict:
      case Kind::set:
      case Kind::frozenset: return fill_dict(old);
      case Kind::object: return fill_object(old);
      case Kind::tensor:
        if (from_.tensor_record(old).extra != nullptr) {
          TensorExtra& extra = to_.tensor_extra(copied(old));
          for (std::uint32_t at = 0; at < extra.part_count; ++at)
            extra.parts[at].tensor = copied(extra.parts[at].tensor);
          for (NodeId* child : {&extra.type, &extra.state, &extra.subclass_args, &extra.rebuild})
            *child = copied(*child);
        }
        return;
      default: return;
    }
  }

  void fill_dict(NodeId old) {
    const DictRecord& dict = from_.dict_record(old);
    DictRecord& record = dict_of(old);
    for (std::size_t at = 0; at < dict.count; ++at)
      to_.append_entry(record, copied(dict.pairs[2 * at]), copied(dict.pairs[2 * at + 1]));
    record.factory = copied(dict.factory);
    record.attributes = copied(dict.attributes);
  }

  /// The dict or set that this one becomes.
  DictRecord& dict_of(NodeId old) { return to_.mutable_dict(copied(old)); }

  void fill_object(NodeId old) {
    const ObjectRecord& object = from_.object_record(old);
    const NodeId made = copied(old);
    for (std::uint32_t at = 0; at < object.step_count; ++at)
      to_.object_step(made, {object.steps[at].event, copied(object.steps[at].value)});
    auto& record = *static_cast<ObjectRecord*>(to_.mutable_node(made).record);
    record.callable = copied(object.callable);
    record.args = copied(object.args);
    record.kwargs = copied(object.kwargs);
  }

  Document& to_;
  const Document& from_;
  std::unordered_map<NodeId, NodeId> copies_;
  std::vector<NodeId> pending_;
};

NodeId Document::import(const Document& from, NodeId id) {
  if (&from == this) return id;
  return Importer(*this, from).run(id);
}

}  // namespace sconce::tree
