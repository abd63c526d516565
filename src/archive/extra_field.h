// Extra fields of zip headers: a list of (id, size, bytes), APPNOTE.TXT 4.5.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sconce::archive {

/// What one pass over the extra field of a header found.
struct ExtraFields {
  std::optional<std::string_view> zip64;  ///< bytes of the zip64 field
  bool zip64_twice = false;
  bool malformed = false;  ///< a field is longer than what is left, or no field
};

[[nodiscard]] ExtraFields scan_extra(std::string_view extra) noexcept;

/// The three numbers of a header that zip64 can widen. In: what the 32-bit slots hold. Out: what they mean.
struct WideFields {
  std::uint64_t size = 0;
  std::uint64_t compressed_size = 0;
  std::uint64_t offset = 0;
};

/// How a zip64 field goes with the slots beside it.
enum class Zip64Use : std::uint8_t {
  absent,       ///< there is no zip64 field
  used,         ///< every saturated slot got its number, and nothing is left over
  needless,     ///< there is more in it than the slots ask for, but the numbers agree
  contradicts,  ///< there is more in it than the slots ask for, and it says something else
  too_short,    ///< a saturated slot has no number in it
};

/// Replaces the saturated slots by the numbers of the zip64 field: size, compressed size, offset, in this order, and
/// each only where its slot is saturated (4.5.3). A slot that is saturated where there is no zip64 field means itself.
Zip64Use widen(const ExtraFields& extra, WideFields& fields) noexcept;

}  // namespace sconce::archive
