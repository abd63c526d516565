// Constants of the description in JSON.
#pragma once

#include <cstdint>
#include <string_view>

namespace sconce::model::structure {

inline constexpr std::string_view kDescriptionFormat = "sconce.structure";
inline constexpr std::uint64_t kDescriptionVersion = 1;

}  // namespace sconce::model::structure
