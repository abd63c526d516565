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
// nodes hashing stops (equal keys stop at the same place) and comparing refuses. So it does for frozensets inside
// frozensets, which are compared by calls inside calls.
constexpr std::size_t kHashedNodes = 64;
constexpr std::size_t kComparedNodes = 100'000;
constexpr unsigned kComparedFrozensets = 16;
constexpr std::uint64_t kComparedNode = 8;  // work of a pair of nodes, in nodes looked at
constexpr std::uint64_t kBytesOfWork = 64;  // hashed or compared in about the time of one node

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

// Integers beyond 64 bits and floats of that size have equal hashes where they are equal: both are hashed modulo the
// prime 2^61 - 1, as CPython does it.
constexpr std::uint64_t kPrime = (std::uint64_t{1} << 61) - 1;

std::uint64_t modulo_prime(unsigned __int128 value) noexcept { return static_cast<std::uint64_t>(value % kPrime); }

std::uint64_t big_hash(std::string_view little_endian) noexcept {
  const bool negative = (static_cast<unsigned char>(little_endian.back()) & 0x80U) != 0;
  std::uint64_t rest = 0;  // of the magnitude less one where it is negative: ~x = -x - 1
  for (std::size_t at = little_endian.size(); at-- > 0;) {
    const auto byte = static_cast<unsigned char>(little_endian[at]);
    rest = modulo_prime((static_cast<unsigned __int128>(rest) << 8) + (negative ? 0xFFU ^ byte : byte));
  }
  return number_hash(negative ? kPrime - (rest + 1) % kPrime : rest);
}

std::uint64_t huge_float_hash(double value) noexcept {
  if (!std::isfinite(value)) return number_hash(std::bit_cast<std::uint64_t>(value));
  int exponent = 0;
  const auto mantissa = static_cast<std::uint64_t>(std::ldexp(std::frexp(std::fabs(value), &exponent), 53));
  const auto shift = static_cast<unsigned>((exponent - 53) % 61);
  const std::uint64_t rest = modulo_prime(static_cast<unsigned __int128>(mantissa) << shift);
  return number_hash(value < 0 ? kPrime - rest % kPrime : rest);
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

std::uint64_t number_hash_of(const Number& number) noexcept {
  if (number.form == Number::Form::integer) return key_hash(number.integer);
  if (number.form == Number::Form::big) return big_hash(number.big);
  if (std::fabs(number.real) > 9.2e18) return huge_float_hash(number.real);
  return number_hash(std::bit_cast<std::uint64_t>(number.real));
}

std::uint64_t shallow_hash(const Document& document, NodeId id) {
  if (const Number number = number_of(document, id); number.form != Number::Form::none) return number_hash_of(number);
  switch (document.kind(id)) {
    case Kind::str: return key_hash(document.text(id));
    case Kind::bytes: return hash_bytes(document.text(id), process_seed() + 1);
    case Kind::scalar: return hash_bytes(document.text(id), process_seed() + 2);
    case Kind::complex: {
      const auto [real, imaginary] = document.complex_value(id);
      // Adding zero makes one zero of two, which are equal.
      return number_hash(std::bit_cast<std::uint64_t>(real + 0.0) * 31 + std::bit_cast<std::uint64_t>(imaginary + 0.0));
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

namespace {

/// What it costs to hash or compare a leaf, beyond a glance.
std::uint64_t leaf_work(const Document& document, NodeId id) noexcept {
  switch (document.kind(id)) {
    case Kind::str:
    case Kind::bytes:
    case Kind::scalar: return document.text(id).size() / kBytesOfWork;
    case Kind::integer: return document.is_big(id) ? document.text(id).size() / 8 : 0;
    default: return 0;
  }
}

std::uint64_t tuple_hash(const Document& document, NodeId id, std::uint64_t& work) {
  std::uint64_t hash = 0;
  std::vector<NodeId> open{id};
  for (std::size_t visited = 0; visited < open.size() && visited < kHashedNodes; ++visited) {
    const NodeId next = open[visited];
    work += 1 + leaf_work(document, next);
    hash = number_hash(hash * 31 + shallow_hash(document, next));
    if (!is_tuple(document.kind(next))) continue;
    const auto elements = document.elements(next);
    const std::size_t taken = std::min(elements.size(), kHashedNodes);
    open.insert(open.end(), elements.begin(), elements.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  return hash;
}

/// Independent of the order; large sets are told apart by their size only.
std::uint64_t frozenset_hash(const Document& document, NodeId id, std::uint64_t& work) {
  const DictRecord& set = document.dict_record(id);
  std::uint64_t sum = shallow_hash(document, id);
  for (std::uint32_t at = 0; set.count <= kHashedNodes && at < set.count; ++at) {
    work += 1 + leaf_work(document, set.pairs[2 * at]);
    sum += number_hash(shallow_hash(document, set.pairs[2 * at]));
  }
  return sum;
}

/// Compares two keys, and counts what that cost.
class Comparison {
 public:
  Comparison(const Document& document, std::uint64_t& work) : document_(document), work_(work) {}

  bool equal(NodeId a, NodeId b, unsigned depth) {
    std::vector<std::pair<NodeId, NodeId>> open{{a, b}};
    while (!open.empty()) {
      if (++visited_ > kComparedNodes || depth > kComparedFrozensets)
        fail(ErrorCode::limit, "keys of a dict are nested too deep to be compared");
      const auto [x, y] = open.back();
      open.pop_back();
      work_ += kComparedNode;
      if (x == y) continue;
      if (is_tuple(document_.kind(x)) && is_tuple(document_.kind(y))) {
        const auto left = document_.elements(x);
        const auto right = document_.elements(y);
        if (left.size() != right.size()) return false;
        for (std::size_t at = 0; at < left.size(); ++at) open.emplace_back(left[at], right[at]);
      } else if (document_.kind(x) == Kind::frozenset && document_.kind(y) == Kind::frozenset) {
        if (!equal_sets(document_.dict_record(x), document_.dict_record(y), depth)) return false;
      } else if (work_ += leaf_work(document_, x); !leaves_equal(document_, x, y)) {
        return false;
      }
    }
    return true;
  }

 private:
  bool equal_sets(const DictRecord& left, const DictRecord& right, unsigned depth) {
    if (left.count != right.count) return false;
    for (std::uint32_t at = 0; at < left.count; ++at)
      if (!holds(right, left.pairs[2 * at], depth)) return false;
    return true;
  }

  bool holds(const DictRecord& set, NodeId element, unsigned depth) {
    const auto is = [&](std::uint32_t entry) { return equal(set.pairs[std::size_t{2} * entry], element, depth + 1); };
    if (set.index == nullptr) {
      for (std::uint32_t entry = 0; entry < set.count; ++entry)
        if (is(entry)) return true;
      return false;
    }
    const auto hash = static_cast<std::uint32_t>(key_hash(document_, element, work_));
    for (std::uint32_t at = hash & set.index_mask; set.index[at].entry != 0; at = (at + 1) & set.index_mask)
      if (set.index[at].hash == hash && is(set.index[at].entry - 1)) return true;
    return false;
  }

  const Document& document_;
  std::uint64_t& work_;
  std::size_t visited_ = 0;
};

}  // namespace

std::uint64_t key_hash(const Document& document, NodeId id, std::uint64_t& work) {
  if (is_tuple(document.kind(id))) return tuple_hash(document, id, work);
  if (document.kind(id) == Kind::frozenset) return frozenset_hash(document, id, work);
  work += leaf_work(document, id);
  return shallow_hash(document, id);
}

bool keys_equal(const Document& document, NodeId a, NodeId b, std::uint64_t& work) {
  if (a == b) return true;
  if (!is_tuple(document.kind(a)) && document.kind(a) != Kind::frozenset) {
    if (document.kind(a) == document.kind(b)) work += leaf_work(document, a);
    return leaves_equal(document, a, b);
  }
  return Comparison(document, work).equal(a, b, 0);
}

}  // namespace sconce::tree
