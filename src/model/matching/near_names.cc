#include "model/matching/near_names.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/hash.h"
#include "base/text.h"

namespace sconce::model::matching {

namespace {

constexpr std::size_t kMostComponents = 24;  // deeper names are compared by their first ones
constexpr std::size_t kMostKeys = std::size_t{4} << 20;
constexpr std::size_t kMostOfBucket = 32;                     // of names that differ in the same component
constexpr std::uint64_t kMostWork = std::uint64_t{24} << 20;  // characters: less than a second
constexpr std::size_t kThorough = 64;                         // names for which all others are looked at
constexpr std::size_t kMostOthers = 4096;                     // of which they are
constexpr std::size_t kLongest = 1024;                        // bytes; longer names get no suggestions
constexpr std::size_t kMost = 3;

struct Cut {
  std::array<std::size_t, kMostComponents + 1> begin{};  ///< of each component, and one past the end and its dot
  std::size_t count = 0;
};

Cut cut(std::string_view name) {
  Cut parts;
  std::size_t at = 0;
  while (parts.count < kMostComponents) {
    parts.begin[parts.count++] = at;
    const std::size_t dot = parts.count == kMostComponents ? std::string_view::npos : name.find('.', at);
    if (dot == std::string_view::npos) break;
    at = dot + 1;
  }
  parts.begin[parts.count] = name.size() + 1;
  return parts;
}

/// A key of the name without component `at`; `kind` keeps keys of different meaning apart.
std::uint64_t key_without(std::string_view name, const Cut& parts, std::size_t at, std::uint64_t kind) {
  const std::uint64_t before = hash_bytes(name.substr(0, parts.begin[at]), process_seed() + kind);
  const std::size_t after = parts.begin[at + 1];
  return hash_bytes(after >= name.size() ? std::string_view() : name.substr(after), before);
}

constexpr std::uint64_t kReplaced = 1;

/// The key of a whole name that is like another one without a component at `at`.
std::uint64_t key_with_gap(std::string_view name, const Cut& parts, std::size_t at, std::uint64_t kind) {
  const std::size_t begin = parts.begin[at];
  const std::uint64_t before = hash_bytes(name.substr(0, std::min(begin, name.size())), process_seed() + kind);
  return hash_bytes(begin >= name.size() ? std::string_view() : name.substr(begin), before);
}

constexpr std::uint64_t kRemoved = 2;

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// Whether two names are alike but for numbers: other layers of the same model, and no slip.
bool differ_in_numbers(std::string_view a, std::string_view b) {
  const Cut left = cut(a);
  const Cut right = cut(b);
  if (left.count != right.count) return false;
  for (std::size_t at = 0; at < left.count; ++at) {
    const std::string_view x = a.substr(left.begin[at], left.begin[at + 1] - 1 - left.begin[at]);
    const std::string_view y = b.substr(right.begin[at], right.begin[at + 1] - 1 - right.begin[at]);
    if (x != y && !(is_number(x) && is_number(y))) return false;
  }
  return true;
}

}  // namespace

NearNames::NearNames(std::vector<NamedShape> others)
    : others_(std::move(others)), thorough_left_(kThorough), work_left_(kMostWork) {
  for (std::size_t other = 0; other < others_.size() && table_.size() < kMostKeys; ++other) {
    const std::string_view name = others_[other].name;
    if (name.size() > kLongest) continue;
    const Cut parts = cut(name);
    const auto add = [&](std::uint64_t key) { table_.push_back({key, static_cast<std::uint32_t>(other)}); };
    for (std::size_t at = 0; at < parts.count; ++at) {
      add(key_without(name, parts, at, kReplaced + 8 * at));
      add(key_without(name, parts, at, kRemoved));
      add(key_with_gap(name, parts, at, kRemoved));
    }
  }
  std::ranges::sort(table_, {}, [](const Bucket& bucket) { return std::pair(bucket.key, bucket.other); });
}

/// A bucket with many names says little: they differ in a number, most of all.
void NearNames::gather(std::uint64_t key, bool full_ones) {
  const auto found = std::ranges::lower_bound(table_, key, {}, &Bucket::key);
  const auto rest = static_cast<std::size_t>(table_.end() - found);
  const bool full = rest > kMostOfBucket && found[kMostOfBucket].key == key;
  if (full != full_ones) return;
  for (std::size_t at = 0; at < std::min(rest, kMostOfBucket) && found[static_cast<std::ptrdiff_t>(at)].key == key;
       ++at)
    candidates_.push_back(found[static_cast<std::ptrdiff_t>(at)].other);
}

void NearNames::gather_by_components(std::string_view name, bool full_ones) {
  const Cut parts = cut(name);
  for (std::size_t at = 0; at < parts.count; ++at) {
    gather(key_without(name, parts, at, kReplaced + 8 * at), full_ones);  // another component in its place
    gather(key_without(name, parts, at, kRemoved), full_ones);            // one component too many
    gather(key_with_gap(name, parts, at, kRemoved), full_ones);           // one too few
  }
}

std::vector<std::string> NearNames::nearest_to(const NamedShape& wanted) {
  if (wanted.name.size() > kLongest || work_left_ == 0) return {};
  candidates_.clear();
  gather_by_components(wanted.name, false);
  if (candidates_.empty()) gather_by_components(wanted.name, true);
  if (thorough_left_ != 0) {
    --thorough_left_;
    for (std::size_t other = 0; other < others_.size() && other < kMostOthers; ++other)
      candidates_.push_back(static_cast<std::uint32_t>(other));
  }
  work_left_ -= std::min<std::uint64_t>(work_left_, 16 * candidates_.size());  // sorting them is work, too
  std::ranges::sort(candidates_);
  candidates_.erase(std::ranges::unique(candidates_).begin(), candidates_.end());
  std::vector<std::string> same, different;
  for (const std::uint32_t other : candidates_) {
    const NamedShape& candidate = others_[other];
    const bool like = candidate.has_shape == wanted.has_shape && std::ranges::equal(candidate.shape, wanted.shape);
    work_left_ -= std::min<std::uint64_t>(work_left_, candidate.name.size() + 1);
    if (candidate.name.size() > kLongest || candidate.name == wanted.name) continue;
    if (!like && differ_in_numbers(candidate.name, wanted.name)) continue;
    (like ? same : different).emplace_back(candidate.name);
  }
  std::vector<std::string> best = nearest(wanted.name, same, kMost);
  for (std::string& name : nearest(wanted.name, different, kMost - best.size())) best.push_back(std::move(name));
  return best;
}

}  // namespace sconce::model::matching
