// What a file's description of its model is worth, and writing one.
#include "cli/structure.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/fail.h"
#include "base/text.h"

namespace sconce::cli {

bool Structures::hold(std::string_view name) const {
  for (const ModuleTree& tree : trees) {
    const std::string& path = tree.source_path;
    if (path.empty() || (name.starts_with(path) && (name.size() == path.size() || name[path.size()] == '.')))
      return true;
  }
  return false;
}

Structures structures_of(const Checkpoint& checkpoint) {
  Structures structures;
  for (const std::string& path : model_paths(checkpoint)) {
    try {
      structures.trees.push_back(module_tree(checkpoint, path));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::limit && error.code() != ErrorCode::not_found) throw;
      structures.notes.push_back((path.empty() ? "the model" : path) + ": " + error.message());
    }
  }
  return structures;
}

namespace {

void refuse_several_models(const Checkpoint& checkpoint) {
  const std::vector<std::string> paths = model_paths(checkpoint);
  if (paths.size() < 2) return;
  ErrorPlace place;
  place.file = checkpoint.file().name;
  fail(ErrorCode::not_found, "a description is of one model, and here are several: " + listed(paths), std::move(place),
       "take one out: --part model=" + paths.front());
}

}  // namespace

std::string kept_structure(const Checkpoint& checkpoint, const Arguments& arguments) {
  if (arguments.has("structure")) return {};
  std::optional<std::string> json = saved_structure(checkpoint);
  if (!json) return {};
  const std::vector<std::string> findings = check_structure(checkpoint, *json);
  if (findings.empty()) return std::move(*json);
  ErrorPlace place;
  place.file = checkpoint.file().name;
  place.record = std::string(kStructurePart);
  fail(ErrorCode::damaged, "the description of the model that the file carries contradicts it: " + listed(findings),
       std::move(place), "--structure writes a new one in its place");
}

void set_structure(const Checkpoint& checkpoint, const Arguments& arguments, const std::string& kept,
                   SaveOptions& options) {
  if (arguments.has("structure")) {
    refuse_several_models(checkpoint);
    options.structure = to_json(module_tree(checkpoint));
    return;
  }
  if (kept.empty()) return;
  ModuleTree tree = tree_from_json(kept);
  const std::vector<std::string> paths = model_paths(checkpoint);
  const bool there = std::ranges::find(paths, tree.source_path) != paths.end();
  if (!there && paths.size() != 1) return;
  const std::string& path = there ? tree.source_path : paths.front();
  if (saved_structure(checkpoint)) {
    const ModuleTree now = module_tree(checkpoint, path);
    if (now.described || !now.inferred) options.structure = to_json(now);
    return;
  }
  // What --part took out carries nothing by itself.
  std::unordered_map<std::string, Tensor> tensors;
  for (const NamedTensor& tensor : checkpoint.state_dict(path)) tensors.emplace(tensor.name, tensor.tensor);
  for (ModuleNode& node : tree.nodes)
    for (ModuleTensor& tensor : node.tensors)
      if (const auto now = tensors.find(node.path.empty() ? tensor.name : node.path + "." + tensor.name);
          now != tensors.end())
        tensor.tensor = now->second;
  tree.source_path = path;
  std::string json = to_json(tree_from_json(to_json(tree)));  // with the numbers of now
  if (check_structure(checkpoint, json).empty()) options.structure = std::move(json);
}

void add_structure_findings(const Checkpoint& checkpoint, VerifyReport& report) {
  VerifyFinding finding;
  finding.severity = VerifyFinding::Severity::wrong;
  finding.place.file = report.file;
  finding.place.record = std::string(kStructurePart);
  finding.advice = "sconce convert --structure writes a new description";
  try {
    const auto json = saved_structure(checkpoint);
    if (!json) return;
    for (std::string& text : check_structure(checkpoint, *json)) {
      finding.message = "the description of the model contradicts it: " + std::move(text);
      report.findings.push_back(finding);
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::io) throw;
    finding.message = "the description of the model: " + error.message();
    finding.place.offset = error.place().offset;
    report.findings.push_back(finding);
  }
  for (const VerifyFinding& found : report.findings)
    if (found.severity == VerifyFinding::Severity::wrong) report.whole = false;
}

}  // namespace sconce::cli
