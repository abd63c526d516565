// Names of the ways that bytes can take.
#include <array>

#include <sconce/transfer.h>

namespace sconce {
inline namespace v0 {
namespace {

constexpr std::array<std::string_view, 7> kNames = {"automatic", "view", "read", "sequential",
                                                    "direct",    "ring", "copy"};

}  // namespace

std::string_view to_string(Way way) noexcept { return kNames[static_cast<std::size_t>(way)]; }

std::optional<Way> way_from_string(std::string_view name) noexcept {
  for (std::size_t at = 0; at < kNames.size(); ++at)
    if (kNames[at] == name) return static_cast<Way>(at);
  return std::nullopt;
}

}  // namespace v0
}  // namespace sconce
