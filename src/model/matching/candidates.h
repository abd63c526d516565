// Which changes of prefixes may be worth a count.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/load_state_dict.h>

#include "model/matching/entries.h"

namespace sconce::model::matching {

/// A source as the search sees it.
struct SearchName {
  std::string name;  ///< after the changes of the rounds before
  const Entry* entry = nullptr;
  bool fits = false;  ///< as it is
};

/// One or more strings for MatchOptions::strip.
using Changes = std::vector<std::string>;

/// The likeliest changes, best first, at most `most`. Looks at some thousand names, at equal distances.
[[nodiscard]] std::vector<Changes> candidates(const std::vector<SearchName>& sources, const Target& target,
                                              std::size_t most);

/// Whether two entries can be the same by shape.
[[nodiscard]] bool could_be(const Entry& source, const TargetEntry& target) noexcept;

/// Whether each component of a prefix is a name that only wraps a model: "module.", "model._orig_mod.".
[[nodiscard]] bool is_wrapping(std::string_view prefix);

}  // namespace sconce::model::matching
