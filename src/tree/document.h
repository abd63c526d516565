// The document: all nodes of one tree in one arena.
//
// Nodes are 16 bytes; a NodeId names one. Strings are interned: equal text is one node. Destruction frees blocks and
// never walks the tree. Everything that grows on the word of a file is charged to the budget.
//
// Thread rule: const functions may run on many threads; others are exclusive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <sconce/tensor.h>
#include <sconce/value.h>

#include "base/arena.h"
#include "base/budget.h"
#include "tensor/storage_data.h"
#include "tree/node_id.h"
#include "tree/text_index.h"

namespace sconce::tree {

/// How a `str` came to be.
enum class StrKind : std::uint8_t {
  unicode,  ///< UTF-8, lone surrogates as CPython's surrogatepass writes them
  python2,  ///< bytes of a Python 2 str
};

/// A class or function, by its name.
struct GlobalRecord {
  std::string_view module;  ///< as in the file
  std::string_view name;
  std::string_view python3_module;   ///< as Python 3 finds it
  std::string_view python3_name;
  std::string_view canonical;  ///< dotted Python 3 name: "builtins.set", "torch._utils._rebuild_tensor_v2"
  std::string_view key;        ///< "module\nname": equal for equal globals, which are one node
};

/// A place in the index of a dict.
struct DictSlot {
  std::uint32_t hash = 0;   ///< low half of the key's hash: passes over most other keys without a look at them
  std::uint32_t entry = 0;  ///< number of the entry + 1; 0: free
};

struct DictRecord {
  NodeId* pairs = nullptr;  ///< key, value, key, value …
  std::uint32_t count = 0;  ///< entries
  std::uint32_t capacity = 0;
  DictSlot* index = nullptr;       ///< open addressing; null while small
  std::uint32_t index_mask = 0;
  NodeId factory = kNoNode;     ///< of a defaultdict
  NodeId attributes = kNoNode;  ///< dict: what BUILD set on an OrderedDict (`_metadata`)
  DictFlavor flavor = DictFlavor::dict;
};

/// Bytes of a storage that a storage node stands for.
struct StorageSlice {
  std::uint64_t offset = 0;
  std::uint64_t nbytes = 0;
};

/// How an object was made, and what was done to it, in order.
struct ObjectRecord {
  enum class How : std::uint8_t {
    reduce,      ///< callable(*args)
    newobj,      ///< cls.__new__(cls, *args)
    newobj_ex,   ///< cls.__new__(cls, *args, **kwargs)
    instance,    ///< INST, OBJ: an old-style instance
    persistent,  ///< an identifier that only the saving program can resolve
  };
  enum class Event : std::uint8_t { state, append, extend, set_item, add };
  struct Step {
    Event event;
    NodeId value;  ///< state; tuple of items; tuple of alternating keys and values
  };
  How how = How::reduce;
  NodeId callable = kNoNode;  ///< a global, or the result of another call
  NodeId args = kNoNode;      ///< tuple
  NodeId kwargs = kNoNode;    ///< dict, of newobj_ex
  Step* steps = nullptr;
  std::uint32_t step_count = 0;
  std::uint32_t step_capacity = 0;
};

/// Names of the tensors that a composite tensor is made of.
enum class PartName : std::uint8_t {
  indices,
  values,
  crow_indices,
  col_indices,
  ccol_indices,
  row_indices,
  scales,
  zero_points,
  buffer,
  sizes,
  strides,
  storage_offsets,
};
[[nodiscard]] std::string_view to_string(PartName name) noexcept;

/// What only few tensors have.
struct TensorExtra {
  struct Part {
    PartName name;
    NodeId tensor;
  };
  QScheme qscheme = QScheme::none;
  bool coalesced = false;
  bool has_coalesced = false;    ///< the file says whether
  bool from_cpu_tensor = false;  ///< _rebuild_device_tensor_from_*: bytes are the CPU copy
  double scale = 1;
  std::int64_t zero_point = 0;
  std::int64_t axis = 0;
  std::string_view device;  ///< where there is no storage
  std::uint32_t part_count = 0;
  Part parts[4] = {};
  NodeId type = kNoNode;           ///< global: a subclass, as _rebuild_from_type_v2 names it
  NodeId state = kNoNode;          ///< Python attributes of a Parameter or subclass
  NodeId subclass_args = kNoNode;  ///< tuple: arguments of a wrapper's rebuild function, kept as they are
  NodeId rebuild = kNoNode;        ///< global: a rebuild function that is kept by name (NJT)
};

struct TensorRecord {
  std::uint32_t storage = 0xFFFFFFFF;  ///< number in the document's table; all ones: none
  DType dtype = DType::float32;
  Layout layout = Layout::strided;
  std::uint8_t ndim = 0;
  bool contiguous : 1 = false;  ///< strides are left out: they follow from the shape
  bool requires_grad : 1 = false;
  bool parameter : 1 = false;
  bool conj : 1 = false;
  bool neg : 1 = false;
  bool numpy : 1 = false;
  bool fortran : 1 = false;  ///< a NumPy array in column-major order
  bool meta : 1 = false;
  std::int64_t offset = 0;  ///< in elements
  TensorExtra* extra = nullptr;
  const std::int64_t* dims = nullptr;  ///< shape, then strides unless `contiguous` or not strided

  [[nodiscard]] bool has_storage() const noexcept { return storage != 0xFFFFFFFF; }
  [[nodiscard]] std::span<const std::int64_t> shape() const noexcept { return {dims, ndim}; }
};

/// One node. What the members mean depends on `kind`; use the Document's functions.
struct Node {
  Kind kind = Kind::none;
  std::uint8_t flags = 0;     ///< StrKind; bool value
  std::uint8_t capacity = 0;  ///< of a list: log2 + 1; of a dict: 1 where the record is its own
  std::uint8_t reserved = 0;
  std::uint32_t size = 0;  ///< elements, bytes, or a small number
  union {
    std::int64_t integer;
    double real;
    const void* pointer;
    void* record;
  };
};
static_assert(sizeof(Node) == 16);

/// The text or bytes of a leaf in the arena.
[[nodiscard]] inline std::string_view text_of(const Node& node) noexcept {
  return {static_cast<const char*>(node.pointer), node.size};
}

class Document : public std::enable_shared_from_this<Document> {
 public:
  explicit Document(std::shared_ptr<MemoryBudget> budget = {});
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;
  ~Document();

  // Nodes.
  [[nodiscard]] const Node& operator[](NodeId id) const noexcept {
    return chunks_[id >> kChunkBits][id & ((1U << kChunkBits) - 1)];
  }
  [[nodiscard]] Kind kind(NodeId id) const noexcept { return (*this)[id].kind; }
  [[nodiscard]] std::uint32_t node_count() const noexcept { return count_; }

  // Making leaves. Small integers, strings, None, True, False and empty tuples are shared nodes.
  [[nodiscard]] NodeId none() const noexcept { return 0; }
  [[nodiscard]] NodeId boolean(bool value) const noexcept { return value ? 1 : 2; }
  [[nodiscard]] NodeId integer(std::int64_t value);
  /// Two's complement, little-endian, any length; becomes an `integer` node, with its bytes where 64 bits do not hold
  /// it.
  [[nodiscard]] NodeId big_integer(std::string_view little_endian);
  [[nodiscard]] NodeId floating(double value);
  [[nodiscard]] NodeId complex(double real, double imaginary);
  [[nodiscard]] NodeId str(std::string_view text, StrKind kind = StrKind::unicode);
  [[nodiscard]] NodeId bytes(std::string_view data, bool mutable_bytes = false);
  /// A leaf of one of torch's small kinds (dtype, device, layout, qscheme, memory_format) by its text.
  [[nodiscard]] NodeId symbol(Kind kind, std::string_view text);
  [[nodiscard]] NodeId global(std::string_view module, std::string_view name, std::string_view python3_module,
                              std::string_view python3_name);
  /// A NumPy scalar: dtype and element bytes, little-endian.
  [[nodiscard]] NodeId scalar(DType dtype, std::string_view element);

  // Making containers.
  /// A tuple, size, slice, range or frozenset-to-be of these elements.
  [[nodiscard]] NodeId tuple(std::span<const NodeId> elements, Kind kind = Kind::tuple);
  [[nodiscard]] NodeId list(std::span<const NodeId> elements = {});
  [[nodiscard]] NodeId dict(DictFlavor flavor = DictFlavor::dict);
  /// `set` or `frozenset`; elements are added with dict_set's rules of equality.
  [[nodiscard]] NodeId set(Kind kind);
  [[nodiscard]] NodeId object(const ObjectRecord& record);
  /// A bare storage, or a part of one (PyTorch up to 0.3 saved such views), in bytes.
  [[nodiscard]] NodeId storage(std::uint32_t number);
  [[nodiscard]] NodeId storage(std::uint32_t number, const StorageSlice& slice);
  [[nodiscard]] NodeId tensor(const TensorRecord& record, std::span<const std::int64_t> shape,
                              std::span<const std::int64_t> strides);

  // Reading.
  [[nodiscard]] std::string_view text(NodeId id) const noexcept { return text_of((*this)[id]); }
  [[nodiscard]] StrKind str_kind(NodeId id) const noexcept { return static_cast<StrKind>((*this)[id].flags); }
  [[nodiscard]] bool boolean_value(NodeId id) const noexcept { return (*this)[id].flags != 0; }
  /// Whether an `integer` node holds more than 64 bits; then text() has its bytes.
  [[nodiscard]] bool is_big(NodeId id) const noexcept { return (*this)[id].flags != 0; }
  [[nodiscard]] std::int64_t integer_value(NodeId id) const noexcept { return (*this)[id].integer; }
  [[nodiscard]] double floating_value(NodeId id) const noexcept { return (*this)[id].real; }
  [[nodiscard]] std::pair<double, double> complex_value(NodeId id) const noexcept;
  [[nodiscard]] DType scalar_dtype(NodeId id) const noexcept { return static_cast<DType>((*this)[id].flags); }
  [[nodiscard]] const GlobalRecord& global_record(NodeId id) const noexcept {
    return *static_cast<const GlobalRecord*>((*this)[id].pointer);
  }
  /// A number that a resolver remembers with a global: what it knows of the name. 0 at first.
  [[nodiscard]] std::uint32_t global_tag(NodeId id) const noexcept { return (*this)[id].size; }
  void set_global_tag(NodeId id, std::uint32_t tag) noexcept { mutable_node(id).size = tag; }
  /// Elements of a list, tuple, size, slice, range.
  [[nodiscard]] std::span<const NodeId> elements(NodeId id) const noexcept {
    const Node& node = (*this)[id];
    return {static_cast<const NodeId*>(node.pointer), node.size};
  }
  /// Entries of a dict; of a set, elements paired with kNoNode. Another record after the first change of an empty dict.
  [[nodiscard]] const DictRecord& dict_record(NodeId id) const noexcept {
    return *static_cast<const DictRecord*>((*this)[id].pointer);
  }
  [[nodiscard]] const ObjectRecord& object_record(NodeId id) const noexcept {
    return *static_cast<const ObjectRecord*>((*this)[id].pointer);
  }
  [[nodiscard]] std::uint32_t storage_number(NodeId id) const noexcept { return (*this)[id].size; }
  [[nodiscard]] StorageSlice storage_slice(NodeId id) const noexcept {
    const auto* slice = static_cast<const StorageSlice*>((*this)[id].pointer);
    return slice != nullptr ? *slice : StorageSlice{0, storage_at(storage_number(id)).nbytes()};
  }
  [[nodiscard]] const TensorRecord& tensor_record(NodeId id) const noexcept {
    return *static_cast<const TensorRecord*>((*this)[id].pointer);
  }
  [[nodiscard]] std::vector<std::int64_t> strides(const TensorRecord& record) const;
  [[nodiscard]] std::string_view device(const TensorRecord& record) const noexcept;

  // Changing.
  void list_append(NodeId list, std::span<const NodeId> elements);
  void list_set(NodeId list, std::uint32_t at, NodeId value);
  /// Python's `dict[key] = value`, also for sets (value kNoNode). False where the key cannot be hashed in Python.
  [[nodiscard]] bool dict_set(NodeId dict, NodeId key, NodeId value);
  [[nodiscard]] NodeId dict_get(NodeId dict, NodeId key) const;  ///< kNoNode where it is not there
  [[nodiscard]] NodeId dict_get(NodeId dict, std::string_view key) const;
  [[nodiscard]] NodeId dict_get(NodeId dict, std::int64_t key) const;
  bool dict_erase(NodeId dict, NodeId key);
  void set_dict_flavor(NodeId dict, DictFlavor flavor, NodeId factory = kNoNode);
  /// The dict of attributes of a dict, made where it is missing.
  [[nodiscard]] NodeId dict_attributes(NodeId dict);
  void object_step(NodeId object, ObjectRecord::Step step);
  /// Make `id` what `other` is now, with `id`'s identity: an object that BUILD turned into a tensor.
  void become(NodeId id, NodeId other);
  /// Wherever a value is inside of another (element, key, value, argument, state, part), `with[n]` takes the place of
  /// node n; kNoNode leaves it. What is called to make an object, the class of a tensor and a dict's factory stay. No
  /// replacement may be replaced itself. Returns dicts and sets in which two keys became equal: the later value counts
  /// there; and ones with a key that Python cannot hash, which is left out.
  [[nodiscard]] std::vector<NodeId> replace_references(std::span<const NodeId> with);
  [[nodiscard]] TensorRecord& mutable_tensor(NodeId id) noexcept {
    return *static_cast<TensorRecord*>(mutable_node(id).record);
  }
  /// Other strides, in elements, for a strided tensor; who calls proves the view.
  void restride(NodeId tensor, std::span<const std::int64_t> strides);
  /// A tensor without bytes.
  void make_meta(NodeId tensor);
  /// Another tensor with the same record: a Parameter over a tensor is an object of its own.
  [[nodiscard]] NodeId copy_tensor(NodeId id);
  /// The extra attributes of a tensor, made where they are missing.
  [[nodiscard]] TensorExtra& tensor_extra(NodeId id);
  [[nodiscard]] std::string_view keep(std::string_view text) { return arena_->copy(text); }
  /// The bytes of a leaf as a source that keeps them alive.
  [[nodiscard]] SourcePtr leaf_source(NodeId leaf) const;
  /// A storage over the bytes of a leaf (bytes, bytearray, Python 2 str) of this document, without a copy.
  [[nodiscard]] std::uint32_t leaf_storage(NodeId leaf, DType dtype, std::endian byte_order);

  /// An object's attributes: every state that is a dict (or a pair with one), later ones over earlier ones. As pairs of
  /// key and value in order.
  [[nodiscard]] std::vector<std::pair<NodeId, NodeId>> attributes(NodeId object) const;
  [[nodiscard]] NodeId attribute(NodeId object_or_dict, std::string_view name) const;
  /// Dotted name of an object's class or a global.
  [[nodiscard]] std::string class_name(NodeId id) const;

  // Storages.
  [[nodiscard]] std::uint32_t add_storage(Storage storage);  ///< a storage that is there already keeps its number
  [[nodiscard]] const Storage& storage_at(std::uint32_t number) const noexcept { return storages_[number]; }
  [[nodiscard]] std::uint32_t storage_count() const noexcept { return static_cast<std::uint32_t>(storages_.size()); }
  /// A new storage record with a stable address; the handles share the table and keep it alive.
  [[nodiscard]] std::uint32_t new_storage(const StorageData& data);
  /// Another storage in the place of one; tensors of the tree show the new one, handles that were given out the old.
  void replace_storage(std::uint32_t number, Storage storage);
  /// For readers that learn where a storage lies only after the tree (the legacy stream); before anybody has a handle.
  [[nodiscard]] StorageData& mutable_storage(std::uint32_t number) noexcept;
  /// Keeps an origin for as long as any storage of this document.
  const StorageOrigin* keep_origin(std::shared_ptr<const StorageOrigin> origin);
  /// The one string of a device tag; null for "cpu".
  [[nodiscard]] const std::string* location(std::string_view tag);

  // Handles.
  [[nodiscard]] Tensor tensor_handle(NodeId id) const;
  [[nodiscard]] NodeId add_tensor(const Tensor& tensor);
  [[nodiscard]] NodeId add(const Literal& literal);
  /// Copies a value of another document, with everything under it; shared nodes stay shared, storages are shared.
  [[nodiscard]] NodeId import(const Document& from, NodeId id);

  [[nodiscard]] MemoryBudget& budget() noexcept { return *budget_; }
  [[nodiscard]] const std::shared_ptr<MemoryBudget>& budget_handle() const noexcept { return budget_; }

 private:
  static constexpr unsigned kChunkBits = 12;
  struct StorageTable;

  [[nodiscard]] Node& mutable_node(NodeId id) noexcept {
    return chunks_[id >> kChunkBits][id & ((1U << kChunkBits) - 1)];
  }
  [[nodiscard]] NodeId new_node(const Node& node);
  [[nodiscard]] NodeId text_leaf(Kind kind, std::uint8_t flags, std::string_view text);
  [[nodiscard]] NodeId new_sequence(Kind kind, std::uint32_t size);
  [[nodiscard]] TensorRecord* new_tensor_record(const TensorRecord& record, std::span<const std::int64_t> shape,
                                                std::span<const std::int64_t> strides);
  [[nodiscard]] DictRecord& mutable_dict(NodeId id);
  void reserve_pairs(DictRecord& dict);
  void new_index(DictRecord& dict, std::uint32_t size);
  void rebuild_index(DictRecord& dict);
  void grow_index(DictRecord& dict);
  struct Found {
    std::uint32_t entry = 0;  ///< all ones: none
    std::uint32_t hash = 0;   ///< where the dict has an index
    std::uint64_t work = 0;
  };
  [[nodiscard]] Found find_entry(const DictRecord& dict, NodeId key) const;
  [[nodiscard]] std::uint32_t find_entry(const DictRecord& dict, NodeId key, std::uint32_t kept,
                                         std::uint64_t& work) const;
  /// For copies of whole dicts: entries whose keys are known to differ, and then the index over them.
  void append_entry(DictRecord& dict, NodeId key, NodeId value);
  void index_entries(DictRecord& dict);
  [[nodiscard]] NodeId add_sequence(const Literal::Sequence& sequence);
  friend class Importer;
  friend class Replacer;

  std::shared_ptr<MemoryBudget> budget_;
  std::shared_ptr<Arena> arena_;         // storages over leaves keep it alive
  const StorageOrigin* leaf_origin_ = nullptr;
  std::vector<std::unique_ptr<Node[]>> chunks_;
  std::uint32_t count_ = 0;
  NodeId empty_tuple_ = kNoNode;
  TextIndex texts_;                      // strings, symbols and globals: equal text is one node
  std::vector<NodeId> recent_integers_;  // direct-mapped cache
  std::vector<NodeId> recent_tuples_;    // direct-mapped cache of tuples of leaves
  std::shared_ptr<StorageTable> table_;
  std::vector<Storage> storages_;
  std::unordered_map<const StorageData*, std::uint32_t> storage_numbers_;  // filled by add_storage only
};

}  // namespace sconce::tree
