#include "archive/extra_field.h"

#include <array>

#include "archive/zip_format.h"
#include "base/endian.h"

namespace sconce::archive {
namespace {

constexpr std::size_t kDiskNumberSize = 4;  // the last part of a zip64 field; it means nothing in a single file

/// Whether a zip64 field that nobody needs gives, in the order of 4.5.3, the numbers that are known anyway.
bool repeats(std::string_view field, const std::array<std::uint64_t*, 3>& numbers) noexcept {
  if (field.size() % 8 != 0 && field.size() % 8 != kDiskNumberSize) return false;
  for (std::size_t i = 0; i < numbers.size() && 8 * i + 8 <= field.size(); ++i) {
    if (load_le<std::uint64_t>(field.data() + 8 * i) != *numbers[i]) return false;
  }
  return field.size() <= 8 * numbers.size() + kDiskNumberSize;
}

}  // namespace

ExtraFields scan_extra(std::string_view extra) noexcept {
  ExtraFields found;
  while (extra.size() >= kExtraFieldHeader) {
    const auto id = load_le<std::uint16_t>(extra.data());
    const auto size = load_le<std::uint16_t>(extra.data() + 2);
    extra.remove_prefix(kExtraFieldHeader);
    if (size > extra.size()) {
      found.malformed = true;
      return found;
    }
    if (id == kZip64Id) {
      found.zip64_twice = found.zip64.has_value();
      found.zip64 = extra.substr(0, size);
    }
    extra.remove_prefix(size);
  }
  // Tools that align leave up to three zero bytes, too few for a field.
  found.malformed = extra.find_first_not_of('\0') != std::string_view::npos;
  return found;
}

Zip64Use widen(const ExtraFields& extra, WideFields& fields) noexcept {
  if (!extra.zip64) return Zip64Use::absent;
  const std::array<std::uint64_t*, 3> numbers{&fields.size, &fields.compressed_size, &fields.offset};
  std::string_view left = *extra.zip64;
  for (std::uint64_t* number : numbers) {
    if (*number != kSaturated32) continue;
    if (left.size() < 8) return Zip64Use::too_short;
    *number = load_le<std::uint64_t>(left.data());
    left.remove_prefix(8);
  }
  if (left.empty() || (left.size() == kDiskNumberSize && left.size() != extra.zip64->size())) return Zip64Use::used;
  return repeats(*extra.zip64, numbers) ? Zip64Use::needless : Zip64Use::contradicts;
}

}  // namespace sconce::archive
