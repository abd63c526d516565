// What is known while a state_dict is matched: both sides, and which entry goes where so far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/load_state_dict.h>

#include "model/matching/entries.h"

namespace sconce::model::matching {

inline constexpr std::size_t kNone = SIZE_MAX;

/// What an entry of the target gets.
struct Place {
  std::size_t source = kNone;  ///< number of the entry that goes there
  Tensor tensor;               ///< in its place, where it is a part of it, or where PyTorch fills one in
  std::string upgrade;         ///< what was done beyond the name
  bool keeps = false;
  bool resizes = false;

  [[nodiscard]] bool taken() const noexcept { return source != kNone || tensor.defined(); }
};

class Matching {
 public:
  Matching(const Target& wanted, Entries& entries) : target(wanted), source(entries) {
    places.resize(target.entries.size());
    used.resize(source.all.size(), false);
    for (std::size_t at = 0; at < target.entries.size(); ++at) by_target.emplace(target.entries[at].name, at);
  }

  [[nodiscard]] std::size_t find_target(std::string_view name) const {
    const auto found = by_target.find(name);
    return found == by_target.end() ? kNone : found->second;
  }
  /// By the name that it has now.
  [[nodiscard]] std::size_t find_source(std::string_view name) const {
    const auto found = by_source.find(name);
    return found == by_source.end() ? kNone : found->second;
  }
  [[nodiscard]] std::size_t find_unused(std::string_view name) const {
    const std::size_t found = find_source(name);
    return found == kNone || used[found] ? kNone : found;
  }
  /// The version that the source's `_metadata` gives to the module that an entry was saved in.
  [[nodiscard]] std::optional<std::int64_t> version_of(std::size_t source_entry) const {
    return source.version_of(module_of(source.all[source_entry].name));
  }
  void link(std::size_t to, std::size_t from, std::string upgrade = {}) {
    places[to].source = from;
    places[to].upgrade = std::move(upgrade);
    used[from] = true;
  }

  const Target& target;
  Entries& source;
  NameTable by_target;
  NameTable by_source;
  std::vector<Place> places;          ///< one for each entry of the target
  std::vector<bool> used;             ///< entries of the source that went somewhere, or are spoken for
  std::vector<MatchFinding> refused;  ///< what PyTorch refuses, strict or not, in the order of the target's modules
};

/// What PyTorch does for state_dicts of older versions of a class. docs/load_state_dict.md has the table.
void upgrade_names(Matching& matching);

/// weight_norm of torch.nn.utils to that of torch.nn.utils.parametrizations, as PyTorch does it, and back.
void convert_weight_norm(Matching& matching);

/// Whether PyTorch's module takes on the shape of what is loaded into this entry.
[[nodiscard]] bool takes_any_shape(const Matching& matching, std::size_t target);

/// "10 of them: num_batches_tracked …" for each upgrade that was made.
[[nodiscard]] std::vector<std::string> upgrades_made(const Matching& matching);

}  // namespace sconce::model::matching
