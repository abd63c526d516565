// Which names each PyTorch imports, allows with weights_only, and resolves in C++.
#pragma once

#include <string_view>

#include <sconce/check.h>

namespace sconce::model::compatibility {

/// Releases from `from` to `until`, both included. `until` {0, 0}: to this day; `from` {0, 0}: from the beginning.
struct Releases {
  TorchVersion from;
  TorchVersion until;
  [[nodiscard]] constexpr bool has(TorchVersion version) const noexcept {
    return version >= from && (until == TorchVersion{} || version <= until);
  }
};

/// What is known of a name. Names that are nobody's business here (other packages) have no row.
struct NameFact {
  std::string_view name;          ///< dotted, as Python 3 has it
  Releases plain;                 ///< releases that can import it
  Releases weights_only;          ///< releases whose weights_only allows it
  Releases libtorch;              ///< releases whose torch::pickle_load resolves it
  std::string_view history = {};  ///< for people, where it moved or was renamed
};

/// The row of a name; null where there is none.
[[nodiscard]] const NameFact* name_fact(std::string_view name) noexcept;
/// Whether importing it only makes values of PyTorch or Python itself: no code that somebody could miss.
[[nodiscard]] bool is_plumbing(std::string_view name) noexcept;
/// Modules of Python's standard library that occur in checkpoints.
[[nodiscard]] bool is_standard_library(std::string_view module) noexcept;
/// Names that weights_only allows only after another module was imported: its name; else empty.
[[nodiscard]] std::string_view allowed_after_import_of(std::string_view name) noexcept;

}  // namespace sconce::model::compatibility
