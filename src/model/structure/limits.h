// What a tree of modules may cost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/fail.h"

namespace sconce::model::structure {

inline constexpr std::size_t kDeepest = 1000;                           ///< modules inside modules, as walks have it
inline constexpr std::size_t kMostNodes = 1'000'000;                    ///< modules of one tree
inline constexpr std::uint64_t kMostText = std::uint64_t{256} << 20;    ///< names, paths and settings of one tree
inline constexpr std::uint64_t kMostPrinted = std::uint64_t{16} << 20;  ///< of to_text(), and 1 KiB for each module
inline constexpr std::uint64_t kMostJson = std::uint64_t{64} << 20;     ///< of a description

/// Counts what a tree takes as it grows, so that a small file cannot ask for much.
class TreeBudget {
 public:
  explicit TreeBudget(std::uint64_t steps) : steps_(steps) {}

  /// Whether there is room for so many more entries to be looked at.
  [[nodiscard]] bool take(std::uint64_t steps) noexcept {
    if (steps > steps_) return false;
    steps_ -= steps;
    return true;
  }
  /// Errors: `limit`.
  void text(std::size_t bytes) {
    text_ += bytes;
    if (text_ > kMostText)
      fail(ErrorCode::limit, "the names and settings of the model's modules add up to more than 256 MiB", {},
           "no model has such names; the file is damaged or hostile");
  }

 private:
  std::uint64_t steps_;
  std::uint64_t text_ = 0;
};

[[nodiscard]] inline std::string joined(std::string_view path, std::string_view name) {
  std::string text(path);
  if (!path.empty()) text += '.';
  return text += name;
}

}  // namespace sconce::model::structure
