// The tree of values that a file holds: dicts, lists, numbers, strings, tensors, and objects of classes that Sconce does
// not know, kept as data.
//
// A Value is a handle into a document with Python's reference semantics: two handles can name the same list, a list can
// contain itself, and a change through one handle is seen through the other. A handle keeps its document alive.
// Thread rule: reading one document from many threads is safe; changing it is exclusive.
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <sconce/export.h>
#include <sconce/tensor.h>

namespace sconce {
namespace tree {
class Document;  // not public
}
inline namespace v0 SCONCE_API {

/// What a Value is. Names are Python's; `to_string` gives them as `--json` prints them.
enum class Kind : std::uint8_t {
  none, boolean, integer, floating, complex,
  str,           ///< text, or a Python 2 string of bytes (`is_python2_str`)
  bytes, bytearray,
  list, tuple,
  size,          ///< torch.Size
  dict,          ///< dict, OrderedDict, defaultdict, Counter: see DictFlavor
  set, frozenset,
  slice, range,  ///< three elements: start, stop, step
  ellipsis,
  dtype, device, layout, qscheme, memory_format,  ///< torch's own small values
  scalar,        ///< a NumPy scalar: a dtype and its bytes
  tensor,        ///< a tensor, a Parameter or a NumPy array
  storage,       ///< a bare storage
  global,        ///< a class or function, by its name only
  object,        ///< an instance of a class, or the result of a call, that Sconce keeps as data
};

[[nodiscard]] std::string_view to_string(Kind kind) noexcept;

enum class DictFlavor : std::uint8_t { dict, ordered_dict, default_dict, counter };

class Value;
class Tensor;

/// Anything that can be put into a tree: `fresh["epoch"] = 3`, `fresh["betas"] = Literal::tuple({0.9, 0.999})`.
class Literal {
 public:
  enum class Shape : std::uint8_t { list, tuple, dict, ordered_dict };
  struct Sequence;
  using Entry = std::pair<Literal, Literal>;

  Literal() noexcept : value_(nullptr) {}
  Literal(std::nullptr_t) noexcept : value_(nullptr) {}  // NOLINT(google-explicit-constructor): that is its purpose
  Literal(bool value) noexcept : value_(value) {}        // NOLINT
  Literal(int value) noexcept : value_(std::int64_t{value}) {}             // NOLINT
  Literal(long value) noexcept : value_(std::int64_t{value}) {}            // NOLINT
  Literal(long long value) noexcept : value_(std::int64_t{value}) {}       // NOLINT
  Literal(unsigned value) noexcept : value_(std::int64_t{value}) {}        // NOLINT
  Literal(unsigned long value);                          // NOLINT  beyond int64: a big integer
  Literal(unsigned long long value);                     // NOLINT
  Literal(double value) noexcept : value_(value) {}      // NOLINT
  Literal(float value) noexcept : value_(double{value}) {}                 // NOLINT
  Literal(const char* text) : value_(std::string(text)) {}                 // NOLINT
  Literal(std::string_view text) : value_(std::string(text)) {}            // NOLINT
  Literal(std::string text) : value_(std::move(text)) {}                   // NOLINT
  Literal(Tensor tensor) : value_(std::move(tensor)) {}                    // NOLINT
  Literal(Value value);                                  // NOLINT  copied node by node into the other document
  Literal(std::span<const std::byte> bytes);             // NOLINT
  template <typename T>
  Literal(const std::vector<T>& items) : Literal(list(std::vector<Literal>(items.begin(), items.end()))) {}  // NOLINT

  [[nodiscard]] static Literal list(std::vector<Literal> items = {});
  [[nodiscard]] static Literal tuple(std::vector<Literal> items = {});
  [[nodiscard]] static Literal dict(std::vector<Entry> entries = {});
  [[nodiscard]] static Literal ordered_dict(std::vector<Entry> entries = {});

 private:
  friend class tree::Document;
  using Bytes = std::vector<std::byte>;
  std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Bytes, Tensor, std::shared_ptr<const Value>,
               std::shared_ptr<const Sequence>>
      value_;
};

/// A handle of one value of a tree.
class Value {
 public:
  struct Item;
  class Elements;
  class Items;

  /// None, in a document of its own.
  Value();
  Value(std::shared_ptr<tree::Document> document, std::uint32_t node) noexcept
      : document_(std::move(document)), node_(node) {}

  [[nodiscard]] Kind kind() const;
  [[nodiscard]] bool is_none() const { return kind() == Kind::none; }
  [[nodiscard]] bool is_tensor() const { return kind() == Kind::tensor; }
  [[nodiscard]] bool is_dict() const { return kind() == Kind::dict; }

  // Scalars. Errors: `wrong_type` with the kind that is there, and where an integer does not fit.
  [[nodiscard]] bool as_bool() const;
  [[nodiscard]] std::int64_t as_int() const;
  [[nodiscard]] double as_float() const;             ///< of an integer, too
  [[nodiscard]] std::complex<double> as_complex() const;
  [[nodiscard]] std::string_view as_str() const;     ///< lives as long as a handle of this document
  [[nodiscard]] std::span<const std::byte> as_bytes() const;  ///< of bytes, bytearray, str; lives as long as a handle
  [[nodiscard]] DType as_dtype() const;              ///< of a dtype or a NumPy scalar
  [[nodiscard]] Tensor as_tensor() const;
  [[nodiscard]] Storage as_storage() const;
  /// Text of any leaf, as Python's repr has it for scalars: big integers in decimal, "cuda:0", "torch.float32",
  /// a class or object by its dotted class name. For containers their kind and size; for bytes beyond 64 KiB how many.
  [[nodiscard]] std::string to_text() const;

  /// Whether the text was a Python 2 `str`, whose bytes have no stated encoding.
  [[nodiscard]] bool is_python2_str() const;
  [[nodiscard]] DictFlavor dict_flavor() const;

  // Containers.
  /// Elements of a list, tuple, size or set; entries of a dict; list-like items of an object. Other kinds: `wrong_type`.
  [[nodiscard]] std::size_t size() const;
  /// The value under a string key; for an object, its attribute. Errors: `not_found` (with the nearest names).
  [[nodiscard]] Value operator[](std::string_view key) const;
  [[nodiscard]] Value operator[](const char* key) const { return (*this)[std::string_view(key)]; }
  /// Element of a sequence, or the value under an integer key of a dict.
  [[nodiscard]] Value operator[](std::int64_t index) const;
  [[nodiscard]] Value operator[](int index) const { return (*this)[std::int64_t{index}]; }
  [[nodiscard]] std::optional<Value> find(std::string_view key) const;
  [[nodiscard]] std::optional<Value> find(std::int64_t key) const;
  [[nodiscard]] std::optional<Value> find(const Value& key) const;
  [[nodiscard]] bool contains(std::string_view key) const { return find(key).has_value(); }
  [[nodiscard]] Elements elements() const;  ///< of list, tuple, size, set, frozenset, slice, range
  [[nodiscard]] Items items() const;        ///< of dict, in order; of an object, its attributes

  // Objects and globals.
  /// Dotted name of a global, or of an object's class: "argparse.Namespace".
  [[nodiscard]] std::string class_name() const;
  /// Attributes set on a dict (an OrderedDict's `_metadata`) or an object; nothing where there are none.
  [[nodiscard]] std::optional<Value> attribute(std::string_view name) const;

  /// Whether both handles name the same value of the same document.
  [[nodiscard]] bool is(const Value& other) const noexcept {
    return document_ == other.document_ && node_ == other.node_;
  }

  // Change. Exclusive; errors: `wrong_type` where this is not such a container.
  void set(std::string_view key, const Literal& value);
  void set(std::int64_t key, const Literal& value);
  void set(const Value& key, const Literal& value);
  void append(const Literal& value);
  /// Remove an entry of a dict; whether it was there.
  bool erase(std::string_view key);
  void set_attribute(std::string_view name, const Literal& value);

  [[nodiscard]] const std::shared_ptr<tree::Document>& document() const noexcept { return document_; }
  [[nodiscard]] std::uint32_t node() const noexcept { return node_; }

 private:
  std::shared_ptr<tree::Document> document_;
  std::uint32_t node_;
};

struct Value::Item {
  Value key;
  Value value;
};

/// The elements of a sequence, as they were when it was made.
class Value::Elements {
 public:
  Elements(std::shared_ptr<tree::Document> document, std::vector<std::uint32_t> nodes)
      : document_(std::move(document)), nodes_(std::move(nodes)) {}
  class Iterator {
   public:
    Iterator(const Elements* range, std::size_t at) : range_(range), at_(at) {}
    Value operator*() const { return (*range_)[at_]; }
    Iterator& operator++() { ++at_; return *this; }
    bool operator==(const Iterator&) const = default;
   private:
    const Elements* range_;
    std::size_t at_;
  };
  [[nodiscard]] Iterator begin() const { return {this, 0}; }
  [[nodiscard]] Iterator end() const { return {this, nodes_.size()}; }
  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  [[nodiscard]] Value operator[](std::size_t at) const { return {document_, nodes_[at]}; }
 private:
  std::shared_ptr<tree::Document> document_;
  std::vector<std::uint32_t> nodes_;
};

/// The entries of a dict, as they were when it was made.
class Value::Items {
 public:
  Items(std::shared_ptr<tree::Document> document, std::vector<std::uint32_t> pairs)
      : document_(std::move(document)), pairs_(std::move(pairs)) {}
  class Iterator {
   public:
    Iterator(const Items* range, std::size_t at) : range_(range), at_(at) {}
    Item operator*() const { return (*range_)[at_]; }
    Iterator& operator++() { ++at_; return *this; }
    bool operator==(const Iterator&) const = default;
   private:
    const Items* range_;
    std::size_t at_;
  };
  [[nodiscard]] Iterator begin() const { return {this, 0}; }
  [[nodiscard]] Iterator end() const { return {this, size()}; }
  [[nodiscard]] std::size_t size() const noexcept { return pairs_.size() / 2; }
  [[nodiscard]] Item operator[](std::size_t at) const {
    return {Value(document_, pairs_[2 * at]), Value(document_, pairs_[2 * at + 1])};
  }
 private:
  std::shared_ptr<tree::Document> document_;
  std::vector<std::uint32_t> pairs_;
};

/// A place in a tree that may be read or written: what `checkpoint["key"]` gives. Writing through a chain makes the
/// dicts on the way: `fresh["optimizer"]["lr"] = 0.1`.
class Slot {
 public:
  Slot(Value container, std::string key) : container_(std::move(container)), key_(std::move(key)) {}
  Slot& operator=(const Literal& value);
  [[nodiscard]] Slot operator[](std::string_view key);
  /// Element of a sequence, or the value under an integer key of a dict, to be read. Errors: as Value's.
  [[nodiscard]] Value operator[](std::int64_t index) { return get()[index]; }
  [[nodiscard]] Value operator[](int index) { return get()[index]; }
  [[nodiscard]] Value get() const { return container_[key_]; }
  operator Value() const { return get(); }  // NOLINT(google-explicit-constructor): reads as the value
  [[nodiscard]] bool as_bool() const { return get().as_bool(); }
  [[nodiscard]] std::int64_t as_int() const { return get().as_int(); }
  [[nodiscard]] double as_float() const { return get().as_float(); }
  [[nodiscard]] std::string as_str() const { return std::string(get().as_str()); }
  [[nodiscard]] Tensor as_tensor() const { return get().as_tensor(); }
 private:
  Value container_;
  std::string key_;
};

/// One step of the way from the root to a value.
struct PathStep {
  enum class How : std::uint8_t {
    key,        ///< string key of a dict
    index,      ///< integer key of a dict, position in a sequence, position of a key that is no plain value
    attribute,  ///< attribute of an object or of a dict
    other,      ///< another key, by its Python repr: None, (1, 2), 0.5
  };
  How how = How::key;
  std::string text;         ///< key, attribute or repr
  std::int64_t index = 0;   ///< for How::index
};

using Path = std::vector<PathStep>;

}  // namespace v0
}  // namespace sconce
