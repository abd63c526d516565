#include "formats/safetensors/outline.h"

#include <utility>

#include "base/text.h"
#include "tree/children.h"

namespace sconce::formats::safetensors {

namespace {

using tree::Document;
using tree::kNoNode;
using tree::NodeId;

constexpr std::uint32_t kUnseen = 0xFFFFFFFE;
constexpr std::uint32_t kBegun = 0xFFFFFFFD;

bool is_filled_later(Kind kind) noexcept {
  return kind == Kind::list || kind == Kind::dict || kind == Kind::set || kind == Kind::object;
}

bool is_held_tensor(const tree::TensorRecord& record) noexcept {
  if (record.meta || record.layout == Layout::wrapper) return false;
  return record.has_storage() || (record.extra != nullptr && record.extra->part_count != 0);
}

bool is_held(const Document& document, NodeId id, bool open_objects) {
  switch (document.kind(id)) {
    case Kind::object: return open_objects;
    case Kind::tensor: return is_held_tensor(document.tensor_record(id));
    case Kind::global: return is_utf8(document.global_record(id).key) && is_utf8(document.global_record(id).canonical);
    case Kind::dtype:
    case Kind::device:
    case Kind::layout:
    case Kind::qscheme:
    case Kind::memory_format: return is_utf8(document.text(id));
    default: return true;
  }
}

void add_tensor_operands(const tree::TensorRecord& record, std::vector<NodeId>& operands) {
  if (record.extra == nullptr) return;
  for (std::uint32_t at = 0; at < record.extra->part_count; ++at) operands.push_back(record.extra->parts[at].tensor);
  for (const NodeId id : {record.extra->type, record.extra->state})
    if (id != kNoNode) operands.push_back(id);
}

void add_dict_operands(const tree::DictRecord& record, std::vector<NodeId>& operands) {
  for (const NodeId id : {record.attributes, record.factory})
    if (id != kNoNode) operands.push_back(id);
  for (std::size_t at = 0; at < std::size_t{record.count} * 2; ++at)
    if (record.pairs[at] != kNoNode) operands.push_back(record.pairs[at]);
}

}  // namespace

std::vector<NodeId> operands_of(const Document& document, NodeId id) {
  std::vector<NodeId> operands;
  switch (document.kind(id)) {
    case Kind::list:
    case Kind::tuple:
    case Kind::size:
    case Kind::slice:
    case Kind::range: operands.assign(document.elements(id).begin(), document.elements(id).end()); break;
    case Kind::dict:
    case Kind::set:
    case Kind::frozenset: add_dict_operands(document.dict_record(id), operands); break;
    case Kind::tensor: add_tensor_operands(document.tensor_record(id), operands); break;
    case Kind::object: {
      std::vector<tree::Child> children;
      tree::collect_children(document, id, children);
      for (const tree::Child& child : children) operands.push_back(child.value);
      break;
    }
    default: break;
  }
  return operands;
}

Outline::Outline(const Document& document, std::span<const NodeId> roots, bool open_objects)
    : document_(document), open_objects_(open_objects), numbers_(document.node_count(), kUnseen) {
  for (const NodeId root : roots) visit(root);
  while (!queue_.empty()) {
    const NodeId id = queue_.front();
    queue_.pop_front();
    for (const NodeId operand : operands_of(document_, id)) visit(operand);
  }
}

void Outline::add(NodeId id) {
  numbers_[id] = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back(id);
}

/// Whether the node is new and made of others, which come before it.
bool Outline::begin(NodeId id) {
  if (numbers_[id] != kUnseen) return false;
  if (!is_held(document_, id, open_objects_)) {
    numbers_[id] = kNotHeld;
    lost_.push_back(id);
    return false;
  }
  if (is_filled_later(document_.kind(id))) {
    add(id);
    queue_.push_back(id);
    return false;
  }
  numbers_[id] = kBegun;
  return true;
}

void Outline::visit(NodeId id) {
  if (!begin(id)) return;
  frames_.push_back({id, operands_of(document_, id)});
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    if (frame.next == frame.operands.size()) {
      add(frame.node);
      frames_.pop_back();
    } else if (const NodeId operand = frame.operands[frame.next++]; begin(operand)) {
      frames_.push_back({operand, operands_of(document_, operand)});
    }
  }
}

}  // namespace sconce::formats::safetensors
