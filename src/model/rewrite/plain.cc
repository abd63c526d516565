#include "model/rewrite/plain.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "model/rewrite/module_state.h"
#include "model/rewrite/plain_objects.h"
#include "model/rewrite/replace.h"
#include "tree/children.h"
#include "tree/key.h"
#include "tree/references.h"

namespace sconce::model::rewrite {

using tree::Document;
using tree::kNoNode;
using tree::NodeId;
using tree::ObjectRecord;

namespace {

using Fate = Changes::Fate;

/// Decides for all objects that the new tree still reaches, and only then changes anything.
class ObjectPlan {
 public:
  ObjectPlan(Checkpoint::State& state, Changes& changes)
      : state_(state), document_(*state.document), changes_(changes), entries_left_(state.walk_limits().paths) {}

  void run() {
    for (const NodeId root : state_.roots) take(root);
    do {
      decide();
      follow_chains();
    } while (give_up_keys());  // what stays after all brings its own parts into the tree
    plan_names();
    plan_subclasses();
    tell();
    changes_.name(state_);
    apply();
  }

 private:
  void take(NodeId node) {
    if (node >= met_.size()) met_.resize(document_.node_count(), false);
    if (met_[node]) return;
    met_[node] = true;
    found_.push_back(node);
  }

  void take_inside(NodeId node) {
    tree::for_each_reference(document_, node, [&](NodeId inner) { take(inner); });
  }

  void decide() {
    for (; at_ < found_.size(); ++at_) {
      const NodeId node = found_[at_];
      if (document_.kind(node) != Kind::object) {
        take_inside(node);
        continue;
      }
      if (is_kept(node)) continue;
      PlainValue plain = value_of(node);
      if (plain.value == kNoNode) {
        stay(node, std::move(plain.how));
      } else {
        if (plain.fresh)
          fresh_.push_back(plain.value), take_inside(plain.value);
        else
          take(plain.value);
        plans_.emplace(node, std::move(plain));
      }
    }
  }

  PlainValue value_of(NodeId object) {
    if (!tree::is_module(document_, object)) return plain_value(document_, object);
    ModuleState module = module_state(document_, object, entries_left_);
    entries_left_ -= std::min<std::uint64_t>(entries_left_, document_.dict_record(module.state_dict).count + 1);
    return {module.state_dict, true, "its state_dict, which needs no code of the module", std::move(module.left_out)};
  }

  /// What an object that stays is made of stays, too: only its class knows what it needs.
  void stay(NodeId object, std::string why) {
    staying_.insert_or_assign(object, std::move(why));
    std::vector<NodeId> open{object};
    while (!open.empty()) {
      const NodeId node = open.back();
      open.pop_back();
      if (kept_.size() <= node) kept_.resize(document_.node_count(), false);
      if (kept_[node]) continue;
      kept_[node] = true;
      take(node);
      if (document_.kind(node) == Kind::object) {
        plans_.erase(node);
        staying_.try_emplace(node, "it is inside of an object that stays");
      }
      tree::for_each_reference(document_, node, [&](NodeId inner) { open.push_back(inner); });
    }
  }

  [[nodiscard]] bool is_kept(NodeId node) const { return node < kept_.size() && kept_[node]; }

  /// An object that stands for a value that is such an object itself stands for what that one does. Circles stay.
  void follow_chains() {
    for (auto& [node, plain] : plans_) {
      if (plain.fresh) continue;
      std::vector<NodeId> way{node};
      NodeId end = plain.value;
      for (auto next = plans_.find(end); next != plans_.end() && !next->second.fresh; next = plans_.find(end)) {
        way.push_back(end);
        end = way.size() > plans_.size() ? kNoNode : next->second.value;
      }
      for (const NodeId one : way) plans_.at(one).value = end;
    }
    std::vector<NodeId> circles;
    for (const auto& [node, plain] : plans_)
      if (plain.value == kNoNode) circles.push_back(node);
    for (const NodeId node : circles) give_up(node, "it stands for itself");
  }

  void give_up(NodeId node, std::string why) {
    if (plans_.erase(node) != 0) stay(node, std::move(why));
  }

  /// Keys have to stay such that Python can hash them. Whether any plan was given up for that.
  bool give_up_keys() {
    std::vector<NodeId> containers = found_;
    containers.insert(containers.end(), fresh_.begin(), fresh_.end());
    const std::vector<bool> in_key = nodes_in_keys(document_, containers);
    std::vector<NodeId> bad;
    for (const auto& [node, plain] : plans_)
      if (in_key[node] && (plain.fresh || becomes_unhashable(plain.value))) bad.push_back(node);
    for (const NodeId node : bad) give_up(node, "it is a key of a dict");
    return !bad.empty() || at_ < found_.size();
  }

  /// A tuple as a key is only taken where nothing in it changes.
  [[nodiscard]] bool becomes_unhashable(NodeId value) const {
    if (!tree::is_hashable(document_, value) || plans_.contains(value)) return true;
    if (document_.kind(value) != Kind::tuple) return false;
    return std::ranges::any_of(document_.elements(value), [&](NodeId element) {
      return plans_.contains(element) || document_.kind(element) == Kind::tuple;
    });
  }

  /// Classes and functions that are values.
  void plan_names() {
    const auto look = [&](NodeId node) {
      if (document_.kind(node) != Kind::global || is_kept(node)) return;
      if (names_.contains(node)) return;
      names_.emplace(node, document_.str(document_.global_record(node).canonical));
    };
    for (const NodeId node : found_)
      if (document_.kind(node) != Kind::object || staying_.contains(node)) for_each_value(document_, node, look);
    for (const NodeId node : fresh_) for_each_value(document_, node, look);
    for (const auto& [node, plain] : plans_)
      if (!plain.fresh) look(plain.value);
    for (const NodeId root : state_.roots) look(root);
  }

  void plan_subclasses() {
    for (const NodeId node : found_) {
      if (document_.kind(node) != Kind::tensor || is_kept(node)) continue;
      const tree::TensorExtra* extra = document_.tensor_record(node).extra;
      if (extra == nullptr || extra->type == kNoNode) continue;
      const std::string name = "a tensor of class " + document_.class_name(extra->type);
      if (document_.tensor_record(node).layout == Layout::wrapper) {
        changes_.add(Fate::remaining, name + " (only the class knows what it is made of)", node);
        continue;
      }
      changes_.add(Fate::dropped, name + " becomes a plain tensor", node);
      subclassed_.push_back(node);
    }
  }

  void tell() {
    for (const auto& [node, plain] : plans_) {
      const std::string name = document_.class_name(node);
      changes_.add(Fate::changed, name + " becomes " + plain.how, node);
      for (const std::string& dropped : plain.dropped) changes_.add(Fate::dropped, name + ": " + dropped, node);
    }
    for (const auto& [node, why] : staying_)
      changes_.add(Fate::remaining, document_.class_name(node) + " (" + why + ")", node);
    for (const auto& [node, text] : names_) changes_.add(Fate::changed, "a class or function becomes its name", node);
  }

  void apply() {
    Replacements replacements(state_);
    for (const auto& [node, plain] : plans_) {
      if (plain.fresh) {
        document_.become(node, plain.value);
        continue;
      }
      const auto name = names_.find(plain.value);
      replacements.add(node, name == names_.end() ? plain.value : name->second);
    }
    for (const auto& [node, text] : names_) replacements.add(node, text);
    for (const NodeId node : subclassed_) document_.tensor_extra(node).type = kNoNode;
    replacements.apply();
  }

  Checkpoint::State& state_;
  Document& document_;
  Changes& changes_;
  std::uint64_t entries_left_;  // of all state_dicts together
  std::vector<NodeId> found_;   // in the order in which they were met; decided up to at_
  std::size_t at_ = 0;
  std::vector<bool> met_;
  std::vector<NodeId> fresh_;
  std::map<NodeId, PlainValue> plans_;
  std::map<NodeId, std::string> staying_;
  std::map<NodeId, NodeId> names_;
  std::vector<bool> kept_;  // by node: inside of an object that stays
  std::vector<NodeId> subclassed_;
};

}  // namespace

void make_objects_plain(Checkpoint::State& state, Changes& changes) { ObjectPlan(state, changes).run(); }

}  // namespace sconce::model::rewrite
