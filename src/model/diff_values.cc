#include "model/diff_values.h"

#include <bit>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "base/text.h"
#include "tree/children.h"
#include "tree/repr.h"

namespace sconce::model {

namespace {

using tree::Document;
using tree::NodeId;

constexpr std::size_t kLongestText = 200;

/// One leaf and where it lives.
struct Place {
  const Document& document;
  NodeId node;
  [[nodiscard]] Kind kind() const { return document.kind(node); }
  [[nodiscard]] std::string_view text() const { return document.text(node); }
};

/// Digits of an integer, a bool or a NumPy integer; nothing for what is no integer.
std::optional<std::string> integer_digits(const Place& place) {
  switch (place.kind()) {
    case Kind::boolean: return std::string(place.document.boolean_value(place.node) ? "1" : "0");
    case Kind::integer:
      // Integers of thousands of digits stay bytes, which are as unique.
      if (place.document.is_big(place.node) && place.text().size() > 1024) return "bytes " + std::string(place.text());
      return tree::integer_text(place.document, place.node);
    case Kind::scalar: {
      const auto number = tree::scalar_integer(place.document, place.node);
      if (!number) return std::nullopt;
      if (place.document.scalar_dtype(place.node) == DType::uint64)
        return std::to_string(static_cast<std::uint64_t>(*number));
      return std::to_string(*number);
    }
    default: return std::nullopt;
  }
}

std::optional<double> real_number(const Place& place) {
  if (place.kind() == Kind::floating) return place.document.floating_value(place.node);
  if (place.kind() == Kind::scalar) return tree::scalar_float(place.document, place.node);
  return std::nullopt;
}

/// Digits of a float that is a whole number, as integer_digits() has them.
std::string whole_digits(double value) {
  if (!std::isfinite(value) || value != std::trunc(value)) return "no integer";
  std::string digits(400, '\0');  // 2^1024 has 309
  digits.resize(static_cast<std::size_t>(std::snprintf(digits.data(), digits.size(), "%.0f", value)));
  return digits == "-0" ? "0" : digits;
}

bool same_real(double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); }

/// Equality of numbers, where both are.
std::optional<bool> numbers_equal(const Place& a, const Place& b) {
  if (a.kind() == Kind::complex && b.kind() == Kind::complex) {
    const auto x = a.document.complex_value(a.node);
    const auto y = b.document.complex_value(b.node);
    return same_real(x.first, y.first) && same_real(x.second, y.second);
  }
  const auto x = integer_digits(a);
  const auto y = integer_digits(b);
  if (x && y) return *x == *y;
  const auto real_x = real_number(a);
  const auto real_y = real_number(b);
  if (x && real_y) return *x == whole_digits(*real_y);
  if (real_x && y) return whole_digits(*real_x) == *y;
  if (real_x && real_y) return same_real(*real_x, *real_y);
  return std::nullopt;
}

bool is_text(Kind kind) { return kind == Kind::str; }
bool is_bytes(Kind kind) { return kind == Kind::bytes || kind == Kind::bytearray; }
bool is_set(Kind kind) { return kind == Kind::set || kind == Kind::frozenset; }

/// Slices and ranges have three elements, which are numbers or None.
bool elements_equal(const Place& a, const Place& b) {
  const auto x = a.document.elements(a.node);
  const auto y = b.document.elements(b.node);
  if (x.size() != y.size()) return false;
  for (std::size_t at = 0; at < x.size(); ++at) {
    const Place left{a.document, x[at]};
    const Place right{b.document, y[at]};
    const auto equal = numbers_equal(left, right);
    if (equal ? !*equal : tree::leaf_text(a.document, x[at]) != tree::leaf_text(b.document, y[at])) return false;
  }
  return true;
}

/// Equality of what is no number and of one kind.
bool same_kind_equal(const Place& a, const Place& b) {
  switch (a.kind()) {
    case Kind::none:
    case Kind::ellipsis: return true;
    case Kind::dtype:
    case Kind::device:
    case Kind::layout:
    case Kind::qscheme:
    case Kind::memory_format: return a.text() == b.text();
    case Kind::scalar:
      return a.document.scalar_dtype(a.node) == b.document.scalar_dtype(b.node) && a.text() == b.text();
    case Kind::slice:
    case Kind::range: return elements_equal(a, b);
    case Kind::global:
    case Kind::object: return a.document.class_name(a.node) == b.document.class_name(b.node);
    default: return true;  // empty containers
  }
}

bool plainly_equal(const Place& a, const Place& b) {
  if (const auto equal = numbers_equal(a, b)) return *equal;
  if (is_text(a.kind()) && is_text(b.kind())) return a.text() == b.text();
  if (is_bytes(a.kind()) && is_bytes(b.kind())) return a.text() == b.text();
  if (tree::is_sequence(a.kind()) && tree::is_sequence(b.kind())) return true;
  if (is_set(a.kind()) && is_set(b.kind())) return true;
  return a.kind() == b.kind() && same_kind_equal(a, b);
}

/// What Python's == does not see.
bool strictly_equal(const Place& a, const Place& b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::str: return a.document.str_kind(a.node) == b.document.str_kind(b.node);
    case Kind::scalar:
      return a.document.scalar_dtype(a.node) == b.document.scalar_dtype(b.node) && a.text() == b.text();
    case Kind::floating:
      return std::bit_cast<std::uint64_t>(a.document.floating_value(a.node)) ==
             std::bit_cast<std::uint64_t>(b.document.floating_value(b.node));
    case Kind::dict: return container_kind(a.document, a.node) == container_kind(b.document, b.node);
    default: return true;
  }
}

std::string shown(const Place& place) {
  std::string text = tree::leaf_text(place.document, place.node);
  if (text.size() <= kLongestText) return text;
  std::size_t end = kLongestText;
  while (end != 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

/// The kind beside the text, where the texts of two different values are the same.
std::string with_kind(const Place& place) {
  std::string kind = container_kind(place.document, place.node);
  if (place.kind() == Kind::str && place.document.str_kind(place.node) == tree::StrKind::python2) kind = "Python 2 str";
  if (place.kind() == Kind::scalar) kind = "numpy." + std::string(to_string(place.document.scalar_dtype(place.node)));
  return shown(place) + " (" + kind + ")";
}

ValueDifference difference(const std::string& name, const Place& a, const Place& b) {
  ValueDifference found{name, shown(a), shown(b)};
  if (found.a == found.b) {
    found.a = with_kind(a);
    found.b = with_kind(b);
  }
  // Of long texts with one beginning, the ends differ.
  if (found.a == found.b) {
    found.a += " of " + std::to_string(a.text().size()) + " bytes";
    found.b += " of " + std::to_string(b.text().size()) + " bytes, another text";
  }
  return found;
}

/// Values that only one side has: differences, or a note where the other side cannot have any.
void one_sided(const Side& side, const Side& other, std::size_t count, const std::string& which, DiffReport& report) {
  if (count == 0 || !other.state->facts.only_tensors) return;
  report.notes.push_back(with_commas(count) + (count == 1 ? " value" : " values") + " of " + which + " (" +
                         side.format() + ") cannot be in a " + other.format() +
                         " file, which holds tensors and nothing else");
}

void diff_containers(const Side& a, const Side& b, DiffReport& report) {
  for (const SideLeaf& leaf : a.containers.all()) {
    const auto at = b.containers.find(leaf.name);
    if (!at) continue;
    const std::string x = container_kind(a.document(), leaf.node);
    const std::string y = container_kind(b.document(), b.containers.all()[*at].node);
    if (x != y) report.values.push_back({leaf.name, x, y});
  }
}

}  // namespace

std::string container_kind(const Document& document, NodeId node) {
  if (document.kind(node) == Kind::object) return document.class_name(node);
  if (document.kind(node) != Kind::dict) return std::string(to_string(document.kind(node)));
  switch (document.dict_record(node).flavor) {
    case DictFlavor::dict: return "dict";
    case DictFlavor::ordered_dict: return "OrderedDict";
    case DictFlavor::default_dict: return "defaultdict";
    case DictFlavor::counter: return "Counter";
  }
  return "dict";
}

bool leaves_equal(const Document& a, NodeId x, const Document& b, NodeId y, bool strict) {
  const Place left{a, x};
  const Place right{b, y};
  return plainly_equal(left, right) && (!strict || strictly_equal(left, right));
}

void diff_values(const Side& a, const Side& b, bool strict, DiffReport& report) {
  std::vector<bool> matched(b.values.all().size(), false);
  std::size_t only_a = 0;
  std::size_t only_b = 0;
  for (const SideLeaf& leaf : a.values.all()) {
    const Place left{a.document(), leaf.node};
    const auto at = b.values.find(leaf.name);
    if (!at) {
      ++only_a;
      if (!b.state->facts.only_tensors) report.values.push_back({leaf.name, shown(left), {}});
      continue;
    }
    matched[*at] = true;
    const Place right{b.document(), b.values.all()[*at].node};
    if (!leaves_equal(left.document, left.node, right.document, right.node, strict))
      report.values.push_back(difference(leaf.name, left, right));
  }
  for (std::size_t at = 0; at < matched.size(); ++at) {
    if (matched[at]) continue;
    ++only_b;
    const SideLeaf& leaf = b.values.all()[at];
    if (!a.state->facts.only_tensors) report.values.push_back({leaf.name, {}, shown({b.document(), leaf.node})});
  }
  one_sided(a, b, only_a, "A", report);
  one_sided(b, a, only_b, "B", report);
  if (strict) diff_containers(a, b, report);
}

}  // namespace sconce::model
