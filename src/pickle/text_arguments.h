// Arguments of the text opcodes of protocol 0, as CPython's C unpickler reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sconce::pickle {

/// A decimal integer as the LONG and INT opcodes have it: surrounding white space, a sign, a trailing L, and the other
/// spellings of Python's int(text, 0). Two's complement little-endian bytes; nothing where it is no number or has more
/// digits than CPython converts (4300).
[[nodiscard]] std::optional<std::string> parse_integer(std::string_view text);

/// A float as Python's float() has it, without underscores: also inf and nan. Nothing where it is none.
[[nodiscard]] std::optional<double> parse_float(std::string_view text);

/// A memo index: decimal digits, an optional '+', leading zeros. Nothing where it is none or beyond 2^63.
[[nodiscard]] std::optional<std::uint64_t> parse_index(std::string_view text);

/// The bytes that a quoted, escaped Python 2 string literal stands for. Nothing where quotes or escapes are wrong.
[[nodiscard]] std::optional<std::string> unescape_string(std::string_view literal);

/// UTF-8 of a raw-unicode-escape text: \uXXXX and \UXXXXXXXX; other bytes are Latin-1. Nothing where an escape is
/// wrong.
[[nodiscard]] std::optional<std::string> unescape_unicode(std::string_view text);

}  // namespace sconce::pickle
