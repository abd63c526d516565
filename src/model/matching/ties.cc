#include "model/matching/ties.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/hash.h"

namespace sconce::model::matching {

namespace {

/// Matched entries by the number of their tied tensor.
using Groups = std::unordered_map<std::uint64_t, std::vector<std::size_t>, NumberHash>;

Groups matched_groups(const Target& target, const MatchReport& report) {
  Groups groups;
  for (std::size_t at = 0; at < report.matched.size(); ++at) {
    const MatchedEntry& entry = report.matched[at];
    const std::uint64_t shared = target.entries[entry.target].shared;
    if (shared != 0 && entry.tensor.defined() && !entry.source.empty()) groups[shared].push_back(at);
  }
  return groups;
}

bool is_same_view(const Tensor& a, const Tensor& b) {
  return a.has_storage() && b.has_storage() && a.storage().is(b.storage()) &&
         a.storage_offset() == b.storage_offset() && a.dtype() == b.dtype() && a.is_conj() == b.is_conj() &&
         a.is_neg() == b.is_neg() && std::ranges::equal(a.shape(), b.shape()) &&
         std::ranges::equal(a.strides(), b.strides());
}

bool is_equal(const Tensor& a, const Tensor& b) {
  if (is_same_view(a, b)) return true;
  return a.dtype() == b.dtype() && std::ranges::equal(a.shape(), b.shape()) && a.sha256() == b.sha256();
}

}  // namespace

void find_contradictions(const Target& target, MatchReport& report) {
  const Groups groups = matched_groups(target, report);
  for (std::size_t at = 0; at < report.matched.size(); ++at) {
    const MatchedEntry& entry = report.matched[at];
    const auto group = groups.find(target.entries[entry.target].shared);
    if (group == groups.end() || entry.source.empty()) continue;
    const std::size_t first = group->second.front();
    if (at == first || is_equal(report.matched[first].tensor, entry.tensor)) continue;
    const std::string& one = target.entries[report.matched[first].target].name;
    const std::string& other = target.entries[entry.target].name;
    MatchFinding finding;
    finding.kind = MatchFinding::Kind::contradiction;
    finding.name = other;
    finding.source = entry.source;
    finding.message = "\"" + one + "\" and \"" + other +
                      "\" are one tensor of the model, but the checkpoint has two different ones for them; PyTorch "
                      "keeps the last without a word";
    report.findings.push_back(std::move(finding));
  }
}

void excuse_tied(const Target& target, MatchReport& report) {
  std::unordered_map<std::string_view, std::uint64_t> shared;
  for (const TargetEntry& entry : target.entries)
    if (entry.shared != 0) shared.emplace(entry.name, entry.shared);
  if (shared.empty()) return;
  const Groups groups = matched_groups(target, report);
  for (MatchFinding& finding : report.findings) {
    if (finding.kind != MatchFinding::Kind::missing) continue;
    const auto found = shared.find(finding.name);
    const auto group = found == shared.end() ? groups.end() : groups.find(found->second);
    if (group == groups.end()) continue;
    finding.skipped = true;
    const std::string& other = target.entries[report.matched[group->second.front()].target].name;
    report.notes.push_back("\"" + finding.name + "\" is not saved, but is the same tensor as \"" + other +
                           "\", which is");
  }
}

}  // namespace sconce::model::matching
