#include "tree/key.h"

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "base/hash.h"

namespace sconce::tree {

namespace {

// A tuple can be nested as deep as the file likes, and the same tuple can be met exponentially often; after so many
// nodes hashing stops (equal keys stop at the same place) and comparing refuses.
constexpr std::size_t kHashedNodes = 64;
constexpr std::size_t kComparedNodes = 100'000;

std::uint64_t number_hash(std::uint64_t bits) noexcept {
  bits ^= process_seed();
  bits *= 0x9E3779B97F4A7C15U;
  return bits ^ (bits >> 31);
}

/// The integer that a float equals, if it fits.
bool as_integer(double value, std::int64_t& integer) noexcept {
  if (!(value >= -9223372036854775808.0 && value < 9223372036854775808.0) || value != std::trunc(value)) return false;
  integer = static_cast<std::int64_t>(value);
  return true;
}

/// A number of any kind in one form, so that equal numbers compare equal.
struct Number {
  enum class Form : std::uint8_t { none, integer, big, real } form = Form::none;
  std::int64_t integer = 0;
  double real = 0;
  std::string_view big;
};

Number number_of(const Document& document, NodeId id) noexcept {
  switch (document.kind(id)) {
    case Kind::boolean: return {.form = Number::Form::integer, .integer = document.boolean_value(id) ? 1 : 0};
    case Kind::integer:
      if (document.is_big(id)) return {.form = Number::Form::big, .big = document.text(id)};
      return {.form = Number::Form::integer, .integer = document.integer_value(id)};
    case Kind::complex:
      if (document.complex_value(id).second != 0) return {};
      [[fallthrough]];
    case Kind::floating: {
      const double value =
          document.kind(id) == Kind::floating ? document.floating_value(id) : document.complex_value(id).first;
      std::int64_t integer = 0;
      if (as_integer(value, integer)) return {.form = Number::Form::integer, .integer = integer};
      return {.form = Number::Form::real, .real = value};
    }
    default: return {};
  }
}

/// Whether a float equals an integer of more than 64 bits exactly.
bool equals_big(double value, std::string_view little_endian) {
  if (!std::isfinite(value) || value != std::trunc(value) || std::fabs(value) < 9.2e18) return false;
  int exponent = 0;
  auto mantissa = static_cast<std::int64_t>(std::ldexp(std::frexp(value, &exponent), 53));
  exponent -= 53;  // value = mantissa * 2^exponent, exponent > 0
  std::string bytes(static_cast<std::size_t>(exponent) / 8, '\0');
  for (int shift = exponent % 8, at = 0; at < 9; ++at) {
    const auto wide = static_cast<__int128>(mantissa) * (1 << shift);
    bytes += static_cast<char>(static_cast<std::uint8_t>(wide >> (8 * at)));
  }
  const char sign = mantissa < 0 ? '\xff' : '\0';
  const std::size_t longest = std::max(bytes.size(), little_endian.size());
  const char other = (little_endian.back() & '\x80') != 0 ? '\xff' : '\0';
  for (std::size_t at = 0; at < longest; ++at) {
    const char a = at < bytes.size() ? bytes[at] : sign;
    const char b = at < little_endian.size() ? little_endian[at] : other;
    if (a != b) return false;
  }
  return true;
}

bool is_tuple(Kind kind) noexcept { return kind == Kind::tuple || kind == Kind::size; }

std::uint64_t shallow_hash(const Document& document, NodeId id) {
  if (const Number number = number_of(document, id); number.form != Number::Form::none) {
    if (number.form == Number::Form::integer) return key_hash(number.integer);
    if (number.form == Number::Form::big || std::fabs(number.real) > 9.2e18) return number_hash(0xB16);
    return number_hash(std::bit_cast<std::uint64_t>(number.real));
  }
  switch (document.kind(id)) {
    case Kind::str: return key_hash(document.text(id));
    case Kind::bytes: return hash_bytes(document.text(id), process_seed() + 1);
    case Kind::scalar: return hash_bytes(document.text(id), process_seed() + 2);
    case Kind::complex: {
      const auto [real, imaginary] = document.complex_value(id);
      return number_hash(std::bit_cast<std::uint64_t>(real) * 31 + std::bit_cast<std::uint64_t>(imaginary));
    }
    case Kind::tuple:
    case Kind::size: return number_hash(0x707 + document.elements(id).size());
    case Kind::frozenset: return number_hash(0xF07 + document.dict_record(id).count);
    default:
      return number_hash((std::uint64_t{1} << 40) + id);  // identity; globals, symbols and None are one node each
  }
}

/// Equality of what is no tuple; frozensets are compared in keys_equal.
bool leaves_equal(const Document& document, NodeId a, NodeId b) {
  const Number x = number_of(document, a);
  const Number y = number_of(document, b);
  if (x.form != Number::Form::none || y.form != Number::Form::none) {
    if (x.form == y.form) {
      if (x.form == Number::Form::integer) return x.integer == y.integer;
      if (x.form == Number::Form::big) return x.big == y.big;
      return x.real == y.real;  // a NaN is equal to itself only as the same object, which the caller has seen to
    }
    if (x.form == Number::Form::big && y.form == Number::Form::real) return equals_big(y.real, x.big);
    if (x.form == Number::Form::real && y.form == Number::Form::big) return equals_big(x.real, y.big);
    return false;
  }
  if (document.kind(a) != document.kind(b)) return false;
  switch (document.kind(a)) {
    case Kind::str:
    case Kind::bytes: return document.text(a) == document.text(b);
    case Kind::scalar:
      return document.scalar_dtype(a) == document.scalar_dtype(b) && document.text(a) == document.text(b);
    case Kind::complex: return document.complex_value(a) == document.complex_value(b);
    default: return false;
  }
}

}  // namespace

bool is_hashable(const Document& document, NodeId id) noexcept {
  switch (document.kind(id)) {
    case Kind::list:
    case Kind::dict:
    case Kind::set:
    case Kind::bytearray: return false;
    default: return true;
  }
}

std::uint64_t key_hash(std::string_view text) { return hash_bytes(text, process_seed()); }
std::uint64_t key_hash(std::int64_t number) { return number_hash(static_cast<std::uint64_t>(number)); }

std::uint64_t key_hash(const Document& document, NodeId id) {
  if (!is_tuple(document.kind(id))) return shallow_hash(document, id);
  std::uint64_t hash = 0;
  std::vector<NodeId> open{id};
  for (std::size_t visited = 0; visited < open.size() && visited < kHashedNodes; ++visited) {
    const NodeId next = open[visited];
    hash = number_hash(hash * 31 + shallow_hash(document, next));
    if (!is_tuple(document.kind(next))) continue;
    const auto elements = document.elements(next);
    const std::size_t taken = std::min(elements.size(), kHashedNodes);
    open.insert(open.end(), elements.begin(), elements.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  return hash;
}

bool keys_equal(const Document& document, NodeId a, NodeId b) {
  if (a == b) return true;
  if (!is_tuple(document.kind(a)) && document.kind(a) != Kind::frozenset) return leaves_equal(document, a, b);
  std::vector<std::pair<NodeId, NodeId>> open{{a, b}};
  for (std::size_t visited = 0; !open.empty(); ++visited) {
    if (visited == kComparedNodes) fail(ErrorCode::limit, "keys of a dict are nested too deep to be compared");
    const auto [x, y] = open.back();
    open.pop_back();
    if (x == y) continue;
    if (is_tuple(document.kind(x)) && is_tuple(document.kind(y))) {
      const auto left = document.elements(x);
      const auto right = document.elements(y);
      if (left.size() != right.size()) return false;
      for (std::size_t at = 0; at < left.size(); ++at) open.emplace_back(left[at], right[at]);
    } else if (document.kind(x) == Kind::frozenset && document.kind(y) == Kind::frozenset) {
      const DictRecord& left = document.dict_record(x);
      if (left.count != document.dict_record(y).count) return false;
      for (std::uint32_t at = 0; at < left.count; ++at)
        if (document.dict_get(y, left.pairs[2 * at]) == kNoNode) return false;
    } else if (!leaves_equal(document, x, y)) {
      return false;
    }
  }
  return true;
}

}  // namespace sconce::tree
