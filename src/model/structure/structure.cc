// The public functions of structure.h that begin with a checkpoint.
#include <sconce/structure.h>

#include "model/find_models.h"
#include "model/structure/limits.h"
#include "model/structure/name_tree.h"
#include "model/structure/read_modules.h"
#include "model/structure/totals.h"
#include "tree/children.h"

namespace sconce {
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
  const bool modules = tree::is_module(*state.document, found.node);
  ModuleTree tree = modules ? read_modules(state, found.node) : read_names(state, found);
  tree.source_path = found.path;
  fill_totals(tree);
  return tree;
}

}  // namespace v0
}  // namespace sconce
