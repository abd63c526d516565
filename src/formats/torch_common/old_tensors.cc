#include "formats/torch_common/old_tensors.h"

#include <algorithm>

#include "formats/torch_common/known_names.h"
#include "formats/torch_common/rebuild.h"

namespace sconce::formats::torch_common {

namespace {

constexpr std::string_view kCall = "state of a tensor";

Known class_of(const Document& document, NodeId object) {
  const tree::ObjectRecord& record = document.object_record(object);
  if (record.callable == kNoNode || document.kind(record.callable) != Kind::global) return Known::unknown;
  return static_cast<Known>(document.global_tag(record.callable));
}

bool is_bool(const Document& document, NodeId id) { return document.kind(id) == Kind::boolean; }

/// The tensor that Tensor.set_(storage, offset, size, stride) would make.
NodeId set_state(Document& document, std::span<const NodeId> state) {
  const Arguments arguments(document, kCall, state);
  const Storage& storage = document.storage_at(arguments.storage(0));
  if (!storage.dtype()) arguments.wrong(0, "a storage whose class says its dtype");
  return strided_tensor(document, state[0], *storage.dtype(), arguments.integer(1), arguments.integers(2),
                        arguments.integers(3), kCall);
}

bool is_set_state(const Document& document, NodeId state) {
  if (document.kind(state) != Kind::tuple && document.kind(state) != Kind::list) return false;
  const auto parts = document.elements(state);
  return parts.size() == 4 && document.kind(parts[0]) == Kind::storage;
}

}  // namespace

NodeId old_parameter(Document& document, const Arguments& arguments, bool is_parameter) {
  if (arguments.size() == 0 || arguments.kind(0) != Kind::tensor) return kNoNode;
  const NodeId made = document.copy_tensor(arguments.node(0));
  tree::TensorRecord& record = document.mutable_tensor(made);
  record.parameter = is_parameter;
  record.requires_grad = is_parameter;
  if (arguments.size() > 1 && is_bool(document, arguments.node(1))) record.requires_grad = arguments.boolean(1);
  return made;
}

bool old_tensor_state(Document& document, NodeId object, NodeId state) {
  const Known cls = class_of(document, object);
  if (cls == Known::tensor_class && is_set_state(document, state)) {
    document.become(object, set_state(document, document.elements(state)));
    return true;
  }
  if (cls != Known::parameter && cls != Known::variable) return false;
  if (document.kind(state) != Kind::tuple) return false;
  // (data, grad function, hooks, requires_grad, volatile), or (data, requires_grad, …): the tensor comes first.
  const auto parts = document.elements(state);
  if (parts.empty() || document.kind(parts[0]) != Kind::tensor) return false;
  const NodeId made = document.copy_tensor(parts[0]);
  tree::TensorRecord& record = document.mutable_tensor(made);
  record.parameter = cls == Known::parameter;
  constexpr std::size_t kMostParts = 8;  // real states have five
  for (const NodeId part : parts.subspan(1, std::min(parts.size() - 1, kMostParts))) {
    if (!is_bool(document, part)) continue;
    record.requires_grad = document.boolean_value(part);
    break;
  }
  document.become(object, made);
  return true;
}

void tensor_state(Document& document, NodeId tensor, NodeId state) {
  if (is_set_state(document, state)) {
    document.become(tensor, set_state(document, document.elements(state)));
    return;
  }
  if (document.kind(state) == Kind::tuple) {
    const auto parts = document.elements(state);
    if (parts.size() == 3 && is_bool(document, parts[0]) && is_bool(document, parts[1])) {
      document.mutable_tensor(tensor).requires_grad = document.boolean_value(parts[0]);
      return;
    }
  }
  if (document.kind(state) != Kind::none) document.tensor_extra(tensor).state = state;
}

}  // namespace sconce::formats::torch_common
