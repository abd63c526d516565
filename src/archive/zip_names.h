// Names of records: how they are shown, and what is odd about them.
#pragma once

#include <string>
#include <string_view>

namespace sconce::archive {

/// For messages: a name as it is, or its beginning where it is very long.
[[nodiscard]] std::string short_name(std::string_view name);

/// What makes a name unfit for a path, in words; empty for a plain one. Names are keys here and never paths, so that
/// none of it does harm: absolute, "..", a drive, a backslash, control characters, bytes that are no UTF-8, nothing at
/// all.
[[nodiscard]] std::string_view odd_name(std::string_view name) noexcept;

}  // namespace sconce::archive
