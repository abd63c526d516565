// Rename rules: patterns with stars, matched in linear time.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/load_state_dict.h>

namespace sconce::model::matching {

/// A RenameRule, taken apart once.
///
/// A star takes as few characters as it can, but for one at either end of the pattern, which takes all there are. So
/// the leftmost place of each literal piece is always right, and no piece is ever looked for twice.
class Renamer {
 public:
  /// Errors: `invalid_argument`.
  explicit Renamer(const RenameRule& rule);

  /// Rewrites `name` at every place that matches; whether there was one.
  [[nodiscard]] bool apply(std::string& name) const;
  /// "FROM -> TO".
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  struct Match {
    std::size_t begin = 0, end = 0;
    std::vector<std::string_view> stars;
  };
  struct Piece {
    std::string text;
    std::size_t star = 0;  ///< of a replacement: the star that comes after the text, from 1; 0: none
  };

  void read_pattern(std::string_view pattern);
  void read_replacement(std::string_view replacement);
  [[nodiscard]] bool find(std::string_view name, std::size_t from, Match& match) const;

  std::string text_;
  std::vector<std::string> literals_;  ///< between the stars; the first and the last may be empty
  std::vector<Piece> replacement_;
  bool at_begin_ = false;
  bool at_end_ = false;
};

[[nodiscard]] std::vector<Renamer> renamers(std::span<const RenameRule> rules);

}  // namespace sconce::model::matching
