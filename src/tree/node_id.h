// The name of a node within its document.
#pragma once

#include <cstdint>

namespace sconce::tree {

using NodeId = std::uint32_t;
inline constexpr NodeId kNoNode = 0xFFFFFFFF;

}  // namespace sconce::tree
