// Finding a model's state_dict in a tree.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <sconce/checkpoint.h>

#include "base/fail.h"
#include "base/text.h"
#include "model/find_models.h"
#include "model/find_path.h"
#include "model/model_shape.h"
#include "model/state.h"
#include "tree/children.h"

namespace sconce {
inline namespace v0 {

namespace {

using tree::Document;
using tree::NodeId;

constexpr std::size_t kSearchDepth = 4;
constexpr std::size_t kMostCandidates = 64;

using Candidate = model::FoundModel;

void add_children(const Document& document, const Candidate& parent, std::vector<Candidate>& below) {
  std::vector<tree::Child> children;
  if (document.kind(parent.node) == Kind::dict) {
    const tree::DictRecord& dict = document.dict_record(parent.node);
    for (std::size_t at = 0; at < dict.count && children.size() < kMostCandidates; ++at)
      children.push_back(tree::keyed_child(document, dict.pairs[2 * at], dict.pairs[2 * at + 1], at));
  } else if (document.kind(parent.node) == Kind::list || document.kind(parent.node) == Kind::tuple) {
    const auto elements = document.elements(parent.node);
    for (std::size_t at = 0; at < elements.size() && at < kMostCandidates; ++at)
      children.push_back({.how = PathStep::How::index, .index = static_cast<std::int64_t>(at), .value = elements[at]});
  } else if (document.kind(parent.node) == Kind::object) {
    tree::collect_children(document, parent.node, children);
  }
  for (const tree::Child& child : children) {
    const Kind kind = document.kind(child.value);
    if (kind != Kind::dict && kind != Kind::object && kind != Kind::list && kind != Kind::tuple) continue;
    below.push_back({child.value, parent.path.empty() ? tree::step_text(document, child)
                                                      : parent.path + "." + tree::step_text(document, child)});
  }
}

/// State_dicts and modules below a value; the level nearest to it that has any.
std::vector<Candidate> find_candidates(const Document& document, NodeId root) {
  std::vector<Candidate> level{{root, ""}};
  for (std::size_t depth = 0; depth < kSearchDepth && !level.empty(); ++depth) {
    std::vector<Candidate> found;
    std::vector<Candidate> below;
    for (const Candidate& candidate : level) {
      if (model::is_optimizer_state(document, candidate.node)) continue;
      if (model::is_model(document, candidate.node))
        found.push_back(candidate);
      else if (below.size() < kMostCandidates * kMostCandidates)
        add_children(document, candidate, below);
    }
    if (!found.empty()) return found;
    level = std::move(below);
  }
  if (model::is_flat_model(document, root)) return {{root, ""}};
  return {};
}

std::string listed(const std::vector<Candidate>& candidates) {
  std::string text;
  for (const Candidate& candidate : candidates) text += (text.empty() ? "\"" : "\", \"") + candidate.path;
  return text + "\"";
}

/// Names of buffers that a module does not save, as a walk names them.
void add_unsaved(const Document& document, NodeId module, std::string_view name, std::set<std::string>& unsaved) {
  const NodeId names = document.attribute(module, "_non_persistent_buffers_set");
  if (names == tree::kNoNode || !tree::is_keyed(document.kind(names))) return;
  const std::string prefix = name.empty() ? std::string() : std::string(name) + ".";
  const tree::DictRecord& set = document.dict_record(names);
  for (std::size_t at = 0; at < set.count; ++at)
    if (document.kind(set.pairs[2 * at]) == Kind::str)
      unsaved.insert(prefix + std::string(document.text(set.pairs[2 * at])));
}

StateDict read(const Checkpoint::State& state, const Candidate& candidate) {
  const Document& document = *state.document;
  tree::Walker walker(document, candidate.node, state.walk_limits());
  std::vector<NamedTensor> tensors;
  std::vector<std::string> others;
  std::set<std::string> unsaved;
  const bool module = tree::is_module(document, candidate.node);
  while (walker.next()) {
    if (walker.is_part()) continue;
    // A module is met before what is inside of it.
    if (tree::is_module(document, walker.node())) add_unsaved(document, walker.node(), walker.name(), unsaved);
    const bool attribute = !walker.steps().empty() && walker.steps().back().how == PathStep::How::attribute;
    if (document.kind(walker.node()) == Kind::tensor && !(module && attribute)) {
      std::string name(walker.name());
      if (!unsaved.contains(name)) tensors.push_back({std::move(name), document.tensor_handle(walker.node())});
    } else if (!module && !attribute) {
      others.emplace_back(walker.name());
    }
  }
  return StateDict(std::move(tensors), candidate.path, std::move(others));
}

}  // namespace

}  // namespace v0

namespace model {

std::vector<FoundModel> find_models(const Checkpoint::State& state) {
  return find_candidates(*state.document, state.roots.front());
}

FoundModel find_model(const Checkpoint::State& state, std::string_view which) {
  ErrorPlace place;
  place.file = state.facts.name;
  if (!which.empty()) {
    const FoundModel given{find_by_name(state, which), std::string(which)};
    std::vector<FoundModel> inside = find_candidates(*state.document, given.node);
    if (inside.size() == 1) {
      inside[0].path = inside[0].path.empty() ? given.path : given.path + "." + inside[0].path;
      return inside[0];
    }
    place.key = given.path;
    fail(ErrorCode::not_found, "there is no state_dict here", std::move(place),
         "sconce inspect shows what the file holds");
  }
  std::vector<FoundModel> found = find_models(state);
  if (found.size() == 1) return std::move(found.front());
  if (found.empty())
    fail(ErrorCode::not_found, "no state_dict or module was found", std::move(place),
         "sconce inspect shows what the file holds");
  fail(ErrorCode::not_found, "there are several state_dicts: " + listed(found), std::move(place),
       "name one: state_dict(\"" + found.front().path + "\")");
}

}  // namespace model

inline namespace v0 {

StateDict Checkpoint::state_dict(std::string_view which) const {
  return read(*state_, model::find_model(*state_, which));
}

const Tensor& StateDict::operator[](std::string_view name) const {
  const auto found = std::ranges::find(tensors_, name, &NamedTensor::name);
  if (found != tensors_.end()) return found->tensor;
  std::vector<std::string> names;
  for (const NamedTensor& tensor : tensors_) names.push_back(tensor.name);
  std::string advice;
  for (const std::string& near : nearest(name, names))
    advice += (advice.empty() ? "did you mean \"" : "\" or \"") + near;
  if (!advice.empty()) advice += "\"?";
  ErrorPlace place;
  place.key = std::string(name);
  fail(ErrorCode::not_found, "the state_dict has no tensor of that name", std::move(place), std::move(advice));
}

bool StateDict::contains(std::string_view name) const noexcept {
  return std::ranges::find(tensors_, name, &NamedTensor::name) != tensors_.end();
}

}  // namespace v0
}  // namespace sconce
