// What a file's description of its model is worth, and writing one.
#include "cli/structure.h"

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

void check_kept_structure(const Checkpoint& checkpoint, const Arguments& arguments) {
  if (arguments.has("structure")) return;  // a new one takes its place
  const auto json = saved_structure(checkpoint);
  if (!json) return;
  const std::vector<std::string> findings = check_structure(checkpoint, *json);
  if (findings.empty()) return;
  ErrorPlace place;
  place.file = checkpoint.file().name;
  place.record = std::string(kStructurePart);
  fail(ErrorCode::damaged, "the description of the model that the file carries contradicts it: " + listed(findings),
       std::move(place), "--structure writes a new one in its place");
}

void set_structure(const Checkpoint& checkpoint, const Arguments& arguments, SaveOptions& options) {
  if (arguments.has("structure"))
    options.structure = to_json(module_tree(checkpoint));
  else if (const auto json = saved_structure(checkpoint))
    options.structure = to_json(module_tree(checkpoint, tree_from_json(*json).source_path));
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
