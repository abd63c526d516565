#include "formats/pytorch/tar_reader.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <unordered_map>

#include "archive/tar_reader.h"
#include "base/checked.h"
#include "base/fail.h"
#include "base/hash.h"
#include "base/slice.h"
#include "formats/pytorch/placed_storages.h"
#include "formats/pytorch/torch_pickle.h"
#include "formats/torch_common/known_names.h"
#include "formats/torch_common/rebuild.h"
#include "formats/torch_common/resolver.h"
#include "formats/torch_common/storage_classes.h"
#include "tensor/shape.h"

namespace sconce::formats::pytorch {

namespace {

using archive::TarEntry;
using tree::Document;
using tree::kNoNode;
using tree::NodeId;

/// Finds what the object pickle names: `str(key)` of a tensor or storage, or a container class with its source.
class TableLoader final : public torch_common::PersistentLoader {
 public:
  explicit TableLoader(Document& document) : document_(document) {}
  std::unordered_map<std::uint64_t, NodeId, NumberHash> table;  // keys are signed, and kept as they are

  NodeId load(std::uint64_t, NodeId id) override {
    if (document_.kind(id) == Kind::tuple) {
      const auto parts = document_.elements(id);
      if (parts.size() == 3 && document_.kind(parts[0]) == Kind::global) return parts[0];
    }
    std::optional<std::int64_t> key;
    if (document_.kind(id) == Kind::integer && !document_.is_big(id)) key = document_.integer_value(id);
    if (document_.kind(id) == Kind::str) {
      const std::string_view text = document_.text(id);
      std::int64_t number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error == std::errc() && end == text.data() + text.size()) key = number;
    }
    const auto found = key ? table.find(static_cast<std::uint64_t>(*key)) : table.end();
    if (found == table.end())
      torch_common::wrong_argument("persistent id", "the key of a tensor or storage of the archive expected");
    return found->second;
  }

 private:
  Document& document_;
};

/// Reads one member's small pickles and numbers. Offsets in messages are those of the file.
class MemberReader {
 public:
  MemberReader(const OpenContext& context, const TarEntry& entry, PickleNotes& notes)
      : context_(context),
        notes_(notes),
        reader_(context.source, entry.offset, entry.offset + entry.size),
        name_(entry.name) {}

  /// A pickle of names and plain values: (key, location, class).
  NodeId pickle() {
    torch_common::ForeignIds ids(*context_.document);
    return run_torch_pickle(context_, reader_, ids, name_, notes_).root;
  }
  std::int64_t count(std::string_view what) {
    const std::uint64_t at = reader_.offset();
    const NodeId node = pickle();
    const Document& document = *context_.document;
    if (document.kind(node) != Kind::integer || document.is_big(node) || document.integer_value(node) < 0)
      wrong(at, "the number of " + std::string(what) + " expected");
    return document.integer_value(node);
  }
  std::int64_t i64() {
    return static_cast<std::int64_t>(with_place(in_record(name_), [&] { return reader_.u64(); }));
  }
  std::int32_t i32() {
    return static_cast<std::int32_t>(with_place(in_record(name_), [&] { return reader_.u32(); }));
  }
  ByteReader& reader() noexcept { return reader_; }
  [[noreturn]] void wrong(std::uint64_t at, std::string message) const {
    ErrorPlace place = at_offset(at);
    place.record = name_;
    fail(ErrorCode::damaged, std::move(message), std::move(place), "the file is damaged; fetch it again");
  }

 private:
  const OpenContext& context_;
  PickleNotes& notes_;
  ByteReader reader_;
  std::string name_;
};

class TarReader {
 public:
  explicit TarReader(const OpenContext& context)
      : context_(context),
        document_(*context.document),
        loader_(document_),
        origin_(document_.keep_origin(std::make_shared<SourceOrigin>(context.source))) {}

  Opened run() {
    const std::vector<TarEntry> entries = archive::read_tar(*context_.source, context_.limits, *context_.budget);
    // Every member is looked up before one is read, so that a file that lacks one says so.
    const TarEntry& storages = member(entries, "storages");
    const TarEntry& tensors = member(entries, "tensors");
    const TarEntry& object = member(entries, "pickle");
    const TarEntry& info = member(entries, "sys_info");
    read_info(info);
    read_storages(storages);
    read_tensors(tensors);
    ByteReader reader(context_.source, object.offset, object.offset + object.size);
    opened_.roots.push_back(run_torch_pickle(context_, reader, loader_, "pickle", notes_).root);
    notes_.tell(opened_.facts);
    opened_.document = context_.document;
    opened_.facts.producer = "PyTorch 0.1.0 to 0.1.9";
    opened_.facts.byte_order = std::endian::little;
    opened_.file = std::make_shared<PlacedStorages>(context_.source, "storages", std::move(places_));
    return std::move(opened_);
  }

 private:
  static const TarEntry& member(const std::vector<TarEntry>& entries, std::string_view name) {
    const auto found = std::ranges::find(entries, name, &TarEntry::name);
    if (found == entries.end())
      fail(ErrorCode::damaged,
           "the tar archive has no member \"" + std::string(name) + "\", which PyTorch 0.1 always writes", {},
           "PyTorch refuses this file, too; save it again");
    return *found;
  }

  void read_info(const TarEntry& entry) {
    MemberReader reader(context_, entry, notes_);
    const NodeId info = reader.pickle();
    if (document_.kind(info) != Kind::dict) reader.wrong(entry.offset, "a dict of system information expected");
    const NodeId little = document_.dict_get(info, "little_endian");
    if (little != kNoNode && document_.kind(little) == Kind::boolean && !document_.boolean_value(little))
      fail(ErrorCode::unsupported, "a tar file that was written on a big-endian machine");
  }

  // n, then n times: (key, location, class), i64 elements, bytes; then a list of views.
  void read_storages(const TarEntry& entry) {
    MemberReader reader(context_, entry, notes_);
    for (std::int64_t left = reader.count("storages"); left > 0; --left) read_storage(reader);
    const std::uint64_t at = reader.reader().offset();
    const NodeId views = reader.pickle();
    if (document_.kind(views) != Kind::list && document_.kind(views) != Kind::tuple)
      reader.wrong(at, "a list of storage views expected");
    for (const NodeId view : document_.elements(views)) add_view(view);
  }

  void read_storage(MemberReader& reader) {
    const std::uint64_t at = reader.reader().offset();
    const NodeId head = reader.pickle();
    if (document_.kind(head) != Kind::tuple) reader.wrong(at, "(key, location, storage class) expected");
    const torch_common::Arguments parts(document_, "storage of a tar file", document_.elements(head));
    parts.expect_count(3, 3);
    const auto cls = parts.kind(2) == Kind::global
                         ? torch_common::storage_class(document_.global_record(parts.node(2)).name)
                         : std::nullopt;
    if (!cls || !cls->dtype) reader.wrong(at, "a storage class of PyTorch expected");
    const std::int64_t numel = reader.i64();
    const auto nbytes =
        numel < 0 ? std::nullopt : torch_common::storage_nbytes(*cls, static_cast<std::uint64_t>(numel));
    if (!nbytes || !reader.reader().has(*nbytes))
      reader.wrong(at, "a storage of " + std::to_string(numel) + " elements does not fit into the member");
    StorageData data;
    data.origin = origin_;
    data.handle = reader.reader().offset();
    data.nbytes = *nbytes;
    data.location = document_.location(parts.text(1));
    data.dtype = *cls->dtype;
    data.typed = true;
    data.byte_order = std::endian::little;
    const std::uint32_t number = document_.new_storage(data);
    places_.push_back({number, data.handle, data.nbytes});
    add(parts.integer(0), document_.storage(number), "storage");
    reader.reader().seek(data.handle + data.nbytes);
  }

  // (target key, root key, offset, elements)
  void add_view(NodeId view) {
    if (document_.kind(view) != Kind::tuple) torch_common::wrong_argument("storage view", "a tuple expected");
    const torch_common::Arguments parts(document_, "storage view", document_.elements(view));
    parts.expect_count(4, 4);
    const NodeId root = find_storage(parts.integer(1));
    const tree::StorageSlice slice = document_.storage_slice(root);
    const std::uint64_t unit = element_size(*document_.storage_at(document_.storage_number(root)).dtype());
    const std::int64_t offset = parts.integer(2);
    const std::int64_t numel = parts.integer(3);
    if (offset < 0 || numel < 0 ||
        !fits(static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(numel), slice.nbytes / unit))
      torch_common::wrong_argument("storage view", "it does not lie inside its storage");
    add(parts.integer(0),
        document_.storage(document_.storage_number(root), {slice.offset + static_cast<std::uint64_t>(offset) * unit,
                                                           static_cast<std::uint64_t>(numel) * unit}),
        "storage");
  }

  // n, then n times: (key, storage key, class), i32 dimensions, 4 bytes, sizes, strides, offset.
  void read_tensors(const TarEntry& entry) {
    MemberReader reader(context_, entry, notes_);
    for (std::int64_t left = reader.count("tensors"); left > 0; --left) read_tensor(reader);
  }

  void read_tensor(MemberReader& reader) {
    const std::uint64_t at = reader.reader().offset();
    const NodeId head = reader.pickle();
    if (document_.kind(head) != Kind::tuple) reader.wrong(at, "(key, storage key, tensor class) expected");
    const torch_common::Arguments parts(document_, "tensor of a tar file", document_.elements(head));
    parts.expect_count(3, 3);
    // PyTorch 0.1.1 wrote the class before the storage.
    const bool class_last = parts.kind(2) == Kind::global;
    const std::size_t storage_at = class_last ? 1 : 2;
    const std::int32_t ndim = reader.i32();
    (void)reader.i32();
    if (ndim < 0 || static_cast<std::size_t>(ndim) > tensor::kMaxDims)
      reader.wrong(at, "at most 64 dimensions expected");
    std::vector<std::int64_t> shape(static_cast<std::size_t>(ndim));
    std::vector<std::int64_t> strides(static_cast<std::size_t>(ndim));
    for (std::int64_t& size : shape) size = reader.i64();
    for (std::int64_t& stride : strides) stride = reader.i64();
    const std::int64_t offset = reader.i64();
    if (parts.kind(storage_at) == Kind::none)
      return add(parts.integer(0), empty_tensor(parts.node(class_last ? 2 : 1)), "tensor");
    const NodeId storage = find_storage(parts.integer(storage_at));
    const DType dtype = *document_.storage_at(document_.storage_number(storage)).dtype();
    add(parts.integer(0),
        torch_common::strided_tensor(document_, storage, dtype, offset, shape, strides, "tensor of a tar file"),
        "tensor");
  }

  /// A tensor that never had a storage.
  NodeId empty_tensor(NodeId cls) {
    std::string_view name =
        document_.kind(cls) == Kind::global ? document_.global_record(cls).name : std::string_view();
    if (name.ends_with("Tensor")) name.remove_suffix(6);
    const auto type = torch_common::storage_class(std::string(name) + "Storage");
    StorageData data;
    if (type && type->dtype) data.dtype = *type->dtype;
    data.typed = true;
    data.byte_order = std::endian::little;
    tree::TensorRecord record;
    record.dtype = data.dtype;
    record.storage = document_.new_storage(data);
    const std::int64_t shape[] = {0};
    return document_.tensor(record, shape, tensor::contiguous_strides(shape));
  }

  NodeId find_storage(std::int64_t key) const {
    const auto found = loader_.table.find(static_cast<std::uint64_t>(key));
    if (found == loader_.table.end() || document_.kind(found->second) != Kind::storage)
      torch_common::wrong_argument("tar file", "storage " + std::to_string(key) + " is not in the archive");
    return found->second;
  }

  void add(std::int64_t key, NodeId node, std::string_view what) {
    document_.budget().charge(48);
    if (!loader_.table.emplace(static_cast<std::uint64_t>(key), node).second)
      torch_common::wrong_argument("tar file", "two entries have the key " + std::to_string(key) +
                                                   " (the second is a " + std::string(what) + ")");
  }

  const OpenContext& context_;
  Document& document_;
  TableLoader loader_;
  const StorageOrigin* origin_;
  Opened opened_;
  PickleNotes notes_;
  std::vector<StoragePlace> places_;
};

}  // namespace

bool is_torch_tar(const Sniff& sniff) {
  if (sniff.head.size() < 512 || !archive::is_tar_header(std::string_view(sniff.head).substr(0, 512))) return false;
  // Names of the first member that PyTorch writes; another tar is somebody else's.
  try {
    MemoryBudget budget;
    for (const TarEntry& entry : archive::read_tar(*sniff.source, {}, budget))
      if (entry.name == "pickle" || entry.name == "sys_info" || entry.name == "storages") return true;
  } catch (const Error&) {
    return true;  // a damaged tar: its own reader says how
  }
  return false;
}

Opened open_torch_tar(const OpenContext& context) { return TarReader(context).run(); }

}  // namespace sconce::formats::pytorch
