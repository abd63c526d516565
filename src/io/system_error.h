// What the operating system says, as an Error that a person can act on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sconce::io {

/// What to do about an errno value; empty where nothing is known that helps.
[[nodiscard]] std::string_view advice_for(int error) noexcept;

/// Throws `io`: "`doing`: No space left on device", at the file `path` and byte `offset`, with advice. `error` is an
/// errno value.
[[noreturn]] void fail_system(int error, std::string_view doing, const std::string& path,
                              std::optional<std::uint64_t> offset = {});

/// Throws `exists`: the file `path` is there and may not be overwritten.
[[noreturn]] void fail_exists(const std::string& path);

}  // namespace sconce::io
