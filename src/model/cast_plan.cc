#include "model/cast_plan.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/fail.h"
#include "base/text.h"
#include "model/storage_use.h"
#include "tensor/cast.h"
#include "tensor/cast_source.h"
#include "tree/walk.h"

namespace sconce::model {
namespace {

using tree::Document;
using tree::NodeId;

/// All storages of one dtype that become another.
struct Sum {
  std::uint64_t storages = 0;
  std::uint64_t before = 0;
  std::uint64_t after = 0;
};

/// What the tensors of one storage ask for.
struct Wish {
  DType from = DType::float32;
  std::optional<DType> to;  // nothing: no tensor has asked yet
  std::string name;         // of the tensor that asked
  bool kept = false;        // something shows the storage that cannot be cast with it
};

class CastPlanner {
 public:
  CastPlanner(const Checkpoint::State& state, std::span<const CastRule> rules)
      : state_(state), document_(*state.document), rules_(rules) {}

  CastPlan run() {
    for (const NodeId root : state_.roots) walk(root);
    look_at_unnamed();
    for (const auto& [storage, wish] : wishes_) finish(storage, wish);
    tell_sums();
    return std::move(plan_);
  }

 private:
  void walk(NodeId root) {
    tree::Walker walker(document_, root, state_.walk_limits());
    while (walker.next()) {
      if (document_.kind(walker.node()) != Kind::tensor) continue;
      if (!walker.is_part()) {
        whole_ = walker.node();
        whole_name_ = walker.name();
      }
      visit(walker.node());
    }
  }

  void visit(NodeId node) {
    const tree::TensorRecord& record = document_.tensor_record(node);
    if (!record.has_storage()) return;
    if (record.numpy || is_quantised(node) || is_quantised(whole_)) {
      never_.insert(record.storage);
      return;
    }
    const std::optional<DType> to = wanted(record);
    if (!to) return;
    Wish& wish = wishes_[record.storage];
    if (wish.to && record.dtype != wish.from) wish.kept = true;
    if (wish.to && !wish.kept && *wish.to != *to) contradiction(wish, *to);
    if (wish.to) return;
    wish.from = record.dtype;
    wish.to = to;
    wish.name = whole_name_;
  }

  [[nodiscard]] bool is_quantised(NodeId node) const {
    const tree::TensorRecord& record = document_.tensor_record(node);
    return info(record.dtype).is_quantized || (record.extra != nullptr && record.extra->qscheme != QScheme::none);
  }

  /// The dtype that the first rule for this tensor names; its own where no rule is for it; nothing: no opinion.
  [[nodiscard]] std::optional<DType> wanted(const tree::TensorRecord& record) {
    for (const CastRule& rule : rules_) {
      if (rule.from ? *rule.from != record.dtype : !info(record.dtype).is_floating_point) continue;
      if (!matches(rule.pattern, whole_name_)) continue;
      if (rule.pattern == "*" && record.ndim == 0) return std::nullopt;
      // A rule for everything leaves what there is no cast for (two numbers in a byte); one by name is an error there.
      if (rule.pattern == "*" && !rule.from && !tensor::can_cast(record.dtype, rule.to)) {
        uncast_.insert(record.dtype);
        return record.dtype;
      }
      return rule.to;
    }
    return record.dtype;
  }

  [[noreturn]] void contradiction(const Wish& wish, DType to) const {
    ErrorPlace place;
    place.file = state_.facts.name;
    place.key = whole_name_;
    fail(ErrorCode::invalid_argument,
         "\"" + escaped(wish.name) + "\" shares its storage, and the rules make one " +
             std::string(to_string(*wish.to)) + " and the other " + std::string(to_string(to)),
         std::move(place), "give both names the same rule");
  }

  /// Whatever shows a storage as something else keeps it as it is: nothing may end up outside of it. Tensors that were
  /// taken out of the tree count, too, as somebody may hold them.
  void look_at_unnamed() {
    const std::vector<bool> bare = storage_use(state_).bare;
    for (std::uint32_t storage = 0; storage < bare.size(); ++storage)
      if (bare[storage]) keep(storage, std::nullopt);
    for (NodeId node = 0; node < document_.node_count(); ++node) {
      if (document_.kind(node) != Kind::tensor) continue;
      const tree::TensorRecord& record = document_.tensor_record(node);
      if (record.has_storage()) keep(record.storage, record.dtype);
    }
  }

  void keep(std::uint32_t storage, std::optional<DType> shown_as) {
    const auto found = wishes_.find(storage);
    if (found != wishes_.end() && shown_as != found->second.from) found->second.kept = true;
  }

  void finish(std::uint32_t storage, const Wish& wish) {
    if (!wish.to || *wish.to == wish.from) return;
    if (never_.contains(storage)) {
      plan_.notes.push_back(wish.name + ": stays " + std::string(to_string(wish.from)) +
                            ", because a quantised tensor or a NumPy array shares its storage");
      return;
    }
    if (wish.kept) {
      plan_.notes.push_back(wish.name + ": stays " + std::string(to_string(wish.from)) +
                            ", because its storage is also shown as another dtype");
      return;
    }
    if (!tensor::can_cast(wish.from, *wish.to)) {
      ErrorPlace place;
      place.file = state_.facts.name;
      place.key = wish.name;
      fail(ErrorCode::unsupported,
           "there is no cast from " + std::string(to_string(wish.from)) + " to " + std::string(to_string(*wish.to)),
           std::move(place),
           "leave the tensor out: a rule before this one that keeps its dtype (--cast 'NAME=" +
               std::string(to_string(wish.from)) + "')");
    }
    const Storage& old = document_.storage_at(storage);
    Storage cast = tensor::cast_storage(old, wish.from, *wish.to);
    Sum& sum = sums_[{wish.from, *wish.to}];
    ++sum.storages;
    sum.before += old.nbytes();
    sum.after += cast.nbytes();
    plan_.storages.emplace(storage, StorageCast{wish.from, *wish.to, std::move(cast)});
  }

  /// "float16 becomes float32: 12 storages, 1.00 GiB become 2.00 GiB".
  void tell_sums() {
    for (const DType dtype : uncast_)
      plan_.notes.push_back("tensors of " + std::string(to_string(dtype)) + " stay as they are: there is no such cast");
    for (const auto& [dtypes, sum] : sums_)
      plan_.notes.push_back(std::string(to_string(dtypes.first)) + " becomes " + std::string(to_string(dtypes.second)) +
                            ": " + with_commas(sum.storages) + (sum.storages == 1 ? " storage, " : " storages, ") +
                            human_bytes(sum.before) + " → " + human_bytes(sum.after));
  }

  const Checkpoint::State& state_;
  const Document& document_;
  std::span<const CastRule> rules_;
  NodeId whole_ = tree::kNoNode;  // of the tensor whose parts are met
  std::string whole_name_;
  std::map<std::uint32_t, Wish> wishes_;
  std::set<std::uint32_t> never_;  // storages with numbers that are never cast
  std::set<DType> uncast_;         // dtypes that a rule for everything left
  std::map<std::pair<DType, DType>, Sum> sums_;
  CastPlan plan_;
};

/// A sparse or nested tensor is of the dtype of the part that has its numbers.
std::optional<DType> dtype_of_parts(const Document& document, const tree::TensorRecord& record) {
  if (record.has_storage() || record.extra == nullptr || record.extra->qscheme != QScheme::none) return std::nullopt;
  for (std::uint32_t at = 0; at < record.extra->part_count; ++at) {
    const auto& part = record.extra->parts[at];
    if (part.name != tree::PartName::values && part.name != tree::PartName::buffer) continue;
    if (document.kind(part.tensor) == Kind::tensor) return document.tensor_record(part.tensor).dtype;
  }
  return std::nullopt;
}

}  // namespace

CastPlan plan_casts(const Checkpoint::State& state, std::span<const CastRule> rules) {
  if (rules.empty()) return {};
  return CastPlanner(state, rules).run();
}

void apply_casts(tree::Document& document, const CastPlan& plan) {
  if (plan.storages.empty()) return;
  for (NodeId node = 0; node < document.node_count(); ++node) {
    if (document.kind(node) != Kind::tensor) continue;
    tree::TensorRecord& record = document.mutable_tensor(node);
    const auto found = record.has_storage() ? plan.storages.find(record.storage) : plan.storages.end();
    if (found != plan.storages.end()) record.dtype = found->second.to;
  }
  for (NodeId node = 0; node < document.node_count(); ++node) {
    if (document.kind(node) != Kind::tensor) continue;
    if (const auto dtype = dtype_of_parts(document, document.tensor_record(node)))
      document.mutable_tensor(node).dtype = *dtype;
  }
}

}  // namespace sconce::model
