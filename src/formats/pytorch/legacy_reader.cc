#include "formats/pytorch/legacy_reader.h"

#include <string>
#include <unordered_map>

#include "base/fail.h"
#include "base/slice.h"
#include "formats/pytorch/placed_storages.h"
#include "formats/pytorch/torch_pickle.h"
#include "formats/torch_common/arguments.h"

namespace sconce::formats::pytorch {

namespace {

using torch_common::StorageId;
using tree::Document;
using tree::NodeId;

// 0x1950a86a20f9469cfc6c as a pickle's integer has it: two's complement, little-endian.
constexpr std::string_view kMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
constexpr std::int64_t kProtocol = 1001;

bool is_magic(const Document& document, NodeId node) {
  return document.kind(node) == Kind::integer && document.is_big(node) && document.text(node) == kMagic;
}

/// Storages follow the pickle; where they lie is learned after it.
class StreamStorages final : public torch_common::StorageLoader {
 public:
  StreamStorages(Document& document, const StorageOrigin* origin, FileFacts& facts)
      : StorageLoader(document), origin_(origin), facts_(facts) {}

  struct Waiting {
    std::uint32_t storage;
    std::uint64_t numel;
    bool placed = false;
  };
  std::unordered_map<NodeId, Waiting> waiting;  // by key

 protected:
  std::uint32_t first_seen(const StorageId& id) override {
    StorageData data;
    data.origin = origin_;
    data.nbytes = id.nbytes;
    data.location = document_.location(id.location);
    data.typed = id.cls.dtype.has_value();
    if (data.typed) data.dtype = *id.cls.dtype;
    data.byte_order = std::endian::little;
    const std::uint32_t number = document_.new_storage(data);
    document_.budget().charge(sizeof(Waiting) + 32);
    waiting.emplace(id.key, Waiting{number, id.numel});
    return number;
  }

  bool takes_views() const noexcept override { return true; }

  // ('module', class, source file, source text): once for each class of a whole module. The class is what counts.
  NodeId other(NodeId id, std::string_view tag) override {
    if (tag != "module") return StorageLoader::other(id, tag);
    const auto parts = document_.elements(id);
    if (parts.size() != 4 || document_.kind(parts[1]) != Kind::global || document_.kind(parts[3]) != Kind::str)
      torch_common::wrong_argument("persistent id", "('module', class, source file, source text) expected");
    ExtraPart part{"source/" + document_.class_name(parts[1]), document_.leaf_source(parts[3])};
    constexpr std::uint64_t kSource = 128;  // what leaf_source() makes
    document_.budget().charge(2 * sizeof(ExtraPart) + kSource + part.name.size());
    facts_.extras.push_back(std::move(part));
    return parts[1];
  }

 private:
  const StorageOrigin* origin_;
  FileFacts& facts_;
};

/// Reads the objects of a stream, one behind another.
class StreamReader {
 public:
  explicit StreamReader(const OpenContext& context)
      : context_(context),
        document_(*context.document),
        reader_(context.source),
        origin_(document_.keep_origin(std::make_shared<SourceOrigin>(context.source))) {}

  Opened run() {
    read_header();
    read_object();
    while (!reader_.at_end()) {
      const std::uint64_t at = reader_.offset();
      if (!next_is_magic()) {
        opened_.facts.notes.push_back("bytes follow the last object, from byte " + std::to_string(at) +
                                      " on; PyTorch ignores them");
        break;
      }
      read_header_after_magic();
      read_object();
    }
    notes_.tell(opened_.facts);
    opened_.document = context_.document;
    opened_.facts.byte_order = std::endian::little;
    opened_.file = std::make_shared<PlacedStorages>(context_.source, "", std::move(places_));
    return std::move(opened_);
  }

 private:
  void read_header() {
    if (!is_magic(document_, run_plain_pickle(document_, reader_).root))
      fail(ErrorCode::damaged, "the magic number of a PyTorch stream expected", at_offset(0));
    read_header_after_magic();
  }

  bool next_is_magic() {
    const std::uint64_t at = reader_.offset();
    bool found = false;
    try {
      found = is_magic(document_, run_plain_pickle(document_, reader_).root);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::limit) throw;
    }
    if (!found) reader_.seek(at);
    return found;
  }

  void read_header_after_magic() {
    const std::uint64_t at = reader_.offset();
    const NodeId version = run_plain_pickle(document_, reader_).root;
    if (document_.kind(version) != Kind::integer || document_.is_big(version) ||
        document_.integer_value(version) != kProtocol)
      fail(ErrorCode::damaged, "protocol version 1001 expected behind the magic number", at_offset(at),
           "the file is damaged; fetch it again");
    const std::uint64_t info_at = reader_.offset();
    const NodeId info = run_plain_pickle(document_, reader_).root;
    if (document_.kind(info) != Kind::dict)
      fail(ErrorCode::damaged, "a dict of system information expected behind the version", at_offset(info_at),
           "the file is damaged; fetch it again");
  }

  void read_object() {
    StreamStorages storages(document_, origin_, opened_.facts);
    const pickle::MachineResult result = run_torch_pickle(context_, reader_, storages, {}, notes_);
    opened_.roots.push_back(result.root);
    if (opened_.facts.producer.empty()) opened_.facts.producer = producer(result.protocol);
    read_storages(storages);
  }

  std::string producer(int protocol) const {
    bool version_2 = false;
    for (const CallFact& fact : notes_.calls.facts())
      version_2 = version_2 || fact.name == "torch._utils._rebuild_tensor_v2";
    std::string text = version_2 ? "PyTorch 0.4 or newer" : "PyTorch 0.1.10 or newer";
    if (protocol != 2) text += ", pickle protocol " + std::to_string(protocol);
    return text;
  }

  void read_storages(StreamStorages& storages) {
    const std::uint64_t at = reader_.offset();
    const NodeId keys = run_plain_pickle(document_, reader_).root;
    if (document_.kind(keys) != Kind::list)
      fail(ErrorCode::damaged, "the list of storage keys expected behind the object", at_offset(at),
           "the file is damaged; fetch it again");
    std::size_t placed = 0;
    for (const NodeId key : document_.elements(keys)) {
      place(storages, key);
      ++placed;
    }
    if (placed == storages.waiting.size()) return;
    for (const auto& [key, waiting] : storages.waiting)
      if (!waiting.placed)
        fail(ErrorCode::damaged,
             "storage \"" + std::string(document_.text(key)) +
                 "\" is used by the object, but is not in the list of storages",
             at_offset(at), "the file is damaged; fetch it again");
  }

  void place(StreamStorages& storages, NodeId key) {
    const auto found = document_.kind(key) == Kind::str ? storages.waiting.find(torch_common::key_node(document_, key))
                                                        : storages.waiting.end();
    const std::string name = document_.kind(key) == Kind::str ? std::string(document_.text(key)) : "?";
    if (found == storages.waiting.end() || found->second.placed)
      fail(ErrorCode::damaged,
           "the list of storages names \"" + name + "\"" +
               (found == storages.waiting.end() ? ", which the object does not use" : " twice"),
           at_offset(reader_.offset()), "the file is damaged; fetch it again");
    const std::uint64_t at = reader_.offset();
    StreamStorages::Waiting& waiting = found->second;
    const std::uint64_t nbytes = document_.storage_at(waiting.storage).nbytes();
    const auto numel = with_place(at_offset(at), [&] { return reader_.u64(); });
    if (numel != waiting.numel)
      fail(ErrorCode::damaged,
           "storage \"" + name + "\" has " + std::to_string(numel) + " elements here and " +
               std::to_string(waiting.numel) + " in the object",
           at_offset(at), "the file is damaged; fetch it again");
    if (!reader_.has(nbytes))
      fail(ErrorCode::truncated,
           "storage \"" + name + "\" needs the bytes up to " + std::to_string(reader_.offset() + nbytes) +
               ", but the file ends at byte " + std::to_string(context_.source->size()),
           at_offset(at), "fetch the file again");
    document_.mutable_storage(waiting.storage).handle = reader_.offset();
    places_.push_back({waiting.storage, reader_.offset(), nbytes});
    waiting.placed = true;
    reader_.seek(reader_.offset() + nbytes);
  }

  const OpenContext& context_;
  Document& document_;
  ByteReader reader_;
  const StorageOrigin* origin_;
  Opened opened_;
  PickleNotes notes_;
  std::vector<StoragePlace> places_;
};

}  // namespace

bool is_legacy_stream(const Sniff& sniff) {
  // The magic number can be spelled by any protocol, with or without a frame: run the first pickle and look.
  if (sniff.head.empty()) return false;
  try {
    Document scratch(std::make_shared<MemoryBudget>());
    ByteReader reader(string_source(sniff.head.substr(0, 256)));
    return is_magic(scratch, run_plain_pickle(scratch, reader).root);
  } catch (const Error&) {
    return false;
  }
}

Opened open_legacy_stream(const OpenContext& context) { return StreamReader(context).run(); }

}  // namespace sconce::formats::pytorch
