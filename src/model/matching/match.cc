// match_state_dict: names changed, pairs found, each pair looked at.
#include <sconce/load_state_dict.h>

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "base/fail.h"
#include "base/text.h"
#include "model/matching/choose.h"
#include "model/matching/findings.h"
#include "model/matching/matching.h"
#include "model/matching/prefixes.h"
#include "model/matching/propose.h"
#include "model/matching/rename.h"
#include "model/matching/ties.h"

namespace sconce {
inline namespace v0 {

namespace {

using namespace model::matching;  // NOLINT(google-build-using-namespace): this file is the room's face

std::string counted(std::size_t names) { return " (" + with_commas(names) + (names == 1 ? " name)" : " names)"); }

/// Takes prefixes off and on, and counts for whom.
void change_prefixes(std::vector<Entry>& entries, std::span<const std::string> texts, const char* how,
                     std::vector<std::string>& applied) {
  const std::vector<PrefixChange> changes = prefix_changes(texts);
  std::vector<std::size_t> counts(changes.size(), 0);
  std::vector<std::size_t> used;
  for (Entry& entry : entries) {
    if (entry.left_out) continue;
    used.clear();
    entry.now = apply_prefix_changes(changes, std::move(entry.now), &used);
    for (const std::size_t at : used) {
      ++counts[at];
      entry.steps.push_back(how + changes[at].text);
    }
  }
  for (std::size_t at = 0; at < changes.size(); ++at) applied.push_back(how + changes[at].text + counted(counts[at]));
}

void rename(std::vector<Entry>& entries, std::span<const RenameRule> rules, std::vector<std::string>& applied) {
  for (const Renamer& renamer : renamers(rules)) {
    std::size_t count = 0;
    for (Entry& entry : entries) {
      if (entry.left_out || !renamer.apply(entry.now)) continue;
      ++count;
      entry.left_out = entry.now.empty();
      entry.steps.push_back("rename " + renamer.text());
    }
    applied.push_back("rename " + renamer.text() + counted(count));
  }
}

void pair_by_name(Matching& matching) {
  for (std::size_t at = 0; at < matching.source.all.size(); ++at) {
    const Entry& entry = matching.source.all[at];
    if (entry.left_out || !matching.by_source.emplace(entry.now, at).second) continue;
    if (const std::size_t wanted = matching.find_target(entry.now); wanted != kNone) matching.link(wanted, at);
  }
}

/// A number that was saved with one dimension.
Tensor without_dimension(const Tensor& tensor) {
  const Tensor plain = tensor.is_conj() || tensor.is_neg() ? tensor.contiguous() : tensor;
  return Tensor::over(plain.storage(), plain.dtype(), {}, {}, plain.storage_offset());
}

MatchedEntry matched_entry(const Matching& matching, std::size_t target, const MatchOptions& options) {
  const TargetEntry& wanted = matching.target.entries[target];
  const Place& place = matching.places[target];
  MatchedEntry entry;
  entry.target = target;
  entry.tensor = place.tensor;
  entry.keeps = place.keeps;
  if (place.source != kNone) {
    const Entry& source = matching.source.all[place.source];
    entry.source = source.name;
    entry.steps = source.steps;
    if (!entry.tensor.defined()) entry.tensor = source.tensor;
  }
  if (!place.upgrade.empty()) entry.steps.push_back("upgrade " + place.upgrade);
  if (wanted.value || !entry.tensor.defined()) return entry;
  if (entry.tensor.is_numpy()) entry.steps.emplace_back("numpy.ndarray as a tensor");
  if (!std::ranges::equal(entry.tensor.shape(), wanted.shape)) {
    if (takes_any_shape(matching, target)) {
      entry.resizes = true;
      entry.steps.push_back("resize " + shape_text(wanted.shape) + " to " + shape_text(entry.tensor.shape()));
    } else if (wanted.shape.empty() && entry.tensor.numel() == 1) {
      entry.tensor = without_dimension(entry.tensor);
      entry.steps.emplace_back("reshape [1] to []");
    }
  }
  if (!options.assign && entry.tensor.dtype() != wanted.dtype)
    entry.steps.push_back("cast " + std::string(to_string(entry.tensor.dtype())) + " to " +
                          std::string(to_string(wanted.dtype)));
  return entry;
}

void look_at_pairs(const Matching& matching, const MatchOptions& options, MatchReport& report) {
  for (std::size_t at = 0; at < matching.places.size(); ++at) {
    if (!matching.places[at].taken()) continue;
    if (std::optional<MatchFinding> finding = why_not(matching, at, options))
      report.findings.push_back(*std::move(finding));
    else
      report.matched.push_back(matched_entry(matching, at, options));
  }
  for (const MatchFinding& finding : matching.refused) report.findings.push_back(finding);
}

bool is_name_finding(const MatchFinding& finding) {
  return finding.kind == MatchFinding::Kind::missing || finding.kind == MatchFinding::Kind::unexpected;
}

bool holds_against(const MatchFinding& finding, bool strict) {
  return !finding.skipped && (strict || !is_name_finding(finding));
}

/// Everything but proposals.
void match(Entries& entries, const Target& target, const MatchOptions& options, MatchReport& report) {
  Matching matching(target, entries);
  pair_by_name(matching);
  if (options.upgrade) {
    convert_weight_norm(matching);
    upgrade_names(matching);
  }
  add_names(matching, report);
  look_at_pairs(matching, options, report);
  add_collisions(matching, report);
  excuse_tied(target, report);
  find_contradictions(target, report);
  for (std::string& line : upgrades_made(matching)) report.applied.push_back(std::move(line));
  report.fits = std::ranges::none_of(
      report.findings, [&](const MatchFinding& finding) { return holds_against(finding, options.strict); });
}

bool has_trouble(const std::vector<Entry>& entries, const Target& target) {
  NameTable wanted;
  for (std::size_t at = 0; at < target.entries.size(); ++at) wanted.emplace(target.entries[at].name, at);
  std::size_t found = 0;
  for (const Entry& entry : entries)
    if (wanted.contains(entry.now)) ++found;
  return found != entries.size() || found != target.entries.size();
}

}  // namespace

MatchReport match_state_dict(const Checkpoint& source, const Target& target, const MatchOptions& options,
                             std::string_view which) {
  MatchReport report;
  Entries entries = which.empty() ? only_fitting(source, target, report.notes) : read_entries(source, which);
  if (!entries.complete)
    fail(ErrorCode::limit, "the state_dict has more paths than the limit", {source.file().name, {}, {}, entries.path},
         "raise Limits::paths where the file is trusted");
  report.source_path = entries.path;
  report.targets = target.entries.size();
  report.sources = entries.all.size();
  change_prefixes(entries.all, options.strip, "strip ", report.applied);
  rename(entries.all, options.rename, report.applied);
  if (has_trouble(entries.all, target)) report.proposed = propose_prefixes(entries.all, target);
  if (options.auto_prefix && !report.proposed.empty()) {
    if (report.proposed.front().certain) {
      change_prefixes(entries.all, report.proposed.front().strip, "auto strip ", report.applied);
      report.proposed.clear();
    } else {
      report.notes.emplace_back("no prefix was taken off by itself: none is certain; choose one of those proposed");
    }
  }
  match(entries, target, options, report);
  return report;
}

std::string_view to_string(MatchFinding::Kind kind) noexcept {
  switch (kind) {
    case MatchFinding::Kind::missing: return "missing";
    case MatchFinding::Kind::unexpected: return "unexpected";
    case MatchFinding::Kind::shape: return "shape";
    case MatchFinding::Kind::dtype: return "dtype";
    case MatchFinding::Kind::collision: return "collision";
    case MatchFinding::Kind::contradiction: return "contradiction";
    case MatchFinding::Kind::unreadable: return "unreadable";
    case MatchFinding::Kind::obsolete: return "obsolete";
  }
  return "missing";
}

}  // namespace v0
}  // namespace sconce
