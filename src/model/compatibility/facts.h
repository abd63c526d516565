// The table of facts: who opens what, and why not.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <sconce/check.h>

#include "model/compatibility/features.h"
#include "model/compatibility/names.h"

namespace sconce::model::compatibility {

/// Sets of modes.
using Modes = std::uint8_t;
[[nodiscard]] constexpr Modes only(TorchMode mode) noexcept {
  return static_cast<Modes>(1U << static_cast<unsigned>(mode));
}
inline constexpr Modes kPlainly = only(TorchMode::plain) | only(TorchMode::mmap);
inline constexpr Modes kWeightsOnly = only(TorchMode::weights_only);
inline constexpr Modes kMapped = only(TorchMode::mmap);
inline constexpr Modes kPython = kPlainly | kWeightsOnly;
inline constexpr Modes kCpp = only(TorchMode::libtorch);

struct Fact {
  std::string_view id;
  Trait when;                ///< the file has it
  Releases releases;         ///< of these
  Modes modes;               ///< in these
  bool stops;                ///< false: a caveat
  std::string_view message;  ///< the beginning of what PyTorch says; {} is what the trait concerns
  std::string_view why;      ///< for people; {} likewise
  std::string_view source;
};
[[nodiscard]] std::span<const Fact> facts() noexcept;

/// From which release on a reader knows an opcode; {99, 0}: none does.
struct OpcodeFact {
  std::uint8_t code;
  std::string_view name;
  TorchVersion weights_only;
  TorchVersion libtorch;
};
/// Null for an opcode that every reader knows.
[[nodiscard]] const OpcodeFact* opcode_fact(std::uint8_t code) noexcept;

}  // namespace sconce::model::compatibility
