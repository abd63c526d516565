#include "model/compatibility/names.h"
#include "model/compatibility/needs.h"

namespace sconce::model::compatibility {

namespace {

CodeNeed need_of(const std::string& name) {
  CodeNeed need;
  need.name = name;
  need.package = name.substr(0, name.find('.'));
  need.part_of_torch = need.package == "torch";
  if (is_standard_library(name)) need.history = "part of Python";
  const NameFact* fact = name_fact(name);
  if (fact == nullptr) return need;
  if (!fact->history.empty()) need.history = std::string(fact->history);
  for (const TorchVersion version : known_torch_versions())
    if (!fact->plain.has(version)) need.versions_without.push_back(to_string(version));
  if (need.history.empty() && fact->plain.from != TorchVersion{}) need.history = "since " + to_string(fact->plain.from);
  return need;
}

}  // namespace

std::vector<CodeNeed> code_needs(const Features& features) {
  std::vector<CodeNeed> needs;
  for (const ImportedName& name : features.names)
    if (!is_plumbing(name.name)) needs.push_back(need_of(name.name));
  return needs;
}

}  // namespace sconce::model::compatibility
