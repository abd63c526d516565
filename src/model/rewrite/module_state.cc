#include "model/rewrite/module_state.h"

#include <string_view>
#include <unordered_set>
#include <utility>

#include "tree/children.h"

namespace sconce::model::rewrite {

using tree::Document;
using tree::kNoNode;
using tree::NodeId;

namespace {

constexpr std::size_t kDeepest = 1000;       // as walks go
constexpr std::size_t kLongestName = 65536;  // names of a chain of long ones would be quadratic

/// Goes through the modules in the order of Module.state_dict(): parameters, buffers, then children.
class StateBuilder {
 public:
  StateBuilder(Document& document, std::uint64_t most) : document_(document), most_(most) {}

  ModuleState run(NodeId module) {
    result_.state_dict = document_.dict(DictFlavor::ordered_dict);
    enter(module, {});
    while (!frames_.empty()) step();
    return std::move(result_);
  }

 private:
  struct Frame {
    NodeId module;
    NodeId children;  // its _modules, or kNoNode
    std::uint32_t at = 0;
    std::string prefix;  // "layer1.0."
  };

  void enter(NodeId module, std::string prefix) {
    on_path_.insert(module);
    tensors(document_.attribute(module, "_parameters"), kNoNode, prefix);
    tensors(document_.attribute(module, "_buffers"), document_.attribute(module, "_non_persistent_buffers_set"),
            prefix);
    NodeId children = document_.attribute(module, "_modules");
    if (children != kNoNode && document_.kind(children) != Kind::dict) children = kNoNode;
    frames_.push_back({module, children, 0, std::move(prefix)});
  }

  void step() {
    Frame& frame = frames_.back();
    const std::uint32_t count = frame.children == kNoNode ? 0 : document_.dict_record(frame.children).count;
    if (frame.at == count || full_) {
      on_path_.erase(frame.module);
      frames_.pop_back();
      return;
    }
    const auto* pair = document_.dict_record(frame.children).pairs + 2 * std::size_t{frame.at++};
    const NodeId child = pair[1];
    if (document_.kind(pair[0]) != Kind::str || document_.kind(child) != Kind::object || !is_module(document_, child))
      return;
    if (on_path_.contains(child)) return leave_out("modules that are inside of themselves are cut");
    if (frames_.size() == kDeepest) return leave_out("modules deeper than 1000");
    std::string prefix = frame.prefix;
    prefix.append(document_.text(pair[0])).append(1, '.');
    if (prefix.size() > kLongestName) return leave_out("names longer than 65536 bytes");
    if (!count_one()) return;
    enter(child, std::move(prefix));
  }

  void tensors(NodeId dict, NodeId but_not, const std::string& prefix) {
    if (dict == kNoNode || document_.kind(dict) != Kind::dict) return;
    const bool may_leave_out = but_not != kNoNode && document_.kind(but_not) == Kind::set;
    for (std::uint32_t at = 0; at < document_.dict_record(dict).count && !full_; ++at) {
      const NodeId key = document_.dict_record(dict).pairs[2 * std::size_t{at}];
      const NodeId value = document_.dict_record(dict).pairs[2 * std::size_t{at} + 1];
      if (document_.kind(key) != Kind::str || document_.kind(value) == Kind::none) continue;
      if (may_leave_out && document_.dict_get(but_not, key) != kNoNode) continue;
      if (prefix.size() + document_.text(key).size() > kLongestName) {
        leave_out("names longer than 65536 bytes");
        continue;
      }
      if (!count_one()) return;
      const NodeId name = document_.str(prefix + std::string(document_.text(key)));
      (void)document_.dict_set(result_.state_dict, name, detached(value));
    }
  }

  /// state_dict() has the data of a Parameter, not the Parameter.
  NodeId detached(NodeId value) {
    if (document_.kind(value) != Kind::tensor) return value;
    const NodeId made = document_.copy_tensor(value);
    tree::TensorRecord& record = document_.mutable_tensor(made);
    record.parameter = false;
    record.requires_grad = false;
    if (record.extra != nullptr) record.extra->state = kNoNode;
    return made;
  }

  bool count_one() {
    if (most_ != 0) return --most_, true;
    if (!full_) leave_out("more entries than the limit of paths allows");
    full_ = true;
    return false;
  }
  void leave_out(std::string why) {
    for (const std::string& said : result_.left_out)
      if (said == why) return;
    result_.left_out.push_back(std::move(why));
  }

  Document& document_;
  std::uint64_t most_;
  bool full_ = false;
  ModuleState result_;
  std::vector<Frame> frames_;
  std::unordered_set<NodeId> on_path_;
};

}  // namespace

ModuleState module_state(Document& document, NodeId module, std::uint64_t most_entries) {
  return StateBuilder(document, most_entries).run(module);
}

}  // namespace sconce::model::rewrite
