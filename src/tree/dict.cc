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
constexpr std::uint64_t kFreeWork = 256;                        // what ordinary keys may cost
constexpr std::uint32_t kMostEntries = std::uint32_t{1} << 30;  // an index of twice as many has 32-bit places
}  // namespace

namespace {

// Empty dicts share a record: every tensor of a checkpoint comes with an empty OrderedDict of hooks.
constexpr DictRecord kEmptyDicts[] = {{.flavor = DictFlavor::dict},
                                      {.flavor = DictFlavor::ordered_dict},
                                      {.flavor = DictFlavor::default_dict},
                                      {.flavor = DictFlavor::counter}};

}  // namespace

NodeId Document::dict(DictFlavor flavor) {
  return new_node({.kind = Kind::dict, .pointer = &kEmptyDicts[static_cast<std::size_t>(flavor)]});
}

NodeId Document::set(Kind kind) { return new_node({.kind = kind, .pointer = &kEmptyDicts[0]}); }

DictRecord& Document::mutable_dict(NodeId id) {
  Node& node = mutable_node(id);
  if (node.capacity == 0) {
    node.record = arena_->make(dict_record(id));
    node.capacity = 1;
  }
  return *static_cast<DictRecord*>(node.record);
}

void Document::set_dict_flavor(NodeId dict, DictFlavor flavor, NodeId factory) {
  DictRecord& record = mutable_dict(dict);
  record.flavor = flavor;
  record.factory = factory;
}

NodeId Document::dict_attributes(NodeId id) {
  DictRecord& record = mutable_dict(id);
  if (record.attributes == kNoNode) {
    const NodeId made = dict();
    record.attributes = made;
  }
  return record.attributes;
}

void Document::reserve_pairs(DictRecord& dict) {
  if (dict.count < dict.capacity) return;
  if (dict.count >= kMostEntries) fail(ErrorCode::limit, "a dict of more than a billion entries");
  const std::uint32_t capacity = dict.capacity == 0 ? 4 : dict.capacity * 2;
  auto* larger = arena_->allocate_array<NodeId>(std::size_t{capacity} * 2);
  if (dict.count != 0) std::memcpy(larger, dict.pairs, std::size_t{dict.count} * 2 * sizeof(NodeId));
  arena_->drop_array(dict.pairs, std::size_t{dict.capacity} * 2);
  dict.pairs = larger;
  dict.capacity = capacity;
}

namespace {

void place(const DictRecord& dict, const DictSlot& slot) {
  std::uint32_t at = slot.hash & dict.index_mask;
  while (dict.index[at].entry != 0) at = (at + 1) & dict.index_mask;
  dict.index[at] = slot;
}

bool is_crowded(const DictRecord& dict) { return std::uint64_t{dict.count} * 4 > std::uint64_t{dict.index_mask} * 3; }

}  // namespace

void Document::new_index(DictRecord& dict, std::uint32_t size) {
  dict.index = arena_->allocate_array<DictSlot>(size);
  dict.index_mask = size - 1;
  std::fill_n(dict.index, size, DictSlot{});
}

void Document::rebuild_index(DictRecord& dict) {
  std::uint32_t size = 32;
  while (std::uint64_t{size} * 3 < std::uint64_t{dict.count} * 4) size *= 2;
  if (dict.index == nullptr || dict.index_mask + 1 < size)
    new_index(dict, size);
  else
    std::fill_n(dict.index, std::size_t{dict.index_mask} + 1, DictSlot{});
  std::uint64_t work = 0;
  for (std::uint32_t entry = 0; entry < dict.count; ++entry)
    place(dict, {static_cast<std::uint32_t>(key_hash(*this, dict.pairs[std::size_t{2} * entry], work)), entry + 1});
}

void Document::grow_index(DictRecord& dict) {
  const std::span<const DictSlot> old(dict.index, std::size_t{dict.index_mask} + 1);
  new_index(dict, (dict.index_mask + 1) * 2);
  for (const DictSlot& slot : old)
    if (slot.entry != 0) place(dict, slot);
  arena_->drop_array(old.data(), old.size());
}

Document::Found Document::find_entry(const DictRecord& dict, NodeId key) const {
  Found found;
  if (dict.index != nullptr) found.hash = static_cast<std::uint32_t>(key_hash(*this, key, found.work));
  found.entry = find_entry(dict, key, found.hash, found.work);
  return found;
}

std::uint32_t Document::find_entry(const DictRecord& dict, NodeId key, std::uint32_t kept, std::uint64_t& work) const {
  const auto is = [&](std::uint32_t entry) { return keys_equal(*this, dict.pairs[std::size_t{2} * entry], key, work); };
  if (dict.index == nullptr) {
    for (std::uint32_t entry = 0; entry < dict.count; ++entry)
      if (is(entry)) return entry;
    return kNoEntry;
  }
  std::uint32_t probes = 0;
  for (std::uint32_t at = kept & dict.index_mask; dict.index[at].entry != 0; at = (at + 1) & dict.index_mask) {
    if (dict.index[at].hash == kept && is(dict.index[at].entry - 1)) return dict.index[at].entry - 1;
    if (++probes == kLongestProbe) fail(ErrorCode::limit, "the keys of a dict are made to collide");
  }
  return kNoEntry;
}

void Document::append_entry(DictRecord& dict, NodeId key, NodeId value) {
  reserve_pairs(dict);
  dict.pairs[std::size_t{2} * dict.count] = key;
  dict.pairs[std::size_t{2} * dict.count + 1] = value;
  ++dict.count;
}

void Document::index_entries(DictRecord& dict) {
  if (dict.count > kSmallDict) rebuild_index(dict);
}

bool Document::dict_set(NodeId id, NodeId key, NodeId value) {
  if (!is_hashable(*this, key)) return false;
  DictRecord& dict = mutable_dict(id);
  const Found found = find_entry(dict, key);
  // A few bytes of a pickle can make a long key be compared with a long key again and again: work counts as memory.
  if (found.work > kFreeWork) budget_->charge(found.work);
  if (found.entry != kNoEntry) {
    dict.pairs[std::size_t{2} * found.entry + 1] = value;  // Python keeps the first key and its place
    return true;
  }
  append_entry(dict, key, value);
  if (dict.index != nullptr) {
    place(dict, {found.hash, dict.count});
    if (is_crowded(dict)) grow_index(dict);
  } else if (dict.count > kSmallDict) {
    rebuild_index(dict);
  }
  return true;
}

NodeId Document::dict_get(NodeId id, NodeId key) const {
  if (!is_hashable(*this, key)) return kNoNode;
  const DictRecord& dict = dict_record(id);
  const std::uint32_t entry = find_entry(dict, key).entry;
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
  const auto kept = static_cast<std::uint32_t>(hash);
  for (std::uint32_t at = kept & dict.index_mask; dict.index[at].entry != 0; at = (at + 1) & dict.index_mask) {
    const std::size_t entry = dict.index[at].entry - 1;
    if (dict.index[at].hash == kept && is(dict.pairs[2 * entry])) return dict.pairs[2 * entry + 1];
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
      case Kind::floating: {
        const double value = floating_value(other);  // equal as numbers: 2^53 + 1 is no double
        return value == static_cast<double>(key) && value < 0x1p63 && static_cast<std::int64_t>(value) == key;
      }
      default: return false;
    }
  });
}

bool Document::dict_erase(NodeId id, NodeId key) {
  DictRecord& dict = mutable_dict(id);
  if (!is_hashable(*this, key)) return false;
  const std::uint32_t entry = find_entry(dict, key).entry;
  if (entry == kNoEntry) return false;
  std::memmove(dict.pairs + std::size_t{2} * entry, dict.pairs + std::size_t{2} * entry + 2,
               (std::size_t{dict.count} - entry - 1) * 2 * sizeof(NodeId));
  --dict.count;
  if (dict.index != nullptr) rebuild_index(dict);
  return true;
}

}  // namespace sconce::tree
