#include "tree/walk.h"

namespace sconce::tree {

namespace {
constexpr std::uint64_t kBytesOfStep = 256;  // of a name: copied in the time of one step
}

Walker::Walker(const Document& document, NodeId root, WalkLimits limits)
    : document_(document), limits_(limits), on_path_(document.node_count(), false), root_(root) {}

bool Walker::next() {
  if (!begun_) {
    begun_ = true;
    if (take({.value = root_, .transparent = true}, false)) return true;
  } else if (after_ != kNoNode) {
    const NodeId tensor = after_;
    after_ = kNoNode;
    enter(tensor, false);
  } else {
    leave();
  }
  while (!frames_.empty()) {
    Child child;
    const bool module_dict = frames_.back().module_dict;
    if (!next_child(frames_.back(), child)) {
      const Frame done = frames_.back();
      frames_.pop_back();
      on_path_[done.node] = false;
      if (done.owned) children_.resize(done.first_child);
      leave();
      continue;
    }
    if (take(child, module_dict)) return true;
  }
  return false;
}

/// Back to the name of the innermost container.
void Walker::leave() {
  if (frames_.empty()) return;
  name_.resize(frames_.back().name_size);
  steps_.resize(frames_.back().step_count);
}

/// Goes to a child: true where it is a leaf that the caller should see.
bool Walker::take(const Child& child, bool from_module) {
  if (++visited_ > limits_.paths) {
    complete_ = false;
    frames_.clear();
    return false;
  }
  const Kind kind = document_.kind(child.value);
  if (from_module && kind == Kind::none) return false;  // state_dict() leaves unset parameters out
  if (child.of_module && !has_children(document_, child.value)) return false;
  if (!child.transparent && !child.of_module) add_step(child);
  // A long key that many paths share costs as often as it is copied into a name.
  if (!steps_.empty()) visited_ += steps_.back().size / kBytesOfStep;
  bool open = has_children(document_, child.value) && !on_path_[child.value];
  if (open && frames_.size() >= limits_.depth) {
    complete_ = false;
    open = false;
  }
  const bool is_leaf = kind == Kind::object || kind == Kind::tensor || !has_children(document_, child.value);
  if (!is_leaf) {
    if (open)
      enter(child.value, child.of_module);
    else
      leave();
    return false;
  }
  leaf_ = child.value;
  is_part_ = child.part;
  after_ = open ? child.value : kNoNode;
  return true;
}

void Walker::add_step(const Child& child) {
  if (!steps_.empty()) name_ += '.';
  WalkStep step;
  step.how = child.how;
  step.index = child.index;
  step.key = child.key;
  step.begin = static_cast<std::uint32_t>(name_.size());
  if (child.how == PathStep::How::key)
    name_ += document_.text(child.key);
  else if (child.how == PathStep::How::attribute)
    name_ += child.text;
  else
    name_ += step_text(document_, child);
  step.size = static_cast<std::uint32_t>(name_.size()) - step.begin;
  steps_.push_back(step);
}

void Walker::enter(NodeId node, bool module_dict) {
  on_path_[node] = true;
  Frame frame;
  frame.node = node;
  frame.name_size = static_cast<std::uint32_t>(name_.size());
  frame.step_count = static_cast<std::uint32_t>(steps_.size());
  frame.module_dict = module_dict;
  const Kind kind = document_.kind(node);
  if (kind == Kind::object || kind == Kind::tensor ||
      (kind == Kind::dict && document_.dict_record(node).attributes != kNoNode)) {
    frame.owned = true;
    frame.first_child = static_cast<std::uint32_t>(children_.size());
    collect_children(document_, node, children_);
    // States and items that hold nothing still had to be looked at.
    if (kind == Kind::object) visited_ += document_.object_record(node).step_count;
  }
  frames_.push_back(frame);
}

/// The next child of a frame: entries first, then what was collected.
bool Walker::next_child(Frame& frame, Child& child) {
  const Kind kind = document_.kind(frame.node);
  std::size_t at = frame.at++;
  if (is_sequence(kind)) {
    const auto elements = document_.elements(frame.node);
    if (at >= elements.size()) return false;
    child = {.how = PathStep::How::index, .index = static_cast<std::int64_t>(at), .value = elements[at]};
    return true;
  }
  if (is_keyed(kind)) {
    const DictRecord& dict = document_.dict_record(frame.node);
    if (at < dict.count) {
      const NodeId key = dict.pairs[2 * at];
      if (kind == Kind::dict)
        child = keyed_child(document_, key, dict.pairs[2 * at + 1], at);
      else
        child = {.how = PathStep::How::index, .index = static_cast<std::int64_t>(at), .value = key};
      return true;
    }
    at -= dict.count;
  }
  if (!frame.owned || frame.first_child + at >= children_.size()) return false;
  child = children_[frame.first_child + at];
  return true;
}

Path Walker::path() const {
  Path path;
  path.reserve(steps_.size());
  for (const WalkStep& step : steps_)
    path.push_back({step.how, std::string(std::string_view(name_).substr(step.begin, step.size)), step.index});
  return path;
}

}  // namespace sconce::tree
