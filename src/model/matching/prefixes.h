// Changes of prefixes: "module." off, "model." on.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sconce::model::matching {

/// One of MatchOptions::strip.
struct PrefixChange {
  std::string from;  ///< what a name begins with; with `anywhere`, components that are taken out
  std::string to;    ///< what it begins with instead
  bool anywhere = false;
  std::string text;  ///< as it was given

  /// The changed name; nothing where this change does not touch it, or nothing would be left of it.
  [[nodiscard]] std::optional<std::string> apply(std::string_view name) const;
};

/// Errors: `invalid_argument`.
[[nodiscard]] PrefixChange prefix_change(std::string_view text);
[[nodiscard]] std::vector<PrefixChange> prefix_changes(std::span<const std::string> texts);

/// Applies each change at most once, in any order of nesting: rounds, until none applies any more. What puts a prefix
/// on comes last. `used` gets the numbers of those that were applied, in order; may be null.
[[nodiscard]] std::string apply_prefix_changes(std::span<const PrefixChange> changes, std::string name,
                                               std::vector<std::size_t>* used);

}  // namespace sconce::model::matching
