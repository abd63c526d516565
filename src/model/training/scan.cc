#include "model/training/scan.h"

namespace sconce::model::training {

Extent Scanner::scan(NodeId root) {
  Extent extent;
  ++scan_;
  meet(root, extent);
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    if (frame.at < frame.count) {
      const NodeId child = children_[frame.first + frame.at++];
      meet(child, extent);
      continue;
    }
    seen_[frame.node] = 2 * scan_ + 1;
    if (document_.kind(frame.node) == Kind::object) --objects_open_;
    children_.resize(frame.first);
    frames_.pop_back();
  }
  return extent;
}

void Scanner::meet(NodeId node, Extent& extent) {
  if (steps_left_ == 0 || --steps_left_ == 0) return;
  const Kind kind = document_.kind(node);
  if (kind == Kind::storage) count_storage(document_.storage_number(node), extent);
  if (kind == Kind::tensor) {
    ++extent.tensors;
    const tree::TensorRecord& record = document_.tensor_record(node);
    if (record.has_storage()) count_storage(record.storage, extent);
    if (record.extra != nullptr)
      for (std::uint32_t at = 0; at < record.extra->part_count; ++at) {
        const tree::TensorRecord& part = document_.tensor_record(record.extra->parts[at].tensor);
        if (part.has_storage()) count_storage(part.storage, extent);
      }
    return;
  }
  if (!tree::is_sequence(kind) && !tree::is_keyed(kind) && kind != Kind::object) return;
  if (seen_[node] == 2 * scan_ && objects_open_ == 0) extent.cyclic = true;
  if (seen_[node] >= 2 * scan_) return;
  enter(node, extent);
}

void Scanner::count_storage(std::uint32_t number, Extent& extent) {
  if (counted_[number]) return;
  counted_[number] = true;
  extent.bytes += document_.storage_at(number).nbytes();
}

/// Children that cannot hold tensors are left out: a state_dict of leaves needs no list of them.
void Scanner::enter(NodeId node, Extent& extent) {
  seen_[node] = 2 * scan_;
  Frame frame{.node = node, .first = children_.size()};
  const Kind kind = document_.kind(node);
  const auto add = [&](NodeId child) {
    const Kind inner = document_.kind(child);
    if (inner == Kind::tensor || inner == Kind::storage)
      meet(child, extent);
    else if (tree::is_sequence(inner) || tree::is_keyed(inner) || inner == Kind::object)
      children_.push_back(child);
  };
  if (tree::is_sequence(kind)) {
    for (const NodeId element : document_.elements(node)) add(element);
  } else if (tree::is_keyed(kind)) {
    const tree::DictRecord& dict = document_.dict_record(node);
    for (std::size_t at = 0; at < dict.count; ++at)
      add(kind == Kind::dict ? dict.pairs[2 * at + 1] : dict.pairs[2 * at]);
  } else {
    ++objects_open_;
    std::vector<tree::Child> inside;
    tree::collect_children(document_, node, inside);
    for (const tree::Child& child : inside) add(child.value);
  }
  frame.count = children_.size() - frame.first;
  frames_.push_back(frame);
}

}  // namespace sconce::model::training
