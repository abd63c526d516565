// Finding a model's state_dict in a tree.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <sconce/checkpoint.h>

#include "base/fail.h"
#include "base/text.h"
#include "model/find_path.h"
#include "model/state.h"
#include "tree/children.h"

namespace sconce {
inline namespace v0 {

namespace {

using tree::Document;
using tree::NodeId;

constexpr std::size_t kSearchDepth = 4;
constexpr std::size_t kMostCandidates = 64;

/// Whether a dict reads like a state_dict by itself: string keys, tensors, and nothing but what modules add to them.
bool is_state_dict(const Document& document, NodeId id) {
  if (document.kind(id) != Kind::dict) return false;
  const tree::DictRecord& dict = document.dict_record(id);
  std::size_t tensors = 0;
  std::size_t others = 0;
  for (std::size_t at = 0; at < dict.count; ++at) {
    if (document.kind(dict.pairs[2 * at]) != Kind::str) return false;
    const std::string_view key = document.text(dict.pairs[2 * at]);
    const Kind kind = document.kind(dict.pairs[2 * at + 1]);
    if (kind == Kind::tensor) ++tensors;
    // Quantised modules keep tuples, dtypes and numbers under dotted names; any module may have an _extra_state.
    else if (kind == Kind::none || key.ends_with("_extra_state") ||
             (key.find('.') != std::string_view::npos && kind != Kind::dict))
      ++others;
    else
      return false;
  }
  return tensors != 0 && tensors >= others;
}

/// Whether a dict holds nothing but state_dicts and dicts of them: parts of one model, saved apart.
bool is_nested_state_dict(const Document& document, NodeId id, std::size_t depth) {
  if (document.kind(id) != Kind::dict || depth == 0) return false;
  const tree::DictRecord& dict = document.dict_record(id);
  for (std::size_t at = 0; at < dict.count; ++at) {
    const NodeId value = dict.pairs[2 * at + 1];
    if (document.kind(dict.pairs[2 * at]) != Kind::str) return false;
    if (document.kind(value) != Kind::tensor && !is_nested_state_dict(document, value, depth - 1)) return false;
  }
  return dict.count != 0;
}

struct Candidate {
  NodeId node;
  std::string path;
};

/// Names under which people save whole models beside one another; a dict of these is no model of its own.
bool is_wrapper_name(std::string_view name) {
  constexpr std::string_view kNames[] = {"state_dict", "model",     "model_state_dict", "model_state",   "module",
                                         "net",        "network",   "weights",          "params",        "ema",
                                         "model_ema",  "ema_model", "state_dict_ema",   "params_ema",    "optimizer",
                                         "teacher",    "student",   "generator",        "discriminator", "target"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

bool holds_wrappers(const Document& document, NodeId dict) {
  const tree::DictRecord& record = document.dict_record(dict);
  for (std::size_t at = 0; at < record.count; ++at)
    if (document.kind(record.pairs[2 * at + 1]) == Kind::dict && is_wrapper_name(document.text(record.pairs[2 * at])))
      return true;
  return false;
}

bool is_model(const Document& document, NodeId id) {
  if (is_state_dict(document, id) || tree::is_module(document, id)) return true;
  return is_nested_state_dict(document, id, kSearchDepth) && !holds_wrappers(document, id);
}

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

/// Whether a dict is what an optimizer's state_dict() gives; its tensors are no model's.
bool is_optimizer_state(const Document& document, NodeId id) {
  constexpr std::uint32_t kMostEntries = 4;  // of a dict that holds whole models beside it there are more
  return document.kind(id) == Kind::dict && document.dict_record(id).count <= kMostEntries &&
         document.dict_get(id, "param_groups") != tree::kNoNode && document.dict_get(id, "state") != tree::kNoNode;
}

/// Whether a dict holds tensors under their names, and plain values beside them ("epoch"), but nothing deeper.
bool is_flat_model(const Document& document, NodeId id) {
  if (document.kind(id) != Kind::dict) return false;
  const tree::DictRecord& dict = document.dict_record(id);
  bool tensors = false;
  for (std::size_t at = 0; at < dict.count; ++at) {
    const NodeId value = dict.pairs[2 * at + 1];
    if (document.kind(dict.pairs[2 * at]) != Kind::str) return false;
    if (document.kind(value) == Kind::tensor)
      tensors = true;
    else if (tree::has_children(document, value))
      return false;
  }
  return tensors;
}

/// State_dicts and modules below a value; the level nearest to it that has any.
std::vector<Candidate> find_candidates(const Document& document, NodeId root) {
  std::vector<Candidate> level{{root, ""}};
  for (std::size_t depth = 0; depth < kSearchDepth && !level.empty(); ++depth) {
    std::vector<Candidate> found;
    std::vector<Candidate> below;
    for (const Candidate& candidate : level) {
      if (is_optimizer_state(document, candidate.node)) continue;
      if (is_model(document, candidate.node))
        found.push_back(candidate);
      else if (below.size() < kMostCandidates * kMostCandidates)
        add_children(document, candidate, below);
    }
    if (!found.empty()) return found;
    level = std::move(below);
  }
  if (is_flat_model(document, root)) return {{root, ""}};
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

StateDict Checkpoint::state_dict(std::string_view which) const {
  ErrorPlace place;
  place.file = state_->facts.name;
  if (!which.empty()) {
    const Candidate candidate{model::find_by_name(*state_, which), std::string(which)};
    const std::vector<Candidate> inside = find_candidates(*state_->document, candidate.node);
    if (inside.size() == 1)
      return read(*state_,
                  {inside[0].node, inside[0].path.empty() ? candidate.path : candidate.path + "." + inside[0].path});
    place.key = candidate.path;
    fail(ErrorCode::not_found, "there is no state_dict here", std::move(place),
         "sconce inspect shows what the file holds");
  }
  const std::vector<Candidate> candidates = find_candidates(*state_->document, state_->roots.front());
  if (candidates.size() == 1) return read(*state_, candidates.front());
  if (candidates.empty())
    fail(ErrorCode::not_found, "no state_dict or module was found", std::move(place),
         "sconce inspect shows what the file holds");
  fail(ErrorCode::not_found, "there are several state_dicts: " + listed(candidates), std::move(place),
       "name one: state_dict(\"" + candidates.front().path + "\")");
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
