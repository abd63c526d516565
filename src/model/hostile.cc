#include "model/hostile.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "base/text.h"
#include "formats/torch_common/effects.h"
#include "formats/torch_common/known_names.h"
#include "tree/references.h"

namespace sconce::model {

namespace {

using formats::torch_common::has_effect;
using formats::torch_common::Known;
using formats::torch_common::known_name;
using tree::Document;
using tree::NodeId;

constexpr std::size_t kNamedClasses = 20;
constexpr std::uint64_t kPathsForKey = 100'000;

Known known(const Document& document, NodeId global) {
  const tree::GlobalRecord& record = document.global_record(global);
  return known_name(record.python3_module, record.python3_name);
}

bool is_global(const Document& document, NodeId node) {
  return node != tree::kNoNode && document.kind(node) == Kind::global;
}

bool has_effect_itself(const Document& document, NodeId node) {
  if (document.kind(node) == Kind::object) {
    const tree::ObjectRecord& object = document.object_record(node);
    return formats::torch_common::reaches_effect(document, object.callable, object.args);
  }
  if (!is_global(document, node)) return false;
  const tree::GlobalRecord& record = document.global_record(node);
  return has_effect(record.python3_module, record.python3_name);
}

std::string verb(CallFact::What what) {
  switch (what) {
    case CallFact::What::import: return "import ";
    case CallFact::What::call: return "call ";
    case CallFact::What::state: return "change ";
  }
  return "call ";
}

[[noreturn]] void refuse(const std::string& doing, ErrorPlace place) {
  fail(ErrorCode::hostile, "whoever loads this file with Python would " + doing + "; it is not written to a new file",
       std::move(place), "do not load it; `sconce inspect` lists all that it calls. Get the model from its author");
}

/// The path of a node in the tree, where a walk shows it.
std::string key_of(const Checkpoint::State& state, NodeId wanted) {
  tree::WalkLimits limits;
  limits.paths = kPathsForKey;
  for (const NodeId root : state.roots) {
    tree::Walker walker(*state.document, root, limits);
    while (walker.next())
      if (walker.node() == wanted) return std::string(walker.name());
  }
  return {};
}

}  // namespace

void refuse_hostile(const Checkpoint::State& state) {
  ErrorPlace place;
  place.file = state.facts.name;
  for (const CallFact& fact : state.facts.calls) {
    if (fact.effect != CallFact::Effect::effect) continue;
    place.record = fact.record;
    place.offset = fact.offset;
    refuse(verb(fact.what) + escaped(fact.name), std::move(place));
  }
  for (const NodeId node : tree::reachable(*state.document, state.roots)) {
    if (!has_effect_itself(*state.document, node)) continue;
    place.key = key_of(state, node);
    refuse("call " + escaped(state.document->class_name(node)), std::move(place));
  }
}

void note_unknown_classes(const Checkpoint::State& state, SaveReport& report) {
  std::vector<std::string> names;
  for (const NodeId node : tree::reachable(*state.document, state.roots))
    if (is_global(*state.document, node) && known(*state.document, node) == Known::unknown)
      names.push_back(state.document->class_name(node));
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (std::size_t at = 0; at < std::min(names.size(), kNamedClasses); ++at)
    report.notes.push_back("kept as data, not understood: " + names[at]);
  if (names.size() > kNamedClasses)
    report.notes.push_back("kept as data, not understood: " + std::to_string(names.size() - kNamedClasses) + " more");
}

}  // namespace sconce::model
