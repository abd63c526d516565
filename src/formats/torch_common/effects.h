// Names that are known to execute, import, read, write or send. Not a scanner: what is not here is unknown, not safe.
#pragma once

#include <string_view>

namespace sconce::formats::torch_common {

/// Whether importing or calling this (dotted Python 3 name) is known to have an effect beyond building a value.
[[nodiscard]] bool has_effect(std::string_view module, std::string_view name) noexcept;

}  // namespace sconce::formats::torch_common
