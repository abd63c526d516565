// Small work on text: escaping for terminals, UTF-8, sizes, patterns, near matches.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sconce {

/// Control characters (C0, DEL, C1) as \n, \r, \t, \xNN, marks that turn the direction of writing as \uNNNN, bytes that
/// are no UTF-8 as \xNN; backslashes stay, so that what is escaped already does not change. For terminals.
[[nodiscard]] std::string escaped(std::string_view text);

/// Whether all of it is UTF-8. `allow_surrogates`: as Python's surrogatepass.
[[nodiscard]] bool is_utf8(std::string_view text, bool allow_surrogates = false) noexcept;

struct CodePoint {
  std::uint32_t value;  ///< the first byte where `size` is 0
  unsigned size;        ///< bytes in the text; 0 where they are no UTF-8
};
/// The code point that begins at `at`, which lies inside of the text.
[[nodiscard]] CodePoint decode_utf8(std::string_view text, std::size_t at, bool allow_surrogates = false) noexcept;

/// Appends one code point, surrogates as three bytes.
void append_utf8(std::string& out, std::uint32_t code_point);

/// Three digits and a binary unit: "312 B", "1.50 KiB", "20.0 MiB", "517 GiB".
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);
/// The reverse, as people write it: "10GiB", "512MiB", "1.5GB", "4096"; units of 1024 (KiB or K …) and of 1000 (kB, MB
/// …). Nothing for other text, and from 2^63 on.
[[nodiscard]] std::optional<std::uint64_t> bytes_from_text(std::string_view text) noexcept;
/// 1234567 as "1,234,567".
[[nodiscard]] std::string with_commas(std::uint64_t number);

/// Shortest text that reads back as the same double, as Python's repr has it: "0.1", "1e-05", "inf", "nan", "3.0".
[[nodiscard]] std::string python_float(double value);
/// A string as Python's repr has it: 'it', "it's", escapes.
[[nodiscard]] std::string python_quoted(std::string_view text);
/// Two's complement little-endian bytes as decimal digits. Quadratic; callers limit the length.
[[nodiscard]] std::string decimal(std::string_view little_endian);
/// The reverse, minimal length. `digits` has an optional sign and digits only.
[[nodiscard]] std::string integer_bytes(std::string_view digits);

/// The first twenty, with "; " between them, and how many more there are: for messages.
[[nodiscard]] std::string listed(std::span<const std::string> lines);

/// Shell pattern with * ? [] over the whole text; * matches dots too.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view text) noexcept;

/// The names nearest to `wanted` by edit distance, best first; only those near enough to be a slip.
[[nodiscard]] std::vector<std::string> nearest(std::string_view wanted, std::span<const std::string> names,
                                               std::size_t most = 3);

}  // namespace sconce
