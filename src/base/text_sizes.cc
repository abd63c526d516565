// Sizes in bytes as people write them.
#include <array>
#include <charconv>

#include "base/text.h"

namespace sconce {
namespace {

struct Unit {
  std::string_view name;
  double bytes;
};
constexpr std::array kUnits = {
    Unit{"", 1},       Unit{"B", 1},        Unit{"KiB", 0x1p10}, Unit{"K", 0x1p10},   Unit{"MiB", 0x1p20},
    Unit{"M", 0x1p20}, Unit{"GiB", 0x1p30}, Unit{"G", 0x1p30},   Unit{"TiB", 0x1p40}, Unit{"T", 0x1p40},
    Unit{"kB", 1e3},   Unit{"MB", 1e6},     Unit{"GB", 1e9},     Unit{"TB", 1e12},
};

}  // namespace

std::optional<std::uint64_t> bytes_from_text(std::string_view text) noexcept {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !(number >= 0)) return std::nullopt;
  const std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const Unit& unit : kUnits)
    if (unit.name == name && number * unit.bytes < 0x1p63) return static_cast<std::uint64_t>(number * unit.bytes);
  return std::nullopt;
}

}  // namespace sconce
