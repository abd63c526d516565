#include <cstring>
#include <string>
#include <utility>

#include <sconce/value.h>

#include "base/endian.h"
#include "tree/document.h"
#include "tree/literal_data.h"

namespace sconce {
inline namespace v0 {

namespace {

std::vector<Literal> flatten(std::vector<Literal::Entry> entries) {
  std::vector<Literal> items;
  items.reserve(entries.size() * 2);
  for (auto& [key, value] : entries) {
    items.push_back(std::move(key));
    items.push_back(std::move(value));
  }
  return items;
}

/// An unsigned number as a value of its own: a big integer where int64 does not hold it.
Value unsigned_value(std::uint64_t number) {
  auto document = std::make_shared<tree::Document>();
  std::string bytes;
  append_le(bytes, number);
  bytes += '\0';
  const tree::NodeId node = document->big_integer(bytes);
  return {std::move(document), node};
}

}  // namespace

Literal::Literal(unsigned long value) : Literal(static_cast<unsigned long long>(value)) {}

Literal::Literal(unsigned long long value) {
  if (value <= INT64_MAX)
    value_ = static_cast<std::int64_t>(value);
  else
    value_ = std::make_shared<const Value>(unsigned_value(value));
}

Literal::Literal(Value value) : value_(std::make_shared<const Value>(std::move(value))) {}

Literal::Literal(std::span<const std::byte> bytes) : value_(Bytes(bytes.begin(), bytes.end())) {}

Literal Literal::list(std::vector<Literal> items) {
  Literal made;
  made.value_ = std::make_shared<const Sequence>(Sequence{Shape::list, std::move(items)});
  return made;
}

Literal Literal::tuple(std::vector<Literal> items) {
  Literal made;
  made.value_ = std::make_shared<const Sequence>(Sequence{Shape::tuple, std::move(items)});
  return made;
}

Literal Literal::dict(std::vector<Entry> entries) {
  Literal made;
  made.value_ = std::make_shared<const Sequence>(Sequence{Shape::dict, flatten(std::move(entries))});
  return made;
}

Literal Literal::ordered_dict(std::vector<Entry> entries) {
  Literal made;
  made.value_ = std::make_shared<const Sequence>(Sequence{Shape::ordered_dict, flatten(std::move(entries))});
  return made;
}

}  // namespace v0
}  // namespace sconce
