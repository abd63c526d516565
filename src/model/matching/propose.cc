#include "model/matching/propose.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "model/matching/candidates.h"
#include "model/matching/matching.h"
#include "model/matching/prefixes.h"

namespace sconce::model::matching {

namespace {

constexpr std::size_t kMostCounted = 32;                       // candidates a round, where there are few names
constexpr std::size_t kNamesCounted = 2'000'000;               // names a round
constexpr std::size_t kBytesCounted = std::size_t{256} << 20;  // of names, a round
constexpr std::size_t kMostRounds = 4;                         // changes on top of one another
constexpr std::size_t kMostProposals = 5;

/// A candidate after the count.
struct Counted {
  Changes changes;
  std::size_t fits = 0;
  std::vector<std::uint32_t> source_of;  ///< number + 1 of what goes to each target; 0: nothing
  std::size_t touched = 0;               ///< sources whose name it changes
  std::size_t touched_fit = 0;           ///< of which fit after it
  bool collides = false;                 ///< two sources would go to one target
};

std::ptrdiff_t anywhere(const Changes& changes) {
  return std::ranges::count_if(changes, [](const std::string& change) { return change.starts_with("*."); });
}

class Search {
 public:
  Search(const std::vector<Entry>& sources, const Target& target) : sources_(sources), target_(target) {
    for (std::size_t at = 0; at < target.entries.size(); ++at) by_target_.emplace(target.entries[at].name, at);
    plain_ = count({});
  }

  std::vector<PrefixProposal> run() {
    if (plain_.fits == target_.entries.size()) return {};
    std::vector<Counted> best = round(plain_);
    if (best.empty()) return {};
    // What one change leaves out, another may bring: encoders and decoders that were wrapped apart.
    Counted leader = best.front();
    bool certain = is_certain(best, 0, plain_);
    for (std::size_t rounds = 1; rounds < kMostRounds && leader.fits < target_.entries.size(); ++rounds) {
      std::vector<Counted> more = round(leader);
      if (more.empty()) break;
      certain = certain && is_certain(more, 0, leader);
      leader = std::move(more.front());
    }
    std::vector<PrefixProposal> proposals;
    if (leader.changes != best.front().changes) proposals.push_back(proposal(leader, certain));
    for (std::size_t at = 0; at < best.size() && proposals.size() < kMostProposals; ++at)
      proposals.push_back(proposal(best[at], at == 0 && proposals.empty() && certain));
    return proposals;
  }

 private:
  [[nodiscard]] PrefixProposal proposal(const Counted& counted, bool certain) const {
    return {counted.changes, counted.fits, plain_.fits, certain};
  }

  /// Candidates that are better than `base` when they come on top of it; the best first, those of the same effect once.
  std::vector<Counted> round(const Counted& base) {
    const std::vector<PrefixChange> before = prefix_changes(base.changes);
    std::vector<bool> taken(sources_.size(), false);
    for (const std::uint32_t source : base.source_of)
      if (source != 0) taken[source - 1] = true;
    std::vector<SearchName> names;
    for (std::size_t at = 0; at < sources_.size(); ++at)
      if (!sources_[at].left_out)
        names.push_back({apply_prefix_changes(before, sources_[at].now, nullptr), &sources_[at], taken[at]});
    std::size_t bytes = 0;
    for (const SearchName& name : names) bytes += name.name.size();
    const std::size_t affordable = std::min(kNamesCounted / (names.size() + 1), kBytesCounted / (bytes + 1));
    const std::size_t most = std::clamp<std::size_t>(affordable, 2, kMostCounted);
    std::vector<Counted> found;
    for (const Changes& more : candidates(names, target_, most)) {
      Changes all = base.changes;
      for (const std::string& change : more)
        if (std::ranges::find(all, change) == all.end()) all.push_back(change);
      Counted counted = count(all);
      if (counted.fits > base.fits) found.push_back(std::move(counted));
    }
    std::ranges::stable_sort(found, [](const Counted& a, const Counted& b) {
      if (a.fits != b.fits) return a.fits > b.fits;
      if (a.changes.size() != b.changes.size()) return a.changes.size() < b.changes.size();
      return anywhere(a.changes) < anywhere(b.changes);  // the plainest of those with the same effect
    });
    std::vector<Counted> different;
    for (Counted& counted : found)
      if (std::ranges::find(different, counted.source_of, &Counted::source_of) == different.end())
        different.push_back(std::move(counted));
    return different;
  }

  [[nodiscard]] Counted count(Changes changes) const {
    const std::vector<PrefixChange> parsed = prefix_changes(changes);
    Counted counted;
    counted.changes = std::move(changes);
    counted.source_of.resize(target_.entries.size(), 0);
    std::vector<std::size_t> used;
    for (std::size_t at = 0; at < sources_.size(); ++at) {
      if (sources_[at].left_out) continue;
      used.clear();
      const std::string name = apply_prefix_changes(parsed, sources_[at].now, &used);
      if (!used.empty()) ++counted.touched;
      const auto found = by_target_.find(name);
      if (found == by_target_.end()) continue;
      std::uint32_t& source = counted.source_of[found->second];
      counted.collides = counted.collides || source != 0;
      if (source != 0 || !could_be(sources_[at], target_.entries[found->second])) continue;
      source = static_cast<std::uint32_t>(at + 1);
      ++counted.fits;
      if (!used.empty()) ++counted.touched_fit;
    }
    return counted;
  }

  /// Only prefixes off or on, most of what is touched fits, nothing that did fit is lost, and no other change brings
  /// something else to the same places just as well.
  [[nodiscard]] bool is_certain(const std::vector<Counted>& ranked, std::size_t at, const Counted& base) const {
    const Counted& counted = ranked[at];
    if (counted.collides || 2 * counted.touched_fit < counted.touched) return false;
    for (const std::string& change : counted.changes)
      if (!only_wraps(prefix_change(change))) return false;
    for (std::size_t target = 0; target < base.source_of.size(); ++target)
      if (base.source_of[target] != 0 && counted.source_of[target] != base.source_of[target]) return false;
    for (std::size_t other = 0; other < ranked.size() && ranked[other].fits == counted.fits; ++other)
      if (other != at && contradict(counted, ranked[other])) return false;
    return true;
  }

  static bool only_wraps(const PrefixChange& change) {
    if (change.anywhere || change.to.empty() || change.from.empty()) return true;
    if (change.from.starts_with(change.to) || change.to.starts_with(change.from)) return true;
    return is_wrapping(change.from) && is_wrapping(change.to);
  }

  static bool contradict(const Counted& a, const Counted& b) {
    for (std::size_t target = 0; target < a.source_of.size(); ++target)
      if (a.source_of[target] != 0 && b.source_of[target] != 0 && a.source_of[target] != b.source_of[target])
        return true;
    return false;
  }

  const std::vector<Entry>& sources_;
  const Target& target_;
  NameTable by_target_;
  Counted plain_;
};

}  // namespace

std::vector<PrefixProposal> propose_prefixes(const std::vector<Entry>& sources, const Target& target) {
  if (sources.empty() || target.entries.empty()) return {};
  return Search(sources, target).run();
}

}  // namespace sconce::model::matching
