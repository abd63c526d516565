#include "pickle/text_arguments.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "base/text.h"

namespace sconce::pickle {

namespace {

constexpr std::size_t kMostDigits = 4300;  // CPython's default of sys.set_int_max_str_digits

bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

int digit_of(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  return 99;
}

/// The base that int(text, 0) takes from a prefix, which is removed.
unsigned take_base(std::string_view& digits) noexcept {
  if (digits.size() < 2 || digits[0] != '0') return 10;
  unsigned base = 10;
  switch (digits[1]) {
    case 'x':
    case 'X': base = 16; break;
    case 'o':
    case 'O': base = 8; break;
    case 'b':
    case 'B': base = 2; break;
    default: return 10;
  }
  digits.remove_prefix(2);
  if (!digits.empty() && digits.front() == '_') digits.remove_prefix(1);
  return base;
}

/// Digits without the underscores that may stand between two of them. False where one stands elsewhere or a digit is
/// none of this base.
bool plain_digits(std::string_view digits, unsigned base, std::string& plain) {
  bool after_digit = false;
  for (const char c : digits) {
    if (c == '_') {
      if (!after_digit) return false;
      after_digit = false;
      continue;
    }
    if (static_cast<unsigned>(digit_of(c)) >= base) return false;
    plain += c;
    after_digit = true;
  }
  return after_digit;
}

/// Magnitude in base 2^8, little-endian, then its two's complement.
std::string power_of_two_bytes(std::string_view digits, unsigned bits_per_digit, bool negative) {
  std::string bytes;
  unsigned accumulator = 0;
  unsigned have = 0;
  for (std::size_t at = digits.size(); at-- > 0;) {
    accumulator |= static_cast<unsigned>(digit_of(digits[at])) << have;
    have += bits_per_digit;
    if (have >= 8) {
      bytes += static_cast<char>(accumulator & 0xFF);
      accumulator >>= 8;
      have -= 8;
    }
  }
  bytes += static_cast<char>(accumulator);
  bytes += '\0';
  if (!negative) return bytes;
  unsigned carry = 1;
  for (char& byte : bytes) {
    const unsigned flipped = (static_cast<unsigned char>(byte) ^ 0xFFU) + carry;
    byte = static_cast<char>(flipped & 0xFF);
    carry = flipped >> 8;
  }
  return bytes;
}

}  // namespace

std::optional<std::string> parse_integer(std::string_view text) {
  text = trimmed(text);
  if (!text.empty() && text.back() == 'L') text = trimmed(text.substr(0, text.size() - 1));
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  const unsigned base = take_base(text);
  std::string digits;
  if (!plain_digits(text, base, digits)) return std::nullopt;
  if (base != 10) {
    if (digits.size() > std::size_t{1} << 16) return std::nullopt;
    return power_of_two_bytes(digits, base == 16 ? 4 : base == 8 ? 3 : 1, negative);
  }
  if (digits.size() > kMostDigits) return std::nullopt;
  return integer_bytes((negative ? "-" : "") + digits);
}

std::optional<double> parse_float(std::string_view text) {
  text = trimmed(text);
  if (!text.empty() && text.front() == '+') {
    text.remove_prefix(1);
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) return std::nullopt;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || text.empty() || text.back() == ')') return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    // from_chars does not say which way: a negative exponent underflows to zero, everything else is infinite.
    const std::size_t exponent = text.find_first_of("eE");
    const bool tiny = exponent != std::string_view::npos && exponent + 1 < text.size() && text[exponent + 1] == '-';
    value = tiny ? 0.0 : std::numeric_limits<double>::infinity();
    return text.front() == '-' ? -value : value;
  }
  if (error != std::errc()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_index(std::string_view text) {
  text = trimmed(text);
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > INT64_MAX) return std::nullopt;
  return value;
}

namespace {

/// One escape of a Python 2 string literal, after the backslash; nothing where it is wrong.
bool take_escape(std::string_view& rest, std::string& out) {
  const char c = rest.front();
  rest.remove_prefix(1);
  switch (c) {
    case '\n': return true;
    case '\\':
    case '\'':
    case '"': out += c; return true;
    case 'a': out += '\a'; return true;
    case 'b': out += '\b'; return true;
    case 'f': out += '\f'; return true;
    case 'n': out += '\n'; return true;
    case 'r': out += '\r'; return true;
    case 't': out += '\t'; return true;
    case 'v': out += '\v'; return true;
    case 'x': {
      if (rest.size() < 2 || digit_of(rest[0]) > 15 || digit_of(rest[1]) > 15) return false;
      out += static_cast<char>(digit_of(rest[0]) * 16 + digit_of(rest[1]));
      rest.remove_prefix(2);
      return true;
    }
    default: break;
  }
  if (c >= '0' && c <= '7') {
    int value = c - '0';
    for (int more = 0; more < 2 && !rest.empty() && rest.front() >= '0' && rest.front() <= '7'; ++more) {
      value = value * 8 + (rest.front() - '0');
      rest.remove_prefix(1);
    }
    out += static_cast<char>(value & 0xFF);
    return true;
  }
  out += '\\';
  out += c;
  return true;
}

}  // namespace

std::optional<std::string> unescape_string(std::string_view literal) {
  while (!literal.empty() && is_space(literal.back())) literal.remove_suffix(1);
  if (literal.size() < 2 || (literal.front() != '\'' && literal.front() != '"') || literal.back() != literal.front())
    return std::nullopt;
  std::string_view rest = literal.substr(1, literal.size() - 2);
  std::string out;
  out.reserve(rest.size());
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c != '\\') {
      out += c;
    } else if (rest.empty() || !take_escape(rest, out)) {
      return std::nullopt;
    }
  }
  return out;
}

std::optional<std::string> unescape_unicode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at++];
    if (c != '\\' || at == text.size()) {
      append_utf8(out, static_cast<unsigned char>(c));
      continue;
    }
    // A backslash and what follows it are one unit, so that an escaped backslash does not begin another escape.
    if (text[at] != 'u' && text[at] != 'U') {
      out += '\\';
      append_utf8(out, static_cast<unsigned char>(text[at++]));
      continue;
    }
    const std::size_t digits = text[at] == 'u' ? 4 : 8;
    if (text.size() - at - 1 < digits) return std::nullopt;
    std::uint32_t code = 0;
    for (std::size_t digit = 0; digit < digits; ++digit) {
      const int value = digit_of(text[at + 1 + digit]);
      if (value > 15) return std::nullopt;
      code = code * 16 + static_cast<std::uint32_t>(value);
    }
    if (code > 0x10FFFF) return std::nullopt;
    append_utf8(out, code);
    at += 1 + digits;
  }
  return out;
}

}  // namespace sconce::pickle
