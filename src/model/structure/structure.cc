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

/// The model that a description is of.
FoundModel find_described(const Checkpoint::State& state, const std::string& path) {
  const std::vector<FoundModel> models = find_models(state);
  if (models.size() == 1) return models.front();
  const auto found = std::ranges::find(models, path, &FoundModel::path);
  return found != models.end() ? *found : find_model(state, path);
}

}  // namespace
}  // namespace model::structure

inline namespace v0 {

std::vector<std::string> model_paths(const Checkpoint& checkpoint) {
  std::vector<std::string> paths;
  for (model::FoundModel& found : model::find_models(*checkpoint.state())) paths.push_back(std::move(found.path));
  return paths;
}

ModuleTree module_tree(const Checkpoint& checkpoint, std::string_view which) {
  using namespace model::structure;
  const Checkpoint::State& state = *checkpoint.state();
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
  model::FoundModel found;
  try {
    found = find_described(*checkpoint.state(), tree.source_path);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    return {"a model is described, and none was found: " + error.message()};
  }
  DescriptionMatch match = match_description(tree, checkpoint.state_dict(found.path), {.read_ties = true});
  for (std::vector<std::string>* list : {&match.names, &match.dtypes, &match.ties})
    for (std::string& finding : *list)
      if (findings.size() < 1000) findings.push_back(std::move(finding));
  return findings;
}

}  // namespace v0
}  // namespace sconce
