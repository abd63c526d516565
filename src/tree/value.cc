#include <sconce/value.h>

#include <array>
#include <cmath>
#include <string>

#include "base/endian.h"
#include "base/fail.h"
#include "base/text.h"
#include "tree/document.h"
#include "tree/key.h"
#include "tree/repr.h"

namespace sconce {
inline namespace v0 {

std::string_view to_string(Kind kind) noexcept {
  constexpr std::array<std::string_view, 25> kNames = {
      "none",   "bool",   "int",     "float",         "complex",   "str",    "bytes",  "bytearray", "list",
      "tuple",  "size",   "dict",    "set",           "frozenset", "slice",  "range",  "ellipsis",  "dtype",
      "device", "layout", "qscheme", "memory_format", "scalar",    "tensor", "storage"};
  switch (kind) {
    case Kind::global: return "global";
    case Kind::object: return "object";
    default: return kNames[static_cast<std::size_t>(kind)];
  }
}

namespace {

[[noreturn]] void wrong_kind(const Value& value, std::string_view wanted) {
  fail(ErrorCode::wrong_type,
       "the value is a " + std::string(to_string(value.kind())) + ", not a " + std::string(wanted));
}

bool is_sequence(Kind kind) {
  switch (kind) {
    case Kind::list:
    case Kind::tuple:
    case Kind::size:
    case Kind::slice:
    case Kind::range: return true;
    default: return false;
  }
}

bool is_set(Kind kind) { return kind == Kind::set || kind == Kind::frozenset; }

std::vector<std::string> string_keys(const Value& value) {
  std::vector<std::string> names;
  for (const Value::Item item : value.items())
    if (item.key.kind() == Kind::str) names.emplace_back(item.key.as_str());
  return names;
}

[[noreturn]] void no_such_key(const Value& value, const std::string& key) {
  ErrorPlace place;
  place.key = key;
  std::string advice;
  for (const std::string& name : nearest(key, string_keys(value)))
    advice += (advice.empty() ? "did you mean \"" : "\", \"") + name;
  if (!advice.empty()) advice += "\"?";
  fail(ErrorCode::not_found, "there is no such key", std::move(place), std::move(advice));
}

}  // namespace

namespace {

/// The entry under a key of another document. This one must not change, so the key is compared in a third: with every
/// key that could be equal to it. Tensors and objects are equal to themselves only, so none can.
tree::NodeId find_foreign(const tree::Document& document, tree::NodeId dict, const Value& key) {
  const tree::DictRecord& record = document.dict_record(dict);
  tree::Document scratch;
  const tree::NodeId wanted = scratch.import(*key.document(), key.node());
  if (!tree::is_hashable(scratch, wanted)) return tree::kNoNode;
  for (std::size_t at = 0; at < record.count; ++at) {
    const Kind kind = document.kind(record.pairs[2 * at]);
    if (kind == Kind::tensor || kind == Kind::storage || kind == Kind::object) continue;
    const tree::NodeId candidate = scratch.import(document, record.pairs[2 * at]);
    std::uint64_t work = 0;
    if (tree::keys_equal(scratch, wanted, candidate, work))
      return record.pairs[document.kind(dict) == Kind::dict ? 2 * at + 1 : 2 * at];
  }
  return tree::kNoNode;
}

}  // namespace

Value::Value() : document_(std::make_shared<tree::Document>()), node_(document_->none()) {}

Kind Value::kind() const { return document_->kind(node_); }

bool Value::as_bool() const {
  if (kind() != Kind::boolean) wrong_kind(*this, "bool");
  return document_->boolean_value(node_);
}

std::int64_t Value::as_int() const {
  if (kind() == Kind::boolean) return document_->boolean_value(node_) ? 1 : 0;
  if (kind() == Kind::integer) {
    if (document_->is_big(node_))
      fail(ErrorCode::wrong_type, "the integer needs more than 64 bits", {}, "to_text() gives its digits");
    return document_->integer_value(node_);
  }
  if (kind() == Kind::scalar)
    if (const auto number = tree::scalar_integer(*document_, node_)) return *number;
  wrong_kind(*this, "int");
}

double Value::as_float() const {
  switch (kind()) {
    case Kind::floating: return document_->floating_value(node_);
    case Kind::boolean:
    case Kind::integer: return static_cast<double>(as_int());
    case Kind::scalar:
      if (const auto number = tree::scalar_float(*document_, node_)) return *number;
      [[fallthrough]];
    default: wrong_kind(*this, "float");
  }
}

std::complex<double> Value::as_complex() const {
  if (kind() != Kind::complex) return as_float();
  const auto [real, imaginary] = document_->complex_value(node_);
  return {real, imaginary};
}

std::string_view Value::as_str() const {
  if (kind() != Kind::str) wrong_kind(*this, "str");
  return document_->text(node_);
}

std::span<const std::byte> Value::as_bytes() const {
  if (kind() != Kind::bytes && kind() != Kind::bytearray && kind() != Kind::str) wrong_kind(*this, "bytes");
  return std::as_bytes(std::span(document_->text(node_)));
}

DType Value::as_dtype() const {
  if (kind() == Kind::scalar) return document_->scalar_dtype(node_);
  if (kind() == Kind::dtype)
    if (const auto dtype = dtype_from_string(document_->text(node_))) return *dtype;
  wrong_kind(*this, "dtype");
}

Tensor Value::as_tensor() const {
  if (kind() != Kind::tensor) wrong_kind(*this, "tensor");
  return document_->tensor_handle(node_);
}

Storage Value::as_storage() const {
  if (kind() != Kind::storage) wrong_kind(*this, "storage");
  return document_->storage_at(document_->storage_number(node_));
}

std::string Value::to_text() const { return tree::leaf_text(*document_, node_); }

bool Value::is_python2_str() const {
  return kind() == Kind::str && document_->str_kind(node_) == tree::StrKind::python2;
}

DictFlavor Value::dict_flavor() const {
  if (kind() != Kind::dict) wrong_kind(*this, "dict");
  return document_->dict_record(node_).flavor;
}

std::size_t Value::size() const {
  if (is_sequence(kind())) return document_->elements(node_).size();
  if (kind() == Kind::dict || is_set(kind())) return document_->dict_record(node_).count;
  if (kind() == Kind::object) return document_->attributes(node_).size();
  wrong_kind(*this, "container");
}

std::optional<Value> Value::find(std::string_view key) const {
  if (kind() == Kind::object) return attribute(key);
  if (kind() != Kind::dict) wrong_kind(*this, "dict");
  const tree::NodeId found = document_->dict_get(node_, key);
  if (found == tree::kNoNode) return std::nullopt;
  return Value(document_, found);
}

std::optional<Value> Value::find(std::int64_t key) const {
  tree::NodeId found = tree::kNoNode;
  if (kind() == Kind::dict) {
    found = document_->dict_get(node_, key);
  } else if (is_sequence(kind())) {
    const auto elements = document_->elements(node_);
    if (key >= 0 && static_cast<std::uint64_t>(key) < elements.size()) found = elements[static_cast<std::size_t>(key)];
  } else {
    wrong_kind(*this, "dict or sequence");
  }
  if (found == tree::kNoNode) return std::nullopt;
  return Value(document_, found);
}

std::optional<Value> Value::find(const Value& key) const {
  if (kind() != Kind::dict && !is_set(kind())) wrong_kind(*this, "dict or set");
  const tree::NodeId found =
      key.document_ == document_ ? document_->dict_get(node_, key.node_) : find_foreign(*document_, node_, key);
  if (found == tree::kNoNode) return std::nullopt;
  return Value(document_, found);
}

Value Value::operator[](std::string_view key) const {
  if (auto found = find(key)) return *std::move(found);
  no_such_key(*this, std::string(key));
}

Value Value::operator[](std::int64_t index) const {
  if (auto found = find(index)) return *std::move(found);
  ErrorPlace place;
  place.key = std::to_string(index);
  fail(ErrorCode::not_found,
       kind() == Kind::dict ? "there is no such key" : "the index is outside 0 to " + std::to_string(size()),
       std::move(place));
}

Value::Elements Value::elements() const {
  if (is_sequence(kind())) {
    const auto elements = document_->elements(node_);
    return {document_, {elements.begin(), elements.end()}};
  }
  if (!is_set(kind())) wrong_kind(*this, "sequence or set");
  const tree::DictRecord& set = document_->dict_record(node_);
  std::vector<std::uint32_t> nodes;
  for (std::size_t at = 0; at < set.count; ++at) nodes.push_back(set.pairs[2 * at]);
  return {document_, std::move(nodes)};
}

Value::Items Value::items() const {
  if (kind() == Kind::dict) {
    const tree::DictRecord& dict = document_->dict_record(node_);
    return {document_, {dict.pairs, dict.pairs + std::size_t{dict.count} * 2}};
  }
  if (kind() != Kind::object) wrong_kind(*this, "dict or object");
  std::vector<std::uint32_t> pairs;
  for (const auto& [key, value] : document_->attributes(node_)) {
    pairs.push_back(key);
    pairs.push_back(value);
  }
  return {document_, std::move(pairs)};
}

std::string Value::class_name() const {
  if (kind() != Kind::object && kind() != Kind::global) wrong_kind(*this, "class or object");
  return document_->class_name(node_);
}

std::optional<Value> Value::attribute(std::string_view name) const {
  const tree::NodeId found = document_->attribute(node_, name);
  if (found == tree::kNoNode) return std::nullopt;
  return Value(document_, found);
}

void Value::set(std::string_view key, const Literal& value) {
  if (kind() != Kind::dict) wrong_kind(*this, "dict");
  const tree::NodeId added = document_->add(value);
  (void)document_->dict_set(node_, document_->str(key), added);
}

void Value::set(std::int64_t key, const Literal& value) {
  const tree::NodeId added = document_->add(value);
  if (kind() == Kind::dict) {
    (void)document_->dict_set(node_, document_->integer(key), added);
  } else if (kind() == Kind::list) {
    if (key < 0 || static_cast<std::uint64_t>(key) >= size())
      fail(ErrorCode::not_found, "the index " + std::to_string(key) + " is outside 0 to " + std::to_string(size()));
    document_->list_set(node_, static_cast<std::uint32_t>(key), added);
  } else {
    wrong_kind(*this, "dict or list");
  }
}

void Value::set(const Value& key, const Literal& value) {
  if (kind() != Kind::dict) wrong_kind(*this, "dict");
  const tree::NodeId node = document_->import(*key.document_, key.node_);
  const tree::NodeId added = document_->add(value);
  if (!document_->dict_set(node_, node, added))
    fail(ErrorCode::wrong_type, "a " + std::string(to_string(key.kind())) + " cannot be a key of a dict");
}

void Value::append(const Literal& value) {
  if (kind() != Kind::list) wrong_kind(*this, "list");
  const tree::NodeId added = document_->add(value);
  document_->list_append(node_, {&added, 1});
}

bool Value::erase(std::string_view key) {
  if (kind() != Kind::dict) wrong_kind(*this, "dict");
  return document_->dict_erase(node_, document_->str(key));
}

void Value::set_attribute(std::string_view name, const Literal& value) {
  const tree::NodeId added = document_->add(value);
  if (kind() == Kind::dict) {
    (void)document_->dict_set(document_->dict_attributes(node_), document_->str(name), added);
  } else if (kind() == Kind::object) {
    const tree::NodeId state = document_->dict();
    (void)document_->dict_set(state, document_->str(name), added);
    document_->object_step(node_, {tree::ObjectRecord::Event::state, state});
  } else {
    wrong_kind(*this, "dict or object");
  }
}

Slot& Slot::operator=(const Literal& value) {
  container_.set(key_, value);
  return *this;
}

Slot Slot::operator[](std::string_view key) {
  if (!container_.contains(key_)) container_.set(key_, Literal::dict());
  return {container_[key_], std::string(key)};
}

}  // namespace v0
}  // namespace sconce
