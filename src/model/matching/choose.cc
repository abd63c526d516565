#include "model/matching/choose.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "model/find_models.h"
#include "model/matching/candidates.h"

namespace sconce::model::matching {

namespace {

constexpr std::size_t kMostModels = 16;  // each is read and compared

/// The entries of a target that a state_dict has by name and shape.
std::size_t fitting(const Entries& entries, const Target& target) {
  NameTable sources;
  for (std::size_t at = 0; at < entries.all.size(); ++at) sources.emplace(entries.all[at].name, at);
  return static_cast<std::size_t>(std::ranges::count_if(target.entries, [&](const TargetEntry& wanted) {
    const auto found = sources.find(wanted.name);
    return found != sources.end() && could_be(entries.all[found->second], wanted);
  }));
}

}  // namespace

Entries only_fitting(const Checkpoint& source, const Target& target, std::vector<std::string>& notes) {
  const std::vector<FoundModel> models = find_models(*source.state());
  std::optional<Entries> chosen;
  bool others = false;
  for (const FoundModel& model : models) {
    if (models.size() < 2 || models.size() > kMostModels || model.path.empty()) break;
    Entries entries = read_entries(source, model.path);
    const std::size_t fits = fitting(entries, target);
    others = others || (fits != 0 && (fits != target.entries.size() || chosen.has_value()));
    if (fits != 0 && fits == target.entries.size()) chosen = std::move(entries);
  }
  if (!chosen || others) return read_entries(source, "");
  notes.push_back("of " + std::to_string(models.size()) + " state_dicts only \"" + chosen->path +
                  "\" is of this model");
  return *std::move(chosen);
}

}  // namespace sconce::model::matching
