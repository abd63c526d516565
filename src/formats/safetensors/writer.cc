#include "formats/safetensors/writer.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include <sconce/structure.h>

#include "base/endian.h"
#include "base/fail.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "formats/safetensors/contents.h"
#include "formats/safetensors/header.h"
#include "formats/safetensors/names.h"
#include "formats/safetensors/outline.h"
#include "formats/safetensors/sidecar.h"
#include "formats/storage_home.h"
#include "tensor/elements.h"
#include "tensor/tensor_data.h"

namespace sconce::formats::safetensors {

namespace {

using tree::Document;
using tree::NodeId;

constexpr std::uint64_t kLongestRecord = std::uint64_t{1} << 20;

/// One name of a file and what stands under it.
struct Line {
  const std::string* name;
  const HeldTensor* held;
};

class ElementPayload final : public io::Payload {
 public:
  ElementPayload(Tensor tensor, std::string key, std::optional<std::uint32_t> crc32)
      : tensor_(std::move(tensor)), key_(std::move(key)), crc32_(crc32) {}
  [[nodiscard]] SourcePtr open() const override { return tensor::element_source(tensor_); }
  [[nodiscard]] std::optional<std::uint32_t> expected_crc32() const override { return crc32_; }
  [[nodiscard]] Home home() const override { return home_of(tensor_.storage()); }
  [[nodiscard]] std::string record() const override { return tensor_.storage().record(); }
  [[nodiscard]] std::string key() const override { return key_; }

 private:
  Tensor tensor_;
  std::string key_;
  std::optional<std::uint32_t> crc32_;
};

/// A whole storage, read to check it.
class StoragePayload final : public io::Payload {
 public:
  StoragePayload(Storage storage, std::string key) : storage_(std::move(storage)), key_(std::move(key)) {}
  [[nodiscard]] SourcePtr open() const override { return open_storage(*storage_.data()); }
  [[nodiscard]] std::optional<std::uint32_t> expected_crc32() const override {
    const auto recorded = storage_.checksum();
    return recorded ? std::optional(recorded->crc32) : std::nullopt;
  }
  [[nodiscard]] Home home() const override { return home_of(storage_); }
  [[nodiscard]] std::string record() const override { return storage_.record(); }
  [[nodiscard]] std::string key() const override { return key_; }

 private:
  Storage storage_;
  std::string key_;
};

// -------------------------------------------------------------------------------------------------- what is lost

std::string describe_loss(const Document& document, NodeId id) {
  if (document.kind(id) == Kind::object) return "an object of class " + document.class_name(id);
  if (document.kind(id) != Kind::tensor) return "a " + std::string(sconce::to_string(document.kind(id)));
  const tree::TensorRecord& record = document.tensor_record(id);
  if (record.meta) return "a meta tensor, which has no bytes";
  return "a tensor of layout " + std::string(sconce::to_string(record.layout)) + ", which has no bytes of its own";
}

void add_node_losses(const PlanContext& context, std::span<const NodeId> nodes, std::string_view what_of_it,
                     std::vector<std::string>& losses) {
  if (nodes.empty()) return;
  std::vector<PathTo> paths = paths_to(context.document, context.roots, context.limits);
  std::ranges::stable_sort(paths, {}, &PathTo::node);
  for (const NodeId id : nodes) {
    const auto path = std::ranges::lower_bound(paths, id, {}, &PathTo::node);
    std::string where = path != paths.end() && path->node == id ? path->path : "inside of a key";
    if (where.empty()) where = "the file's object itself";
    losses.push_back(where + ": " + describe_loss(context.document, id) + std::string(what_of_it));
  }
}

std::vector<NodeId> objects_of(const PlanContext& context, const Outline& outline) {
  std::vector<NodeId> objects;
  for (const NodeId id : outline.nodes())
    if (context.document.kind(id) == Kind::object) objects.push_back(id);
  return objects;
}

/// What stands beside the tree, as an entry of the metadata; nothing where it is no text. Metadata of a safetensors
/// file that became records of a .pt is metadata again; other records must be short, as every reader holds the header
/// in memory.
std::optional<std::string> metadata_text(const FileFacts& facts, const ExtraPart& extra) {
  const bool ours = facts.format == "safetensors" || extra.name == kStructurePart;
  const std::uint64_t most = ours ? kMaxHeader : kLongestRecord;
  if (extra.name == kSidecarKey || !is_utf8(extra.name) || extra.bytes->size() > most) return std::nullopt;
  std::string text(static_cast<std::size_t>(extra.bytes->size()), '\0');
  extra.bytes->read_at(0, std::as_writable_bytes(std::span(text)));
  if (!is_utf8(text)) return std::nullopt;
  return text;
}

void add_extra_losses(const FileFacts& facts, std::vector<std::string>& losses) {
  if (facts.format == "safetensors") return;
  for (const ExtraPart& extra : facts.extras)
    if (!metadata_text(facts, extra)) losses.push_back("extra record " + extra.name);
}

void settle_losses(const PlanContext& context, const Outline& outline) {
  std::vector<std::string> losses;
  add_node_losses(context, objects_of(context, outline), " (its parts are kept in a dict)", losses);
  add_node_losses(context, outline.lost(), "", losses);
  add_extra_losses(context.facts, losses);
  if (losses.empty()) return;
  if (context.options.drop) {
    std::ranges::move(losses, std::back_inserter(context.report.dropped));
    return;
  }
  fail(ErrorCode::unsupported,
       "safetensors cannot hold " + std::to_string(losses.size()) + " of the file's values: " + listed(losses), {},
       "leave them out with --drop (SaveOptions::drop), or convert to pytorch-zip, which holds everything");
}

// ---------------------------------------------------------------------------------------------------- the header

std::vector<Line> sorted_lines(const Contents& contents) {
  std::vector<Line> lines;
  for (const HeldTensor& held : contents.tensors)
    for (const std::string& name : held.names) lines.push_back({&name, &held});
  std::ranges::sort(lines, [](const Line& a, const Line& b) {
    if (a.held->spelling.code != b.held->spelling.code) return a.held->spelling.code > b.held->spelling.code;
    return *a.name < *b.name;
  });
  return lines;
}

/// Whether the header alone gives the tree back: a dict of plain tensors in the order of the file.
bool says_all(const PlanContext& context, const Contents& contents, std::span<const Line> lines) {
  const Document& document = context.document;
  if (context.roots.size() != 1 || document.kind(context.roots[0]) != Kind::dict || !contents.storages.empty())
    return false;
  const tree::DictRecord& dict = document.dict_record(context.roots[0]);
  if (dict.flavor != DictFlavor::dict || dict.attributes != tree::kNoNode || dict.count != lines.size()) return false;
  for (std::size_t at = 0; at < lines.size(); ++at) {
    const NodeId key = dict.pairs[2 * at];
    const NodeId value = dict.pairs[2 * at + 1];
    if (document.kind(key) != Kind::str || document.str_kind(key) != tree::StrKind::unicode) return false;
    if (document.text(key) != *lines[at].name || lines[at].held->node != value) return false;
    if (lines[at].held->names.size() != 1) return false;
    const tree::TensorRecord& record = document.tensor_record(value);
    if (record.layout != Layout::strided || record.parameter || record.requires_grad || record.numpy ||
        record.extra != nullptr || !lines[at].held->spelling.exact)
      return false;
  }
  return true;
}

std::vector<std::pair<std::string, std::string>> kept_metadata(const FileFacts& facts) {
  std::vector<std::pair<std::string, std::string>> metadata;
  std::set<std::string_view> seen;
  for (const ExtraPart& extra : facts.extras)
    if (const auto text = metadata_text(facts, extra); text && seen.insert(extra.name).second)
      metadata.emplace_back(extra.name, *text);
  // Libraries that load such files for PyTorch ask for this entry. A safetensors file that had none stays as it was.
  if (facts.format != "safetensors" && !seen.contains("format")) metadata.emplace(metadata.begin(), "format", "pt");
  return metadata;
}

void add_line(JsonWriter& json, const Line& line, std::uint64_t begin, std::uint64_t end) {
  json.key(*line.name).begin_object().member("dtype", to_string(line.held->spelling.code));
  json.key("shape").begin_array();
  for (const std::int64_t size : line.held->spelling.shape) json.value(size);
  json.end_array().key("data_offsets").begin_array().value(begin).value(end).end_array().end_object();
}

std::string header_text(const std::vector<std::pair<std::string, std::string>>& metadata, std::span<const Line> lines) {
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  if (!metadata.empty()) {
    json.key(kMetadataKey).begin_object();
    for (const auto& [key, value] : metadata) json.member(key, value);
    json.end_object();
  }
  std::uint64_t begin = 0;
  for (const Line& line : lines) {
    const std::uint64_t size = tensor::elements_nbytes(*line.held->tensor.data_handle());
    const auto end = begin + size;
    if (end < begin) fail(ErrorCode::limit, "the tensors, laid out in full, take more than 2^64 bytes");
    add_line(json, line, begin, end);
    begin = end;
  }
  json.end_object();
  text.resize((text.size() + kLengthField - 1) / kLengthField * kLengthField, ' ');
  if (text.size() > kMaxHeader)
    fail(ErrorCode::unsupported,
         "the header would take " + std::to_string(text.size()) + " bytes, and the format allows " +
             std::to_string(kMaxHeader),
         {}, "convert to pytorch-zip, or split the model");
  return text;
}

// ------------------------------------------------------------------------------------------------------ the data

/// Adds the elements; the bytes of every storage that has a checksum are checked once, whatever is taken of them.
void add_elements(io::WritePlan& plan, std::span<const Line> lines) {
  std::set<const StorageData*> checked;
  for (const Line& line : lines) {
    const TensorData& data = *line.held->tensor.data_handle();
    const std::uint64_t size = tensor::elements_nbytes(data);
    if (size == 0) continue;
    std::optional<std::uint32_t> crc32;
    const bool whole = tensor::is_plain(data) && size == data.storage.nbytes();
    if (const auto recorded = data.storage.checksum();
        recorded && whole && checked.insert(data.storage.data().get()).second)
      crc32 = recorded->crc32;
    plan.add_payload(std::make_shared<ElementPayload>(line.held->tensor, *line.name, crc32), size);
  }
  for (const Line& line : lines) {
    const Storage& storage = line.held->tensor.storage();
    if (storage.nbytes() != 0 && storage.checksum() && checked.insert(storage.data().get()).second)
      plan.add_check(std::make_shared<StoragePayload>(storage, *line.name), storage.nbytes());
  }
}

void note_copies(const Contents& contents, SaveReport& report) {
  std::uint64_t copies = 0;
  for (const HeldTensor& held : contents.tensors) copies += held.names.size() - 1;
  if (copies != 0)
    report.notes.push_back(std::to_string(copies) + (copies == 1 ? " name leads" : " names lead") +
                           " to a tensor that has another name, too; the format has its bytes twice");
}

}  // namespace

io::WritePlan plan_safetensors(const PlanContext& context) {
  const Outline outline(context.document, context.roots, true);
  settle_losses(context, outline);
  const Contents contents = contents_of(context, outline);
  note_copies(contents, context.report);
  const std::vector<Line> lines = sorted_lines(contents);
  auto metadata = kept_metadata(context.facts);
  if (!says_all(context, contents, lines)) metadata.emplace_back(kSidecarKey, sidecar_of(context, outline, contents));

  const std::string header = header_text(metadata, lines);
  std::string length;
  append_le<std::uint64_t>(length, header.size());
  io::WritePlan plan;
  plan.add_literal(length);
  plan.add_literal(header);
  add_elements(plan, lines);
  return plan;
}

}  // namespace sconce::formats::safetensors
