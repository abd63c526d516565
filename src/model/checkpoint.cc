#include <sconce/checkpoint.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/fail.h"
#include "model/find_path.h"
#include "model/leaf.h"
#include "model/state.h"
#include "tree/walk.h"

namespace sconce {
inline namespace v0 {

std::string_view to_string(CallFact::What what) noexcept {
  switch (what) {
    case CallFact::What::import: return "import";
    case CallFact::What::call: return "call";
    case CallFact::What::state: return "state";
  }
  return "call";
}

std::string_view to_string(CallFact::Effect effect) noexcept {
  switch (effect) {
    case CallFact::Effect::data: return "data";
    case CallFact::Effect::unknown: return "unknown";
    case CallFact::Effect::effect: return "effect";
  }
  return "unknown";
}

Checkpoint::Checkpoint() : state_(std::make_shared<State>()) {
  state_->document = std::make_shared<tree::Document>();
  state_->roots.push_back(state_->document->dict());
}

Value Checkpoint::root() const { return {state_->document, state_->roots.front()}; }

std::vector<Value> Checkpoint::roots() const {
  std::vector<Value> values;
  for (const tree::NodeId root : state_->roots) values.emplace_back(state_->document, root);
  return values;
}

void Checkpoint::set_root(const Literal& value) { state_->roots = {state_->document->add(value)}; }

Tensor Checkpoint::tensor(std::string_view name) const {
  const Value value = at(name);
  if (value.kind() == Kind::storage) return model::storage_as_tensor(*state_->document, value.node());
  if (!value.is_tensor()) {
    ErrorPlace place;
    place.file = state_->facts.name;
    place.key = std::string(name);
    fail(ErrorCode::wrong_type, "a tensor expected, but this is a " + std::string(to_string(value.kind())),
         std::move(place), "at() gives any value");
  }
  return value.as_tensor();
}

Tensor Checkpoint::tensor(std::initializer_list<std::string_view> steps) const {
  const std::vector<std::string> texts(steps.begin(), steps.end());
  return Value(state_->document, model::find_by_steps(*state_, texts)).as_tensor();
}

Value Checkpoint::at(std::string_view name) const { return {state_->document, model::find_by_name(*state_, name)}; }

Value Checkpoint::at(const Path& path) const {
  std::vector<std::string> steps;
  for (const PathStep& step : path)
    steps.push_back(step.text.empty() && step.how == PathStep::How::index ? std::to_string(step.index) : step.text);
  return {state_->document, model::find_by_steps(*state_, steps)};
}

std::vector<NamedTensor> Checkpoint::tensors() const {
  std::vector<NamedTensor> tensors;
  WalkOptions options;
  options.values = false;
  options.parts = false;
  walk(options, [&](const Leaf& leaf) {
    tensors.push_back({std::string(leaf.name()), leaf.tensor()});
    return true;
  });
  return tensors;
}

WalkResult Checkpoint::walk(const WalkOptions& options, const std::function<bool(const Leaf&)>& visit) const {
  WalkResult result;
  for (std::size_t number = 0; number < state_->roots.size(); ++number) {
    tree::Walker walker(*state_->document, state_->roots[number], state_->walk_limits());
    const model::TreeLeaf leaf(state_->document, walker,
                               state_->roots.size() > 1 ? std::optional(number) : std::nullopt);
    while (walker.next()) {
      const bool tensor = leaf.is_tensor();
      if (!model::wanted(options, *state_->document, walker, tensor)) continue;
      ++(tensor ? result.tensors : result.values);
      if (!visit(leaf)) return result;
    }
    result.complete = result.complete && walker.complete();
  }
  return result;
}

const FileFacts& Checkpoint::file() const { return state_->facts; }

}  // namespace v0
}  // namespace sconce
