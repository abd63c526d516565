#include "formats/torch_common/call_facts.h"

#include <algorithm>

#include "formats/torch_common/effects.h"
#include "formats/torch_common/known_names.h"

namespace sconce::formats::torch_common {

using tree::NodeId;

namespace {

/// What a name of torch stands for where that is no class: torch.float32, torch.per_tensor_affine.
bool is_torch_value(Kind kind) noexcept { return kind == Kind::dtype || kind == Kind::qscheme; }

}  // namespace

void CallCounter::count(CallFact::What what, std::uint64_t offset, NodeId callable, bool effect) {
  const std::uint64_t key = (std::uint64_t{callable} << 8) | (static_cast<std::uint64_t>(what) << 1) | (effect ? 1 : 0);
  const auto [place, added] = places_.try_emplace(key, counts_.size());
  if (added) {
    document_.budget().charge(sizeof(Count) + sizeof(CallFact) + 128);
    counts_.push_back({what, callable, offset, 0, effect});
  }
  ++counts_[place->second].count;
}

bool CallCounter::is_known(NodeId callable, Known known) const {
  return document_.kind(callable) == Kind::global && static_cast<Known>(document_.global_tag(callable)) == known;
}

void CallCounter::called(std::uint64_t offset, NodeId callable, NodeId args) {
  // _rebuild_from_type calls what it is given, and that can be one more of them.
  while (is_known(callable, Known::rebuild_from_type) || is_known(callable, Known::rebuild_from_type_v2)) {
    count(CallFact::What::call, offset, callable, false);
    const auto elements = document_.elements(args);
    if (elements.size() < 3 || document_.kind(elements[2]) != Kind::tuple) return;
    callable = elements[0];
    args = elements[2];
    document_.budget().charge(1);  // a long chain can be walked again and again: work counts as memory
  }
  const bool reaches = reaches_effect(document_, callable, args);
  // Calls of results are counted under the name that they begin with, so that a file cannot fill the list.
  NodeId named = callable;
  for (int depth = 0; depth < 8 && document_.kind(named) == Kind::object; ++depth) {
    const NodeId inner = document_.object_record(named).callable;
    if (inner == tree::kNoNode) break;
    named = inner;
  }
  if (document_.kind(named) == Kind::object) named = tree::kNoNode;
  count(CallFact::What::call, offset, named, reaches);
}

void CallCounter::state_set(std::uint64_t offset, NodeId target, NodeId) {
  // A state for a class or function changes the program that loads the file.
  if (document_.kind(target) == Kind::global) return count(CallFact::What::state, offset, target, true);
  if (document_.kind(target) != Kind::object) return;
  const NodeId callable = document_.object_record(target).callable;
  if (callable != tree::kNoNode && document_.kind(callable) == Kind::global)
    count(CallFact::What::state, offset, callable, false);
}

std::string CallCounter::name_of(NodeId callable) const {
  if (callable == tree::kNoNode) return "the result of a call";
  if (is_torch_value(document_.kind(callable))) return "torch." + std::string(document_.text(callable));
  return document_.class_name(callable);
}

CallFact::Effect CallCounter::effect_of(const Count& count) const {
  if (count.effect) return CallFact::Effect::effect;
  if (count.callable == tree::kNoNode) return CallFact::Effect::unknown;
  if (is_torch_value(document_.kind(count.callable)) && count.what == CallFact::What::import)
    return CallFact::Effect::data;
  if (document_.kind(count.callable) != Kind::global) return CallFact::Effect::unknown;
  const tree::GlobalRecord& record = document_.global_record(count.callable);
  if (has_effect(record.python3_module, record.python3_name)) return CallFact::Effect::effect;
  const auto known = static_cast<Known>(document_.global_tag(count.callable));
  if (known == Known::py_getattr || only_builds(known) || known == Known::torch_module || known == Known::reconstructor)
    return CallFact::Effect::data;
  return CallFact::Effect::unknown;
}

std::vector<CallFact> CallCounter::facts(const std::string& record) const {
  std::vector<CallFact> facts;
  facts.reserve(counts_.size());
  for (const Count& count : counts_) {
    CallFact fact;
    fact.what = count.what;
    fact.effect = effect_of(count);
    fact.name = name_of(count.callable);
    fact.record = record;
    fact.offset = count.offset;
    fact.count = count.count;
    facts.push_back(std::move(fact));
  }
  std::ranges::stable_sort(facts, {}, &CallFact::offset);
  return facts;
}

void CallLog::add(std::vector<CallFact> facts) {
  for (CallFact& fact : facts) {
    std::string key = fact.record + '\n' + fact.name + '\n';
    key += static_cast<char>('0' + static_cast<int>(fact.what));
    key += fact.effect == CallFact::Effect::effect ? '!' : ' ';
    const auto [place, added] = places_.try_emplace(std::move(key), facts_.size());
    if (added)
      facts_.push_back(std::move(fact));
    else
      facts_[place->second].count += fact.count;
  }
}

}  // namespace sconce::formats::torch_common
