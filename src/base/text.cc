#include "base/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>

namespace sconce {

namespace {

constexpr char kHex[] = "0123456789abcdef";

constexpr bool is_surrogate(std::uint32_t code_point) { return code_point >= 0xD800 && code_point <= 0xDFFF; }

void append_hex(std::string& out, std::uint32_t value, unsigned digits) {
  while (digits-- > 0) out += kHex[(value >> (4 * digits)) & 15];
}

/// \xNN, \uNNNN or \UNNNNNNNN, the shortest that holds it.
void append_numeric_escape(std::string& out, std::uint32_t value) {
  if (value < 0x100) {
    out += "\\x";
    append_hex(out, value, 2);
  } else if (value < 0x10000) {
    out += "\\u";
    append_hex(out, value, 4);
  } else {
    out += "\\U";
    append_hex(out, value, 8);
  }
}

/// \n, \r, \t by their letters, whatever else by number.
void append_escape(std::string& out, std::uint32_t value) {
  switch (value) {
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default: append_numeric_escape(out, value);
  }
}

constexpr bool is_control(std::uint32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0);
}

/// Line separators, and marks that turn the direction of writing: they make a name look like another one.
constexpr bool is_deceiving(std::uint32_t code_point) {
  return code_point == 0x061C || code_point == 0x200E || code_point == 0x200F ||
         (code_point >= 0x2028 && code_point <= 0x202E) || (code_point >= 0x2066 && code_point <= 0x2069);
}

/// What Python's str.isprintable() says, without the code points that Unicode has not assigned yet.
bool is_printable(std::uint32_t code_point) {
  struct Range {
    std::uint32_t first, last;
  };
  // Categories Cc, Cf, Cs, Co, Zl, Zp and Zs but the space (Unicode 15, UnicodeData.txt).
  static constexpr Range kHidden[] = {
      {0x00, 0x1F},        {0x7F, 0xA0},       {0xAD, 0xAD},       {0x600, 0x605},     {0x61C, 0x61C},
      {0x6DD, 0x6DD},      {0x70F, 0x70F},     {0x890, 0x891},     {0x8E2, 0x8E2},     {0x1680, 0x1680},
      {0x180E, 0x180E},    {0x2000, 0x200F},   {0x2028, 0x202F},   {0x205F, 0x206F},   {0x3000, 0x3000},
      {0xD800, 0xF8FF},    {0xFEFF, 0xFEFF},   {0xFFF0, 0xFFFB},   {0xFFFE, 0xFFFF},   {0x110BD, 0x110BD},
      {0x110CD, 0x110CD},  {0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE00FF},
      {0xF0000, 0x10FFFF},
  };
  const auto* after = std::upper_bound(std::begin(kHidden), std::end(kHidden), code_point,
                                       [](std::uint32_t value, const Range& range) { return value < range.first; });
  return after == std::begin(kHidden) || code_point > std::prev(after)->last;
}

}  // namespace

CodePoint decode_utf8(std::string_view text, std::size_t at, bool allow_surrogates) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[at + i]); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const unsigned size = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (size == 0 || text.size() - at < size) return {lead, 0};
  std::uint32_t value = lead & (0x7Fu >> size);
  for (unsigned i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {lead, 0};
    value = value << 6 | (byte(i) & 0x3Fu);
  }
  constexpr std::array<std::uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kLeast[size] || value > 0x10FFFF) return {lead, 0};
  if (is_surrogate(value) && !allow_surrogates) return {lead, 0};
  return {value, size};
}

std::string escaped(std::string_view text) {
  // Nearly every name is plain ASCII.
  if (std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; })) return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_utf8(text, at);
    if (c.size == 0 || is_control(c.value) || is_deceiving(c.value))
      append_escape(out, c.value);
    else
      out += text.substr(at, c.size);
    at += std::max(c.size, 1u);
  }
  return out;
}

bool is_utf8(std::string_view text, bool allow_surrogates) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    std::uint64_t eight = 0;
    if (text.size() - at >= sizeof eight) {
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if ((eight & 0x8080808080808080u) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    const CodePoint c = decode_utf8(text, at, allow_surrogates);
    if (c.size == 0) return false;
    at += c.size;
  }
  return true;
}

void append_utf8(std::string& out, std::uint32_t code_point) {
  const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80 | ((code_point >> shift) & 0x3F)); };
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += static_cast<char>(0xC0 | code_point >> 6);
    tail(0);
  } else if (code_point < 0x10000) {
    out += static_cast<char>(0xE0 | code_point >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | code_point >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

std::string human_bytes(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr std::array<const char*, 6> kUnits = {" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
  std::size_t unit = 0;
  auto value = static_cast<double>(bytes) / 1024;
  for (; value >= 1023.5; value /= 1024) ++unit;
  const std::size_t decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  // In integers, which a table of a million sizes notices; a tie goes to the even digit.
  const std::size_t shift = 10 * (unit + 1);
  const auto scaled = static_cast<unsigned __int128>(bytes) * (decimals == 2 ? 100 : decimals == 1 ? 10 : 1);
  const unsigned __int128 half = static_cast<unsigned __int128>(1) << (shift - 1);
  auto digits = static_cast<std::uint64_t>(scaled >> shift);
  const unsigned __int128 rest = scaled & (2 * half - 1);
  if (rest > half || (rest == half && digits % 2 == 1)) ++digits;
  std::string text = std::to_string(digits);
  if (decimals != 0) text.insert(text.size() - decimals, 1, '.');
  return text + kUnits[unit];
}

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t left = text.size(); left > 3;) text.insert(left -= 3, 1, ',');
  return text;
}

std::string python_float(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  // repr() has an exponent below 1e-4 and from 1e16 on (format code 'r' of CPython's float formatting).
  const double size = std::fabs(value);
  const bool exponent = value != 0 && (size < 1e-4 || size >= 1e16);
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.begin(), buffer.end(), value,
                                 exponent ? std::chars_format::scientific : std::chars_format::fixed)
                       .ptr;
  std::string text(buffer.begin(), end);
  if (!exponent && text.find('.') == std::string::npos) text += ".0";
  return text;
}

std::string python_quoted(std::string_view text) {
  const bool single = text.find('\'') == std::string_view::npos || text.find('"') != std::string_view::npos;
  const char quote = single ? '\'' : '"';
  std::string out(1, quote);
  out.reserve(text.size() + 2);
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_utf8(text, at, true);
    if (c.value == '\\' || c.value == static_cast<unsigned char>(quote)) {
      out += '\\';
      out += static_cast<char>(c.value);
    } else if (c.size == 0 || !is_printable(c.value)) {
      append_escape(out, c.value);
    } else {
      out += text.substr(at, c.size);
    }
    at += std::max(c.size, 1u);
  }
  return out += quote;
}

std::string listed(std::span<const std::string> lines) {
  constexpr std::size_t kMost = 20;
  std::string text;
  for (const std::string& line : lines.first(std::min(lines.size(), kMost))) text += (text.empty() ? "" : "; ") + line;
  if (lines.size() > kMost) text += "; and " + with_commas(lines.size() - kMost) + " more";
  return text;
}

}  // namespace sconce
