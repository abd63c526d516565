// The public functions of structure.h that begin with a checkpoint.
#include <sconce/structure.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/fail.h"
#include "base/text.h"
#include "model/find_models.h"
#include "model/structure/limits.h"
#include "model/structure/matching_description.h"
#include "model/structure/name_tree.h"
#include "model/structure/read_modules.h"
#include "model/structure/totals.h"
#include "tree/children.h"

namespace sconce {
namespace model::structure {
namespace {

/// The tree that the file's description gives to a state_dict; nothing where there is none, or it does not fit, and
/// then a note says so.
std::optional<ModuleTree> described_tree(const Checkpoint& checkpoint, const FoundModel& found,
                                         std::vector<std::string>& notes) {
  try {
    const auto json = saved_structure(checkpoint);
    if (!json) return std::nullopt;
    ModuleTree tree = tree_from_json(*json);
    const StateDict state_dict = checkpoint.state_dict(found.path);
    const DescriptionMatch match = match_description(tree, state_dict, {});
    if (match.names.empty()) {
      take_tensors(tree, state_dict);
      return tree;
    }
    // A description is of one model; what the others hold does not contradict it.
    if (find_models(*checkpoint.state()).size() > 1 && tree.source_path != found.path) return std::nullopt;
    notes.push_back("the description of the model that the file carries does not fit it, and is passed over: " +
                    match.names.front());
  } catch (const Error& error) {
    if (error.code() == ErrorCode::io) throw;
    notes.push_back("the description of the model that the file carries is passed over: " + error.message());
  }
  return std::nullopt;
}

/// All tensors below a path, by names from there: what is left of a module whose objects became dicts in a safetensors
/// file has its names, but is no state_dict.
StateDict tensors_below(const Checkpoint& checkpoint, const std::string& path) {
  const std::string prefix = path.empty() ? std::string() : path + ".";
  std::vector<NamedTensor> tensors;
  for (NamedTensor& tensor : checkpoint.tensors()) {
    if (!tensor.name.starts_with(prefix)) continue;
    tensor.name.erase(0, prefix.size());
    tensors.push_back(std::move(tensor));
  }
  return StateDict(std::move(tensors), path);
}

/// The tensors that a description is of.
struct DescribedTensors {
  StateDict tensors;
  bool remains = false;  ///< of a whole module; other tensors may lie beside them
};

/// A state_dict at the described path, or what is left there of a module, or the only state_dict: a model that was
/// taken out of a checkpoint. Nothing where there is none of these.
std::optional<DescribedTensors> find_described(const Checkpoint& checkpoint, const ModuleTree& tree) {
  const std::vector<FoundModel> models = find_models(*checkpoint.state());
  if (std::ranges::find(models, tree.source_path, &FoundModel::path) != models.end())
    return DescribedTensors{checkpoint.state_dict(tree.source_path)};
  StateDict below = tensors_below(checkpoint, tree.source_path);
  const bool fits = !below.empty() && match_description(tree, below, {.allow_more = true}).names.empty();
  if (!fits && models.size() == 1) return DescribedTensors{checkpoint.state_dict(models.front().path)};
  if (below.empty()) return std::nullopt;
  return DescribedTensors{std::move(below), true};
}

/// The described tree of a file that has the tensors of a module, and neither the module nor a state_dict.
std::optional<ModuleTree> remains_of_modules(const Checkpoint& checkpoint) {
  try {
    const auto json = saved_structure(checkpoint);
    if (!json) return std::nullopt;
    ModuleTree tree = tree_from_json(*json);
    const auto found = find_described(checkpoint, tree);
    if (!found || !found->remains) return std::nullopt;
    if (!match_description(tree, found->tensors, {.allow_more = true}).names.empty()) return std::nullopt;
    take_tensors(tree, found->tensors);
    fill_totals(tree);
    return tree;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::io) throw;
    return std::nullopt;
  }
}

}  // namespace
}  // namespace model::structure

inline namespace v0 {

std::vector<std::string> model_paths(const Checkpoint& checkpoint) {
  std::vector<std::string> paths;
  if (auto tree = model::structure::remains_of_modules(checkpoint)) return {std::move(tree->source_path)};
  for (model::FoundModel& found : model::find_models(*checkpoint.state())) paths.push_back(std::move(found.path));
  return paths;
}

ModuleTree module_tree(const Checkpoint& checkpoint, std::string_view which) {
  using namespace model::structure;
  const Checkpoint::State& state = *checkpoint.state();
  if (auto tree = remains_of_modules(checkpoint); tree && (which.empty() || which == tree->source_path))
    return std::move(*tree);
  const model::FoundModel found = model::find_model(state, which);
  ErrorPlace place;
  place.file = state.facts.name;
  return with_place(place, [&] {
    std::vector<std::string> notes;
    ModuleTree tree;
    if (tree::is_module(*state.document, found.node))
      tree = read_modules(state, found.node);
    else if (auto described = described_tree(checkpoint, found, notes))
      tree = std::move(*described);
    else
      tree = read_names(state, found);
    tree.source_path = found.path;
    tree.notes.insert(tree.notes.end(), notes.begin(), notes.end());
    fill_totals(tree);
    return tree;
  });
}

std::optional<std::string> saved_structure(const Checkpoint& checkpoint) {
  const std::vector<ExtraPart>& extras = checkpoint.file().extras;
  const auto part = std::ranges::find(extras, kStructurePart, &ExtraPart::name);
  if (part == extras.end()) return std::nullopt;
  ErrorPlace place = in_record(std::string(kStructurePart));
  place.file = checkpoint.file().name;
  const std::uint64_t size = part->bytes->size();
  if (size > model::structure::kMostJson)
    fail(ErrorCode::limit, "the description of the model's structure has " + human_bytes(size) + ", more than 64 MiB",
         std::move(place));
  std::string text(static_cast<std::size_t>(size), '\0');
  with_place(place, [&] { part->bytes->read_at(0, std::as_writable_bytes(std::span(text))); });
  return text;
}

std::vector<std::string> check_structure(const Checkpoint& checkpoint, std::string_view json) {
  using namespace model::structure;
  const ModuleTree tree = tree_from_json(json);
  std::vector<std::string> findings;
  const auto found = find_described(checkpoint, tree);
  if (!found) return {"a model is described, and none was found"};
  DescriptionMatch match = match_description(tree, found->tensors, {.read_ties = true, .allow_more = found->remains});
  for (std::vector<std::string>* list : {&match.names, &match.dtypes, &match.ties})
    for (std::string& finding : *list)
      if (findings.size() < 1000) findings.push_back(std::move(finding));
  return findings;
}

}  // namespace v0
}  // namespace sconce
