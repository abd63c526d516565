#include "formats/safetensors/reader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/endian.h"
#include "base/slice.h"
#include "formats/safetensors/header.h"
#include "formats/safetensors/sidecar.h"
#include "tree/document.h"

namespace sconce::formats::safetensors {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// The data of one tensor.
struct Place {
  std::string name;
  std::uint64_t offset;  ///< in the file
  std::uint64_t size;
};

class SafetensorsFile final : public OpenedFile {
 public:
  SafetensorsFile(SourcePtr source, std::vector<Place> places)
      : source_(std::move(source)), places_(std::move(places)) {}

  [[nodiscard]] std::vector<RecordCheck> records(const std::vector<bool>&) const override {
    std::vector<RecordCheck> checks;
    checks.reserve(places_.size());
    for (const Place& place : places_) {
      RecordCheck check;
      check.record = place.name;
      check.file_offset = place.offset;
      check.size = place.size;
      check.open = [source = source_, place] { return OpenedRecord{slice(source, place.offset, place.size), {}}; };
      checks.push_back(std::move(check));
    }
    return checks;
  }

 private:
  SourcePtr source_;
  std::vector<Place> places_;
};

/// The tensors by name, in the order of the header, each with a storage of its own.
tree::NodeId plain_tree(tree::Document& document, const Header& header, const StorageOrigin* origin) {
  const tree::NodeId root = document.dict();
  for (const TensorEntry& entry : header.tensors()) {
    StorageData data;
    data.origin = origin;
    data.handle = header.data_begin() + entry.begin;
    data.nbytes = entry.nbytes();
    data.dtype = dtype_of(entry.code);
    data.typed = true;
    data.byte_order = std::endian::little;
    tree::TensorRecord record;
    record.dtype = data.dtype;
    record.storage = document.new_storage(data);
    const tree::NodeId tensor = document.tensor(record, header.shape(entry), {});
    (void)document.dict_set(root, document.str(entry.name), tensor);
  }
  return root;
}

void add_facts(const Header& header, FileFacts& facts) {
  facts.byte_order = std::endian::little;
  for (const auto& [key, value] : header.metadata())
    if (key != kSidecarKey) facts.extras.push_back({key, string_source(value, key)});
  if (header.unknown_members() != 0)
    facts.notes.push_back("the header has " + std::to_string(header.unknown_members()) +
                          " members that the format does not know; every reader passes over them");
}

/// The tree that was saved, where Sconce wrote the file and nobody changed it since.
std::vector<tree::NodeId> saved_tree(tree::Document& document, const Header& header, const SourcePtr& source,
                                     const StorageOrigin* origin, FileFacts& facts) {
  const auto sidecar = std::ranges::find(header.metadata(), kSidecarKey, [](const auto& entry) { return entry.first; });
  if (sidecar == header.metadata().end()) return {};
  facts.producer = "Sconce";
  try {
    return restore_tree(document, sidecar->second, header, source, origin);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::damaged) throw;
    facts.notes.push_back(
        "the tree under __metadata__[\"sconce\"] is not that of this file, which another program may "
        "have changed, and is passed over: " +
        error.message());
    return {};
  }
}

}  // namespace

bool is_safetensors(const Sniff& sniff) {
  std::string_view head = sniff.head;
  if (head.size() <= kLengthField) return false;
  const auto length = load_le<std::uint64_t>(head.data());
  head.remove_prefix(kLengthField);
  if (head.starts_with(kByteOrderMark)) head.remove_prefix(kByteOrderMark.size());
  head.remove_prefix(std::min(head.find_first_not_of(kBlanks), head.size()));
  if (!head.starts_with('{')) return false;
  if (length >> 40 == 0) return true;
  // No such header can be, and the first eight bytes may be text: only what looks like a header is a damaged one.
  head.remove_prefix(1);
  head.remove_prefix(std::min(head.find_first_not_of(kBlanks), head.size()));
  return head.starts_with('"') || head.starts_with('}');
}

Opened open_safetensors(const OpenContext& context) {
  Opened opened;
  opened.document = context.document;
  tree::Document& document = *context.document;
  const Header header(context.source, *context.budget);
  add_facts(header, opened.facts);
  const StorageOrigin* origin = document.keep_origin(std::make_shared<SourceOrigin>(context.source));
  opened.roots = saved_tree(document, header, context.source, origin, opened.facts);
  if (opened.roots.empty()) {
    opened.facts.only_tensors = true;
    opened.roots.push_back(plain_tree(document, header, origin));
  }

  std::vector<Place> places;
  for (const TensorEntry& entry : header.tensors())
    places.push_back({std::string(entry.name), header.data_begin() + entry.begin, entry.nbytes()});
  opened.file = std::make_shared<SafetensorsFile>(context.source, std::move(places));
  return opened;
}

}  // namespace sconce::formats::safetensors
