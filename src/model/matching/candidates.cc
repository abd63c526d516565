#include "model/matching/candidates.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "model/matching/prefixes.h"

namespace sconce::model::matching {

namespace {

constexpr std::size_t kMostSampled = 4096;  // sources that candidates come from
constexpr std::size_t kMostDepth = 24;      // components of a name
constexpr std::size_t kMostAlike = 16;      // sources with the same end; where there are more, the end says nothing
constexpr std::size_t kMostPartners = 4;    // targets with an end as long as that of the best
constexpr std::size_t kMostVotes = 65536;   // different changes
constexpr std::size_t kLongest = 4096;      // bytes of a name

/// Modules that hold a model and are none themselves: DataParallel and DistributedDataParallel, torch.compile, FSDP,
/// activation checkpoints, DeepSpeed. Taken out wherever they stand.
constexpr std::string_view kWrappers[] = {
    "module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module", "_fpw_module"};
/// Names under which people keep the one model of a program.
constexpr std::string_view kHolders[] = {"model", "net", "network", "ema", "ema_model", "model_ema", "averaged_model"};

bool is_wrapper(std::string_view component) { return std::ranges::find(kWrappers, component) != std::end(kWrappers); }

/// Every end of a name that begins a component, the longest first.
template <typename Visit>
void for_ends(std::string_view name, Visit&& visit) {
  std::size_t at = 0;
  for (std::size_t depth = 0; depth < kMostDepth; ++depth) {
    if (!visit(name.substr(at))) return;
    const std::size_t dot = name.find('.', at);
    if (dot == std::string_view::npos) return;
    at = dot + 1;
  }
}

/// A name that looks for a partner.
struct Seeker {
  std::string name;
  const Entry* entry = nullptr;
  bool unwrapped = false;                  ///< wrappers were taken out of the name
  std::size_t best = 0;                    ///< length of the longest end in common so far
  std::vector<std::string_view> partners;  ///< names of targets with it
};

std::string without_wrappers(std::string_view name) {
  std::string rest;
  while (!name.empty()) {
    const std::size_t dot = name.find('.');
    const std::size_t end = dot == std::string_view::npos ? name.size() : dot + 1;
    if (dot == std::string_view::npos || !is_wrapper(name.substr(0, dot))) rest += name.substr(0, end);
    name.remove_prefix(end);
  }
  return rest;
}

std::vector<Seeker> sample(const std::vector<SearchName>& sources) {
  std::vector<const SearchName*> misfits;
  for (const SearchName& source : sources)
    if (!source.fits && source.name.size() <= kLongest) misfits.push_back(&source);
  const std::size_t stride = std::max<std::size_t>(1, (misfits.size() + kMostSampled - 1) / kMostSampled);
  std::vector<Seeker> seekers;
  for (std::size_t at = 0; at < misfits.size(); at += stride) {
    const SearchName& source = *misfits[at];
    seekers.push_back({.name = source.name, .entry = source.entry});
    if (std::string plain = without_wrappers(source.name); plain != source.name)
      seekers.push_back({.name = std::move(plain), .entry = source.entry, .unwrapped = true});
  }
  return seekers;
}

void find_partners(std::vector<Seeker>& seekers, const Target& target) {
  std::unordered_map<std::string_view, std::vector<std::uint32_t>, NameHash> by_end;
  for (std::size_t at = 0; at < seekers.size(); ++at)
    for_ends(seekers[at].name, [&](std::string_view end) {
      std::vector<std::uint32_t>& alike = by_end[end];
      if (alike.size() <= kMostAlike) alike.push_back(static_cast<std::uint32_t>(at));
      return true;
    });
  for (const TargetEntry& entry : target.entries) {
    if (entry.name.size() > kLongest) continue;
    for_ends(entry.name, [&](std::string_view end) {
      const auto found = by_end.find(end);
      if (found == by_end.end()) return true;
      if (found->second.size() > kMostAlike) return false;  // shorter ends are no rarer
      for (const std::uint32_t at : found->second) {
        Seeker& seeker = seekers[at];
        if (end.size() < seeker.best || !could_be(*seeker.entry, entry)) continue;
        if (end.size() > seeker.best) seeker.partners.clear();
        seeker.best = end.size();
        if (seeker.partners.size() < kMostPartners) seeker.partners.push_back(entry.name);
      }
      return true;
    });
  }
}

/// Wrappers that stand anywhere in the names, as changes.
Changes unwrap(const std::vector<Seeker>& seekers) {
  std::set<std::string> found;
  for (const Seeker& seeker : seekers) {
    std::string_view rest = seeker.name;
    for (std::size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
      if (is_wrapper(rest.substr(0, dot))) found.insert("*." + std::string(rest.substr(0, dot + 1)));
      rest.remove_prefix(dot + 1);
    }
  }
  return {found.begin(), found.end()};
}

class Votes {
 public:
  void add(const std::string& change, bool unwrapped) {
    if (counts_.size() < kMostVotes || counts_.contains({change, unwrapped})) ++counts_[{change, unwrapped}];
  }

  /// The most voted for first; of equal ones the shortest.
  [[nodiscard]] std::vector<std::pair<std::string, bool>> ranked() const {
    std::vector<std::pair<std::size_t, std::pair<std::string, bool>>> order;
    for (const auto& [change, count] : counts_) order.push_back({count, change});
    std::ranges::sort(order, [](const auto& a, const auto& b) {
      if (a.first != b.first) return a.first > b.first;
      if (a.second.first.size() != b.second.first.size()) return a.second.first.size() < b.second.first.size();
      return a.second < b.second;
    });
    std::vector<std::pair<std::string, bool>> changes;
    for (auto& [count, change] : order) changes.push_back(std::move(change));
    return changes;
  }

 private:
  std::map<std::pair<std::string, bool>, std::size_t> counts_;
};

/// The votes of one name for what would lead it to one target.
void vote(const Seeker& seeker, std::string_view partner, Votes& votes) {
  const std::string from = seeker.name.substr(0, seeker.name.size() - seeker.best);
  const std::string to(partner.substr(0, partner.size() - seeker.best));
  if (from == to) return votes.add("", seeker.unwrapped);
  // '=' separates, and "*." means something else at the beginning.
  if (from.find('=') != std::string::npos || from.starts_with("*.")) return;
  votes.add(to.empty() ? from : from + "=" + to, seeker.unwrapped);
  // Something in the middle may stand in the middle elsewhere, too.
  if (!to.empty() && from.starts_with(to)) votes.add("*." + from.substr(to.size()), seeker.unwrapped);
}

}  // namespace

bool could_be(const Entry& source, const TargetEntry& target) noexcept {
  if (target.value || !source.tensor.defined()) return target.value && !source.tensor.defined();
  return shape_fits(source.tensor.shape(), target.shape);
}

bool is_wrapping(std::string_view prefix) {
  while (!prefix.empty()) {
    const std::size_t dot = prefix.find('.');
    const std::string_view component = prefix.substr(0, dot);
    if (!is_wrapper(component) && std::ranges::find(kHolders, component) == std::end(kHolders)) return false;
    prefix.remove_prefix(dot == std::string_view::npos ? prefix.size() : dot + 1);
  }
  return true;
}

std::vector<Changes> candidates(const std::vector<SearchName>& sources, const Target& target, std::size_t most) {
  std::vector<Seeker> seekers = sample(sources);
  find_partners(seekers, target);
  Votes votes;
  for (const Seeker& seeker : seekers)
    for (const std::string_view partner : seeker.partners) vote(seeker, partner, votes);
  const Changes wrappers = unwrap(seekers);
  std::vector<Changes> found;
  for (const auto& [change, unwrapped] : votes.ranked()) {
    if (found.size() == most) break;
    Changes changes = unwrapped ? wrappers : Changes();
    if (!change.empty()) changes.push_back(change);
    if (!changes.empty()) found.push_back(std::move(changes));
  }
  return found;
}

}  // namespace sconce::model::matching
