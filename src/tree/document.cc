#include "tree/document.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <functional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/fail.h"
#include "tensor/shape.h"

namespace sconce::tree {

namespace {

constexpr std::size_t kIntegerCache = 1024;
constexpr std::size_t kTupleCache = 4096;
constexpr std::size_t kCachedTupleSize = 8;
constexpr std::size_t kInternedText = 4096;  // longer texts are payload, not names
constexpr std::uint32_t kMostSteps = std::uint32_t{1} << 30;

std::shared_ptr<MemoryBudget> or_default(std::shared_ptr<MemoryBudget> budget) {
  if (budget) return budget;
  Limits limits;
  limits.memory_base = UINT64_MAX;  // made by the program itself, not on the word of a file
  return std::make_shared<MemoryBudget>(limits);
}

std::uint32_t node_size(std::size_t size) {
  if (size > 0xFFFFFFFE) fail(ErrorCode::unsupported, "a value of more than 4 GiB inside the metadata");
  return static_cast<std::uint32_t>(size);
}

/// Texts of different kinds never meet in the index.
std::uint32_t text_tag(Kind kind, std::uint8_t flags) noexcept {
  return static_cast<std::uint32_t>(kind) * 256U + flags;
}

std::uint64_t mix(std::uint64_t h) noexcept {
  h ^= h >> 32;
  h *= 0x9E3779B97F4A7C15U;
  return h ^ (h >> 29);
}

}  // namespace

struct Document::StorageTable {
  std::deque<StorageData> data;
  std::vector<std::shared_ptr<const StorageOrigin>> origins;
  std::set<std::string, std::less<>> locations;
};

std::string_view to_string(PartName name) noexcept {
  constexpr std::array<std::string_view, 12> kNames = {
      "indices", "values",      "crow_indices", "col_indices", "ccol_indices", "row_indices",
      "scales",  "zero_points", "buffer",       "sizes",       "strides",      "storage_offsets"};
  return kNames[static_cast<std::size_t>(name)];
}

Document::Document(std::shared_ptr<MemoryBudget> budget)
    : budget_(or_default(std::move(budget))),
      arena_(std::make_shared<Arena>(budget_)),
      texts_(*budget_),
      recent_integers_(kIntegerCache, kNoNode),
      recent_tuples_(kTupleCache, kNoNode),
      table_(std::make_shared<StorageTable>()) {
  (void)new_node({.kind = Kind::none, .integer = 0});
  (void)new_node({.kind = Kind::boolean, .flags = 1, .integer = 1});
  (void)new_node({.kind = Kind::boolean, .flags = 0, .integer = 0});
  empty_tuple_ = new_sequence(Kind::tuple, 0);
}

Document::~Document() = default;

NodeId Document::new_node(const Node& node) {
  constexpr std::uint32_t kChunk = 1U << kChunkBits;
  if ((count_ & (kChunk - 1)) == 0) {
    if (count_ >= kNoNode - kChunk) fail(ErrorCode::limit, "the tree has more than four billion values");
    budget_->charge(kChunk * sizeof(Node));
    chunks_.push_back(std::make_unique_for_overwrite<Node[]>(kChunk));
  }
  const NodeId id = count_++;
  mutable_node(id) = node;
  return id;
}

// ---------------------------------------------------------------------------------------------------------- leaves

NodeId Document::integer(std::int64_t value) {
  const std::size_t slot = mix(static_cast<std::uint64_t>(value)) & (kIntegerCache - 1);
  const NodeId cached = recent_integers_[slot];
  if (cached != kNoNode && integer_value(cached) == value) return cached;
  return recent_integers_[slot] = new_node({.kind = Kind::integer, .integer = value});
}

NodeId Document::big_integer(std::string_view little_endian) {
  // Drop sign bytes that say nothing, so that equal numbers have equal bytes.
  std::size_t size = little_endian.size();
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(little_endian[at]); };
  while (size > 1 &&
         ((byte(size - 1) == 0x00 && byte(size - 2) < 0x80) || (byte(size - 1) == 0xFF && byte(size - 2) >= 0x80)))
    --size;
  if (size <= 8) {
    std::uint64_t value = size != 0 && byte(size - 1) >= 0x80 ? UINT64_MAX : 0;
    for (std::size_t at = size; at-- > 0;) value = (value << 8) | byte(at);
    return integer(static_cast<std::int64_t>(value));
  }
  const std::string_view kept = arena_->copy(little_endian.substr(0, size));
  return new_node({.kind = Kind::integer, .flags = 1, .size = node_size(size), .pointer = kept.data()});
}

NodeId Document::floating(double value) { return new_node({.kind = Kind::floating, .real = value}); }

NodeId Document::complex(double real, double imaginary) {
  auto* parts = arena_->allocate_array<double>(2);
  parts[0] = real;
  parts[1] = imaginary;
  return new_node({.kind = Kind::complex, .pointer = parts});
}

std::pair<double, double> Document::complex_value(NodeId id) const noexcept {
  const auto* parts = static_cast<const double*>((*this)[id].pointer);
  return {parts[0], parts[1]};
}

NodeId Document::text_leaf(Kind kind, std::uint8_t flags, std::string_view text) {
  if (text.size() > kInternedText) {
    const std::uint32_t size = node_size(text.size());
    return new_node({.kind = kind, .flags = flags, .size = size, .pointer = arena_->copy(text).data()});
  }
  const std::uint64_t hash = texts_.hash(text_tag(kind, flags), text);
  const NodeId found = texts_.find(hash, [&](NodeId id) {
    const Node& node = (*this)[id];
    return node.kind == kind && node.flags == flags && text_of(node) == text;
  });
  if (found != kNoNode) return found;
  const NodeId id =
      new_node({.kind = kind, .flags = flags, .size = node_size(text.size()), .pointer = arena_->copy(text).data()});
  texts_.insert(hash, id);
  return id;
}

NodeId Document::str(std::string_view text, StrKind kind) {
  return text_leaf(Kind::str, static_cast<std::uint8_t>(kind), text);
}

NodeId Document::bytes(std::string_view data, bool mutable_bytes) {
  const std::uint32_t size = node_size(data.size());
  return new_node(
      {.kind = mutable_bytes ? Kind::bytearray : Kind::bytes, .size = size, .pointer = arena_->copy(data).data()});
}

NodeId Document::symbol(Kind kind, std::string_view text) { return text_leaf(kind, 0, text); }

NodeId Document::global(std::string_view module, std::string_view name, std::string_view python3_module,
                        std::string_view python3_name) {
  std::string key;
  key.reserve(module.size() + name.size() + 1);
  key.append(module).append(1, '\n').append(name);
  const std::uint64_t hash = texts_.hash(text_tag(Kind::global, 0), key);
  // The same name is another function where a later PROTO opcode turns off the translation of Python 2's names.
  const NodeId found = texts_.find(hash, [&](NodeId id) {
    return kind(id) == Kind::global && global_record(id).key == key &&
           global_record(id).python3_module == python3_module && global_record(id).python3_name == python3_name;
  });
  if (found != kNoNode) return found;
  GlobalRecord record;
  record.key = arena_->copy(key);
  record.module = record.key.substr(0, module.size());
  record.name = record.key.substr(module.size() + 1);
  std::string canonical(python3_module);
  canonical.append(1, '.').append(python3_name);
  record.canonical = arena_->copy(canonical);
  record.python3_module = record.canonical.substr(0, python3_module.size());
  record.python3_name = record.canonical.substr(python3_module.size() + 1);
  const NodeId id = new_node({.kind = Kind::global, .record = arena_->make(record)});
  texts_.insert(hash, id);
  return id;
}

NodeId Document::scalar(DType dtype, std::string_view element) {
  const std::uint32_t size = node_size(element.size());
  return new_node({.kind = Kind::scalar,
                   .flags = static_cast<std::uint8_t>(dtype),
                   .size = size,
                   .pointer = arena_->copy(element).data()});
}

// ----------------------------------------------------------------------------------------------------- sequences

NodeId Document::new_sequence(Kind kind, std::uint32_t size) {
  const NodeId* elements = size == 0 ? nullptr : arena_->allocate_array<NodeId>(size);
  return new_node({.kind = kind, .size = size, .pointer = elements});
}

NodeId Document::tuple(std::span<const NodeId> elements, Kind kind) {
  if (elements.empty() && kind == Kind::tuple) return empty_tuple_;
  // Shapes and strides repeat: the identity of a tuple of leaves cannot be seen, so equal ones become one node.
  NodeId* slot = nullptr;
  const bool leaves =
      elements.size() <= kCachedTupleSize &&
      std::all_of(elements.begin(), elements.end(), [&](NodeId id) { return this->kind(id) == Kind::integer; });
  if (leaves) {
    std::uint64_t hash = static_cast<std::uint64_t>(kind);
    for (const NodeId id : elements) hash = mix(hash + id);
    slot = &recent_tuples_[hash & (kTupleCache - 1)];
    if (*slot != kNoNode && this->kind(*slot) == kind && std::ranges::equal(this->elements(*slot), elements))
      return *slot;
  }
  const NodeId id = new_sequence(kind, node_size(elements.size()));
  std::copy(elements.begin(), elements.end(), static_cast<NodeId*>(mutable_node(id).record));
  if (slot != nullptr) *slot = id;
  return id;
}

NodeId Document::list(std::span<const NodeId> elements) {
  const NodeId id = new_node({.kind = Kind::list, .pointer = nullptr});
  list_append(id, elements);
  return id;
}

void Document::list_append(NodeId list, std::span<const NodeId> elements) {
  if (elements.empty()) return;
  const Node before = (*this)[list];
  const std::uint32_t size = node_size(std::size_t{before.size} + elements.size());
  const std::uint64_t capacity = before.capacity == 0 ? 0 : std::uint64_t{1} << (before.capacity - 1);
  auto* array = static_cast<NodeId*>(before.record);
  std::uint8_t log = before.capacity;
  if (size > capacity) {
    while (log == 0 || (std::uint64_t{1} << (log - 1)) < size) ++log;
    const std::size_t wanted = std::size_t{1} << (log - 1);
    if (array == nullptr || !arena_->extend(array + capacity, (wanted - capacity) * sizeof(NodeId))) {
      auto* larger = arena_->allocate_array<NodeId>(wanted);
      if (before.size != 0) std::memcpy(larger, array, before.size * sizeof(NodeId));
      array = larger;
    }
  }
  std::copy(elements.begin(), elements.end(), array + before.size);  // which may be elements of this list
  if (before.size != 0 && array != before.record)
    arena_->drop_array(static_cast<const NodeId*>(before.record), capacity);
  Node& node = mutable_node(list);
  node.size = size;
  node.capacity = log;
  node.record = array;
}

void Document::list_set(NodeId list, std::uint32_t at, NodeId value) {
  static_cast<NodeId*>(mutable_node(list).record)[at] = value;
}

// ------------------------------------------------------------------------------------------------------- objects

NodeId Document::object(const ObjectRecord& record) {
  return new_node({.kind = Kind::object, .record = arena_->make(record)});
}

void Document::object_step(NodeId object, ObjectRecord::Step step) {
  auto& record = *static_cast<ObjectRecord*>(mutable_node(object).record);
  if (record.step_count == record.step_capacity) {
    if (record.step_count >= kMostSteps)
      fail(ErrorCode::limit, "an object that more than a billion things are done to");
    const std::uint32_t capacity = record.step_capacity == 0 ? 1 : record.step_capacity * 2;
    auto* larger = arena_->allocate_array<ObjectRecord::Step>(capacity);
    std::copy(record.steps, record.steps + record.step_count, larger);
    record.steps = larger;
    record.step_capacity = capacity;
  }
  record.steps[record.step_count++] = step;
}

void Document::become(NodeId id, NodeId other) {
  if (kind(other) == Kind::dict) (void)mutable_dict(other);  // which both share from now on
  mutable_node(id) = (*this)[other];
}

namespace {

/// The dicts of attributes that a state sets, as object.__setstate__ would read it: a dict, or (dict or None, dict).
std::array<NodeId, 2> attribute_dicts(const Document& document, NodeId state) {
  if (document.kind(state) == Kind::dict) return {state, kNoNode};
  std::array<NodeId, 2> dicts{kNoNode, kNoNode};
  if (document.kind(state) != Kind::tuple || document.elements(state).size() != 2) return dicts;
  for (std::size_t at = 0; at < 2; ++at) {
    const NodeId part = document.elements(state)[at];
    if (document.kind(part) == Kind::dict)
      dicts[at] = part;
    else if (document.kind(part) != Kind::none)
      return {kNoNode, kNoNode};
  }
  return dicts;
}

/// Attributes of several states, later ones over earlier ones.
class AttributeMerger {
 public:
  explicit AttributeMerger(const Document& document) : document_(document) {}

  void add(NodeId state) {
    for (const NodeId dict : attribute_dicts(document_, state))
      if (dict != kNoNode) dicts_.push_back(dict);
  }

  /// A file can set one large state as often as it likes, at a few bytes each: only the first time, which has the
  /// order, and the last, which has the values, count.
  std::vector<std::pair<NodeId, NodeId>> merge() {
    std::unordered_map<NodeId, std::size_t> last;
    for (std::size_t at = 0; at < dicts_.size(); ++at) last[dicts_[at]] = at;
    std::unordered_set<NodeId> seen;
    for (std::size_t at = 0; at < dicts_.size(); ++at)
      if (const bool first = seen.insert(dicts_[at]).second; first || last[dicts_[at]] == at) take(dicts_[at]);
    return std::move(all_);
  }

 private:
  void take(NodeId dict) {
    const DictRecord& record = document_.dict_record(dict);
    for (std::uint32_t at = 0; at < record.count; ++at) {
      const auto [entry, added] = known_.try_emplace(record.pairs[2 * at], all_.size());
      if (added)
        all_.emplace_back(record.pairs[2 * at], record.pairs[2 * at + 1]);
      else
        all_[entry->second].second = record.pairs[2 * at + 1];
    }
  }

  const Document& document_;
  std::vector<NodeId> dicts_;
  std::vector<std::pair<NodeId, NodeId>> all_;
  std::unordered_map<NodeId, std::size_t> known_;
};

}  // namespace

std::vector<std::pair<NodeId, NodeId>> Document::attributes(NodeId id) const {
  AttributeMerger merger(*this);
  if (kind(id) == Kind::object) {
    const ObjectRecord& record = object_record(id);
    for (std::uint32_t at = 0; at < record.step_count; ++at)
      if (record.steps[at].event == ObjectRecord::Event::state) merger.add(record.steps[at].value);
  } else if (kind(id) == Kind::dict && dict_record(id).attributes != kNoNode) {
    merger.add(dict_record(id).attributes);
  } else if (kind(id) == Kind::tensor && tensor_record(id).extra != nullptr &&
             tensor_record(id).extra->state != kNoNode) {
    merger.add(tensor_record(id).extra->state);
  }
  return merger.merge();
}

NodeId Document::attribute(NodeId id, std::string_view name) const {
  NodeId found = kNoNode;
  const auto look = [&](NodeId state) {
    for (const NodeId dict : attribute_dicts(*this, state))
      if (const NodeId value = dict == kNoNode ? kNoNode : dict_get(dict, name); value != kNoNode) found = value;
  };
  if (kind(id) == Kind::object) {
    const ObjectRecord& record = object_record(id);
    for (std::uint32_t at = 0; at < record.step_count; ++at)
      if (record.steps[at].event == ObjectRecord::Event::state) look(record.steps[at].value);
  } else if (kind(id) == Kind::dict && dict_record(id).attributes != kNoNode) {
    look(dict_record(id).attributes);
  } else if (kind(id) == Kind::tensor && tensor_record(id).extra != nullptr &&
             tensor_record(id).extra->state != kNoNode) {
    look(tensor_record(id).extra->state);
  }
  return found;
}

std::string Document::class_name(NodeId id) const {
  std::string calls;
  // A call of the result of a call …: as deep as the file says; a name is worth only so much.
  for (int depth = 0; kind(id) == Kind::object && depth < 16; ++depth) {
    const ObjectRecord& record = object_record(id);
    if (record.how == ObjectRecord::How::persistent) return "persistent id" + calls;
    id = record.callable;
    if (id == kNoNode) return "object" + calls;
    if (kind(id) == Kind::object) calls += "()";
  }
  if (kind(id) == Kind::global) return std::string(global_record(id).canonical) + calls;
  return std::string(sconce::to_string(kind(id))) + calls;
}

// ------------------------------------------------------------------------------------------- tensors and storages

TensorRecord* Document::new_tensor_record(const TensorRecord& record, std::span<const std::int64_t> shape,
                                          std::span<const std::int64_t> strides) {
  TensorRecord copy = record;
  copy.ndim = static_cast<std::uint8_t>(shape.size());
  copy.contiguous = strides.empty() || std::ranges::equal(strides, tensor::contiguous_strides(shape));
  const std::size_t count = shape.size() + (copy.contiguous ? 0 : strides.size());
  auto* dims = count == 0 ? nullptr : arena_->allocate_array<std::int64_t>(count);
  std::copy(shape.begin(), shape.end(), dims);
  if (!copy.contiguous) std::copy(strides.begin(), strides.end(), dims + shape.size());
  copy.dims = dims;
  return arena_->make(copy);
}

NodeId Document::tensor(const TensorRecord& record, std::span<const std::int64_t> shape,
                        std::span<const std::int64_t> strides) {
  return new_node({.kind = Kind::tensor, .record = new_tensor_record(record, shape, strides)});
}

void Document::restride(NodeId tensor, std::span<const std::int64_t> strides) {
  const TensorRecord old = tensor_record(tensor);
  mutable_tensor(tensor) = *new_tensor_record(old, old.shape(), strides);
}

void Document::make_meta(NodeId tensor) {
  TensorRecord& record = mutable_tensor(tensor);
  record.storage = TensorRecord{}.storage;
  record.meta = true;
  if (record.extra != nullptr) record.extra->device = {};
}

NodeId Document::copy_tensor(NodeId id) {
  TensorRecord record = tensor_record(id);
  if (record.extra != nullptr) record.extra = arena_->make(*record.extra);
  return new_node({.kind = Kind::tensor, .record = arena_->make(record)});
}

TensorExtra& Document::tensor_extra(NodeId id) {
  TensorRecord& record = mutable_tensor(id);
  if (record.extra == nullptr) record.extra = arena_->make(TensorExtra{});
  return *record.extra;
}

std::vector<std::int64_t> Document::strides(const TensorRecord& record) const {
  if (record.layout != Layout::strided && record.layout != Layout::wrapper) return {};
  if (record.contiguous) return tensor::contiguous_strides(record.shape());
  return {record.dims + record.ndim, record.dims + 2 * std::size_t{record.ndim}};
}

std::string_view Document::device(const TensorRecord& record) const noexcept {
  if (record.extra != nullptr && !record.extra->device.empty()) return record.extra->device;
  if (record.has_storage()) return storage_at(record.storage).location();
  if (record.meta) return "meta";
  if (record.extra != nullptr && record.extra->part_count != 0)  // a sparse tensor is where its values are
    for (std::uint32_t at = record.extra->part_count; at-- > 0;)
      if (const NodeId part = record.extra->parts[at].tensor;
          kind(part) == Kind::tensor && tensor_record(part).has_storage())
        return storage_at(tensor_record(part).storage).location();
  return "cpu";
}

NodeId Document::storage(std::uint32_t number) {
  return new_node({.kind = Kind::storage, .size = number, .pointer = nullptr});
}

NodeId Document::storage(std::uint32_t number, const StorageSlice& slice) {
  return new_node({.kind = Kind::storage, .size = number, .record = arena_->make(slice)});
}

std::uint32_t Document::new_storage(const StorageData& data) {
  budget_->charge(sizeof(StorageData) + sizeof(Storage));
  table_->data.push_back(data);
  storages_.emplace_back(std::shared_ptr<const StorageData>(table_, &table_->data.back()));
  return static_cast<std::uint32_t>(storages_.size() - 1);
}

void Document::replace_storage(std::uint32_t number, Storage storage) {
  if (storage_numbers_.erase(storages_[number].data().get()) != 0)
    storage_numbers_.emplace(storage.data().get(), number);
  storages_[number] = std::move(storage);
}

StorageData& Document::mutable_storage(std::uint32_t number) noexcept {
  // Only storages of this document's own table are ever completed late.
  return const_cast<StorageData&>(*storages_[number].data());
}

const StorageOrigin* Document::keep_origin(std::shared_ptr<const StorageOrigin> origin) {
  table_->origins.push_back(std::move(origin));
  return table_->origins.back().get();
}

const std::string* Document::location(std::string_view tag) {
  if (tag == "cpu") return nullptr;
  if (const auto known = table_->locations.find(tag); known != table_->locations.end()) return &*known;
  budget_->charge(sizeof(std::string) + 64 + tag.size());
  return &*table_->locations.emplace(tag).first;
}

namespace {

/// Bytes in an arena; the handle is their address.
class ArenaOrigin final : public StorageOrigin {
 public:
  explicit ArenaOrigin(std::shared_ptr<const Arena> arena) : arena_(std::move(arena)) {}
  SourcePtr open(std::uint64_t handle, std::uint64_t nbytes) const override {
    return memory_source({reinterpret_cast<const std::byte*>(handle), static_cast<std::size_t>(nbytes)}, arena_);
  }
  bool in_memory(std::uint64_t, std::uint64_t) const override { return true; }

 private:
  std::shared_ptr<const Arena> arena_;
};

}  // namespace

SourcePtr Document::leaf_source(NodeId leaf) const {
  return memory_source(std::as_bytes(std::span(text(leaf))), arena_);
}

std::uint32_t Document::leaf_storage(NodeId leaf, DType dtype, std::endian byte_order) {
  if (leaf_origin_ == nullptr) leaf_origin_ = keep_origin(std::make_shared<ArenaOrigin>(arena_));
  const std::string_view bytes = text(leaf);
  StorageData data;
  data.origin = leaf_origin_;
  data.handle = reinterpret_cast<std::uintptr_t>(bytes.data());
  data.nbytes = bytes.size();
  data.dtype = dtype;
  data.typed = true;
  data.byte_order = byte_order;
  return new_storage(data);
}

std::uint32_t Document::add_storage(Storage storage) {
  if (storage_numbers_.size() < storages_.size())
    for (auto number = static_cast<std::uint32_t>(storage_numbers_.size()); number < storages_.size(); ++number)
      storage_numbers_.emplace(storages_[number].data().get(), number);
  const auto [found, added] =
      storage_numbers_.emplace(storage.data().get(), static_cast<std::uint32_t>(storages_.size()));
  if (added) storages_.push_back(std::move(storage));
  return found->second;
}

}  // namespace sconce::tree
