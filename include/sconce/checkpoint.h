// A checkpoint: one file's tree of values, what is known of the file, and the names that lead to its tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sconce/byte_source.h>
#include <sconce/export.h>
#include <sconce/options.h>
#include <sconce/tensor.h>
#include <sconce/transfer.h>
#include <sconce/value.h>

namespace sconce {
inline namespace v0 SCONCE_API {

/// Something that would be imported, called or given state if Python loaded the file. Sconce does none of it.
struct CallFact {
  enum class What : std::uint8_t { import, call, state };
  /// What a callable is known to do, or not known.
  enum class Effect : std::uint8_t {
    data,     ///< builds a value: torch's rebuild functions, containers, NumPy arrays
    unknown,  ///< a class or function that Sconce does not know; kept as data
    effect,   ///< known to execute, import, read, write or send; never written to a new file
  };
  What what = What::call;
  Effect effect = Effect::unknown;
  std::string name;          ///< dotted, as Python 3 names it: "torch._utils._rebuild_tensor_v2"
  std::string record;        ///< entry of the archive whose stream does it; empty for the file itself
  std::uint64_t offset = 0;  ///< byte offset of the first time, in `record`
  std::uint64_t count = 0;   ///< how many times
};

[[nodiscard]] std::string_view to_string(CallFact::What what) noexcept;
[[nodiscard]] std::string_view to_string(CallFact::Effect effect) noexcept;

/// Bytes that stand beside the tree: an extra record of an archive, an entry of safetensors' `__metadata__`.
struct ExtraPart {
  std::string name;  ///< record without the archive's root folder, or metadata key
  SourcePtr bytes;
};

/// What is known of the file that a checkpoint came from. Everything is empty for one made in memory.
struct FileFacts {
  std::string name;    ///< path or name of the source
  std::string format;  ///< "pytorch-zip", "safetensors" …: names in docs/json.md
  std::uint64_t bytes = 0;
  std::optional<std::endian> byte_order;  ///< of tensor data
  std::string producer;                   ///< who wrote it, as far as the bytes say
  std::string root;                       ///< folder inside a zip archive
  bool only_tensors = false;              ///< the file can hold tensors by name and nothing else: no other values,
                                          ///< no two tensors that share a storage
  std::vector<std::string> notes;         ///< oddities that are no errors, for people
  std::vector<CallFact> calls;
  std::vector<ExtraPart> extras;
};

/// The tensors of a model by name, in the order of the file, as `load_state_dict` expects them.
class StateDict {
 public:
  StateDict() = default;
  explicit StateDict(std::vector<NamedTensor> tensors, std::string path = {}, std::vector<std::string> others = {})
      : tensors_(std::move(tensors)), path_(std::move(path)), others_(std::move(others)) {}
  [[nodiscard]] auto begin() const noexcept { return tensors_.begin(); }
  [[nodiscard]] auto end() const noexcept { return tensors_.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return tensors_.size(); }
  [[nodiscard]] bool empty() const noexcept { return tensors_.empty(); }
  /// Errors: `not_found`, with the nearest names.
  [[nodiscard]] const Tensor& operator[](std::string_view name) const;
  [[nodiscard]] bool contains(std::string_view name) const noexcept;
  /// Where in the tree it was found: "" for the root, "state_dict", "model" …
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Names of entries that are no tensors (`_extra_state` …).
  [[nodiscard]] const std::vector<std::string>& others() const noexcept { return others_; }

 private:
  std::vector<NamedTensor> tensors_;
  std::string path_;
  std::vector<std::string> others_;
};

/// A leaf of the tree as a walk meets it; valid during the call only.
class Leaf {
 public:
  virtual ~Leaf();
  /// Path joined with '.', as every command shows it.
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual Path path() const = 0;
  [[nodiscard]] virtual Kind kind() const = 0;
  [[nodiscard]] virtual Value value() const = 0;
  /// For a tensor, a part of one, or a bare storage (one dimension; uint8 where untyped). Errors: `wrong_type`.
  [[nodiscard]] virtual Tensor tensor() const = 0;
  [[nodiscard]] virtual bool is_tensor() const = 0;
  /// Number of the storage within the walk: equal for tensors that share; nothing where there is none.
  [[nodiscard]] virtual std::optional<std::uint64_t> storage_number() const = 0;
};

/// What a walk should meet.
struct WalkOptions {
  bool tensors = true;
  bool values = true;  ///< leaves that are no tensors
  bool parts = true;   ///< the tensors that a sparse or quantised tensor is made of, after it
};

/// How a walk ended.
struct WalkResult {
  bool complete = true;  ///< false where Limits::paths ended it
  std::uint64_t tensors = 0;
  std::uint64_t values = 0;
};

/// One document, the facts of its file, and a lazily built index of names.
///
/// Copies share the document (as Python variables share a dict). Thread rule: const use from many threads is safe.
class Checkpoint {
 public:
  /// An empty dict, to be filled and saved.
  Checkpoint();
  struct State;  // not public
  explicit Checkpoint(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}

  /// The object that `torch.load` would return. Where a file holds several behind one another, the first.
  [[nodiscard]] Value root() const;
  [[nodiscard]] std::vector<Value> roots() const;
  void set_root(const Literal& value);

  [[nodiscard]] Slot operator[](std::string_view key) { return {root(), std::string(key)}; }
  [[nodiscard]] Value operator[](std::string_view key) const { return root()[key]; }

  /// The model's tensors: the root where it is a state_dict or a module, or the one dict inside that is. `which` names
  /// one by its path ("ema", "model") where there are several. Errors: `not_found`, with the candidates.
  [[nodiscard]] StateDict state_dict(std::string_view which = {}) const;

  /// The tensor at a dotted path ("model.conv1.weight"); the longest key is tried first. Errors: `not_found` (with the
  /// nearest names; or where two paths read alike: then give the steps one by one), `wrong_type`. Where the file holds
  /// several objects, a name begins with the object's number, as in walk(); one that does not is of the first.
  [[nodiscard]] Tensor tensor(std::string_view name) const;
  [[nodiscard]] Tensor tensor(std::initializer_list<std::string_view> steps) const;
  /// The value at a dotted path; same rules.
  [[nodiscard]] Value at(std::string_view name) const;
  [[nodiscard]] Value at(const Path& path) const;
  /// Every tensor at every path that leads to it, in the order of the tree.
  [[nodiscard]] std::vector<NamedTensor> tensors() const;

  /// Visit the leaves in the order of the tree, each at every path that leads to it; cycles are cut. The visitor
  /// returns whether to go on.
  WalkResult walk(const WalkOptions& options, const std::function<bool(const Leaf&)>& visit) const;

  /// Move every storage to where `options.map_location` says, cast and arranged as the other options say. In place, as
  /// Module.to() in PyTorch; all or nothing: on an Error, the checkpoint is as it was. Tensors that were taken out
  /// before keep what they had. Exclusive: nobody else may use this document meanwhile.
  ///
  /// Errors: `unsupported` (no such device), `memory` (before anything is read, with what would fit), `checksum`,
  /// `invalid_argument` (rules that contradict each other for one storage), `damaged` (the file changed meanwhile),
  /// `device`, `cancelled`, and those of reading.
  MoveReport to(const MoveOptions& options);
  MoveReport to(const MapLocation& where);
  /// Other dtypes and orders of elements, in place, and without reading anything: bytes are cast whenever they are
  /// read. The saved location stays. Returns what was changed and what was left as it was, for people. Errors:
  /// `invalid_argument`, `unsupported`, as to(). Exclusive.
  std::vector<std::string> cast(const std::vector<CastRule>& rules, MemoryFormat format = MemoryFormat::preserve);
  /// What became of numbers that a new dtype could not hold, over all reads since cast(): an element that is read twice
  /// counts twice.
  [[nodiscard]] CastCounts cast_counts() const;
  /// What to() would do: where everything goes, bytes, memory and expected time. Reads no tensor.
  [[nodiscard]] MoveReport plan_move(const MoveOptions& options) const;

  [[nodiscard]] const FileFacts& file() const;
  /// Bytes of tensor data in the file that no tensor of the tree shows: the rest of storages of which only views were
  /// saved, and records that nothing names. Walks the tree.
  [[nodiscard]] std::uint64_t unreferenced_bytes() const;
  [[nodiscard]] const std::shared_ptr<State>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<State> state_;
};

/// Open a checkpoint of any format that Sconce reads, recognised by its content. Lazy: the archive's directory and the
/// pickle are read and checked, no tensor byte is.
///
/// Errors: `io`; `truncated`, `damaged`, `limit` with file, offset, record and key; `unsupported` for what is plainly
/// something else, by name.
[[nodiscard]] Checkpoint load(const std::string& path, const LoadOptions& options = {});
/// The same from any source: memory_source(), open_descriptor(), open_stream(), or one of your own.
[[nodiscard]] Checkpoint load(SourcePtr source, const LoadOptions& options = {});

}  // namespace SCONCE_API
}  // namespace sconce
