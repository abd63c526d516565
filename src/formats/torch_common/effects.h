// Names that are known to execute, import, read, write or send. Not a scanner: what is not here is unknown, not safe.
#pragma once

#include <string_view>

#include "tree/document.h"

namespace sconce::formats::torch_common {

/// Whether importing or calling this (dotted Python 3 name) is known to have an effect beyond building a value.
[[nodiscard]] bool has_effect(std::string_view module, std::string_view name) noexcept;

/// Whether a call reaches something by getattr that has an effect, or that cannot be told: getattr on a class or module
/// names it as a dotted name does (members of an enum are pickled so); calling what such a getattr gave is never data.
[[nodiscard]] bool reaches_effect(const tree::Document& document, tree::NodeId callable, tree::NodeId args);

}  // namespace sconce::formats::torch_common
