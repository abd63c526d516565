// Dicts and sets of a document.
#include <algorithm>
#include <cstring>

#include "base/fail.h"
#include "tree/document.h"
#include "tree/key.h"

namespace sconce::tree {

namespace {
constexpr std::uint32_t kNoEntry = 0xFFFFFFFF;
constexpr std::uint32_t kSmallDict = 8;  // searched without an index
// Hashes are seeded, so honest keys never collide like this; only keys made to be equal as far as they are hashed do.
constexpr std::uint32_t kLongestProbe = 1024;
}  // namespace

NodeId Document::dict(DictFlavor flavor) {
  DictRecord record;
  record.flavor = flavor;
  return new_node({.kind = Kind::dict, .record = arena_->make(record)});
}

NodeId Document::set(Kind kind) { return new_node({.kind = kind, .record = arena_->make(DictRecord{})}); }

void Document::set_dict_flavor(NodeId dict, DictFlavor flavor, NodeId factory) {
  auto& record = *static_cast<DictRecord*>(mutable_node(dict).record);
  record.flavor = flavor;
  record.factory = factory;
}

NodeId Document::dict_attributes(NodeId id) {
  auto& record = *static_cast<DictRecord*>(mutable_node(id).record);
  if (record.attributes == kNoNode) {
    const NodeId made = dict();
    record.attributes = made;
  }
  return record.attributes;
}

void Document::reserve_pairs(DictRecord& dict) {
  if (dict.count < dict.capacity) return;
  if (dict.count >= 0x7FFFFFFF) fail(ErrorCode::limit, "a dict of more than two billion entries");
  const std::uint32_t capacity = dict.capacity == 0 ? 4 : dict.capacity * 2;
  auto* larger = arena_->allocate_array<NodeId>(std::size_t{capacity} * 2);
  if (dict.count != 0) std::memcpy(larger, dict.pairs, std::size_t{dict.count} * 2 * sizeof(NodeId));
  dict.pairs = larger;
  dict.capacity = capacity;
}

void Document::rebuild_index(DictRecord& dict) {
  std::uint32_t size = 32;
  while (size < std::uint64_t{dict.count} * 3) size *= 2;
  dict.index = arena_->allocate_array<std::uint32_t>(size);
  dict.index_mask = size - 1;
  std::fill_n(dict.index, size, 0U);
  for (std::uint32_t entry = 0; entry < dict.count; ++entry) {
    std::uint64_t at = key_hash(*this, dict.pairs[std::size_t{2} * entry]) & dict.index_mask;
    while (dict.index[at] != 0) at = (at + 1) & dict.index_mask;
    dict.index[at] = entry + 1;
  }
}

std::uint32_t Document::find_entry(const DictRecord& dict, NodeId key, std::uint64_t hash) const {
  const auto is = [&](std::uint32_t entry) { return keys_equal(*this, dict.pairs[std::size_t{2} * entry], key); };
  if (dict.index == nullptr) {
    for (std::uint32_t entry = 0; entry < dict.count; ++entry)
      if (is(entry)) return entry;
    return kNoEntry;
  }
  std::uint32_t probes = 0;
  for (std::uint64_t at = hash & dict.index_mask; dict.index[at] != 0; at = (at + 1) & dict.index_mask) {
    if (is(dict.index[at] - 1)) return dict.index[at] - 1;
    if (++probes == kLongestProbe) fail(ErrorCode::limit, "the keys of a dict are made to collide");
  }
  return kNoEntry;
}

bool Document::dict_set(NodeId id, NodeId key, NodeId value) {
  if (!is_hashable(*this, key)) return false;
  auto& dict = *static_cast<DictRecord*>(mutable_node(id).record);
  const std::uint64_t hash = dict.index == nullptr ? 0 : key_hash(*this, key);
  if (const std::uint32_t entry = find_entry(dict, key, hash); entry != kNoEntry) {
    dict.pairs[std::size_t{2} * entry + 1] = value;  // Python keeps the first key and its place
    return true;
  }
  reserve_pairs(dict);
  dict.pairs[std::size_t{2} * dict.count] = key;
  dict.pairs[std::size_t{2} * dict.count + 1] = value;
  ++dict.count;
  if (dict.index == nullptr ? dict.count > kSmallDict
                            : std::uint64_t{dict.count} * 3 > std::uint64_t{dict.index_mask} * 2) {
    rebuild_index(dict);
  } else if (dict.index != nullptr) {
    std::uint64_t at = hash & dict.index_mask;
    while (dict.index[at] != 0) at = (at + 1) & dict.index_mask;
    dict.index[at] = dict.count;
  }
  return true;
}

NodeId Document::dict_get(NodeId id, NodeId key) const {
  if (!is_hashable(*this, key)) return kNoNode;
  const DictRecord& dict = dict_record(id);
  const std::uint32_t entry = find_entry(dict, key, dict.index == nullptr ? 0 : key_hash(*this, key));
  if (entry == kNoEntry) return kNoNode;
  // An element of a set is its own value.
  return kind(id) == Kind::dict ? dict.pairs[std::size_t{2} * entry + 1] : dict.pairs[std::size_t{2} * entry];
}

namespace {

template <typename Is>
NodeId look_up(const DictRecord& dict, std::uint64_t hash, const Is& is) {
  if (dict.index == nullptr) {
    for (std::uint32_t entry = 0; entry < dict.count; ++entry)
      if (is(dict.pairs[std::size_t{2} * entry])) return dict.pairs[std::size_t{2} * entry + 1];
    return kNoNode;
  }
  for (std::uint64_t at = hash & dict.index_mask; dict.index[at] != 0; at = (at + 1) & dict.index_mask) {
    const std::size_t entry = dict.index[at] - 1;
    if (is(dict.pairs[2 * entry])) return dict.pairs[2 * entry + 1];
  }
  return kNoNode;
}

}  // namespace

NodeId Document::dict_get(NodeId id, std::string_view key) const {
  return look_up(dict_record(id), key_hash(key),
                 [&](NodeId other) { return kind(other) == Kind::str && text(other) == key; });
}

NodeId Document::dict_get(NodeId id, std::int64_t key) const {
  return look_up(dict_record(id), key_hash(key), [&](NodeId other) {
    switch (kind(other)) {
      case Kind::integer: return !is_big(other) && integer_value(other) == key;
      case Kind::boolean: return (boolean_value(other) ? 1 : 0) == key;
      case Kind::floating: return floating_value(other) == static_cast<double>(key);
      default: return false;
    }
  });
}

bool Document::dict_erase(NodeId id, NodeId key) {
  auto& dict = *static_cast<DictRecord*>(mutable_node(id).record);
  if (!is_hashable(*this, key)) return false;
  const std::uint32_t entry = find_entry(dict, key, dict.index == nullptr ? 0 : key_hash(*this, key));
  if (entry == kNoEntry) return false;
  std::memmove(dict.pairs + std::size_t{2} * entry, dict.pairs + std::size_t{2} * entry + 2,
               (std::size_t{dict.count} - entry - 1) * 2 * sizeof(NodeId));
  --dict.count;
  if (dict.index != nullptr) rebuild_index(dict);
  return true;
}

}  // namespace sconce::tree
