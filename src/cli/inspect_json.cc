#include <bit>
#include <cstdint>
#include <string_view>

#include "base/fail.h"
#include "base/json_writer.h"
#include "cli/inspect.h"
#include "cli/listing.h"
#include "cli/structure.h"
#include "cli/training_view.h"
#include "cli/value_json.h"

namespace sconce::cli {

namespace {

constexpr int kSchema = 1;

void write_numbers(JsonWriter& json, std::string_view name, std::span<const std::int64_t> numbers) {
  json.key(name).begin_array();
  for (const std::int64_t number : numbers) json.value(number);
  json.end_array();
}

/// Where the bytes are: null for what has none.
void write_place(JsonWriter& json, const ListedTensor& listed) {
  const Tensor& tensor = listed.tensor;
  json.key("storage");
  listed.storage ? json.value(listed.storage->number) : json.null();
  json.member("device", std::string_view(tensor.device())).member("nbytes", tensor.nbytes());
  const std::string record = tensor.has_storage() ? tensor.storage().record() : std::string();
  json.key("record");
  record.empty() ? json.null() : json.value(std::string_view(record));
  const auto offset = tensor.has_storage() ? tensor.storage().file_offset() : std::nullopt;
  json.key("file_offset");
  offset ? json.value(*offset) : json.null();
}

void write_quantisation(JsonWriter& json, const Tensor& tensor) {
  switch (tensor.qscheme()) {
    case QScheme::none: return;
    case QScheme::per_tensor_affine:
      json.member("scale", tensor.q_scale()).member("zero_point", tensor.q_zero_point());
      return;
    case QScheme::per_channel_affine: json.member("axis", tensor.q_axis());
  }
}

void write_tensor(JsonWriter& json, const ListedTensor& listed, bool hash) {
  const Tensor& tensor = listed.tensor;
  const bool strided = tensor.layout() == Layout::strided;
  json.begin_object().member("name", std::string_view(listed.name)).key("path");
  write_path(json, listed.path);
  json.member("dtype", to_string(tensor.dtype()));
  write_numbers(json, "shape", tensor.shape());
  if (strided) {
    write_numbers(json, "stride", tensor.strides());
    json.member("storage_offset", tensor.storage_offset());
  } else {
    json.key("stride").null().key("storage_offset").null();
  }
  write_place(json, listed);
  if (hash) {
    json.key("sha256");
    listed.sha256.empty() ? json.null() : json.value(std::string_view(listed.sha256));
  }
  if (!strided) json.member("layout", to_string(tensor.layout()));
  write_quantisation(json, tensor);
  json.end_object();
}

void write_values(JsonWriter& json, const Checkpoint& checkpoint, const NameFilter& filter, Output& output) {
  WalkOptions values;
  values.tensors = false;
  json.key("values").begin_array();
  checkpoint.walk(values, [&](const Leaf& leaf) {
    if (!filter(leaf.name())) return true;
    json.begin_object().member("name", leaf.name()).key("path");
    write_path(json, leaf.path());
    json.member("type", to_string(leaf.kind())).key("value");
    write_leaf(json, leaf.value());
    json.end_object();
    output.flush_if_large();
    return !output.closed();
  });
  json.end_array();
}

void write_calls(JsonWriter& json, const FileFacts& facts) {
  json.key("calls").begin_array();
  for (const CallFact& call : facts.calls) {
    json.begin_object().member("name", std::string_view(call.name)).member("what", to_string(call.what));
    json.member("effect", to_string(call.effect)).key("record");
    call.record.empty() ? json.null() : json.value(std::string_view(call.record));
    json.member("offset", call.offset).member("count", call.count).end_object();
  }
  json.end_array();
}

void write_head(JsonWriter& json, const FileFacts& facts) {
  json.member("format", std::string_view(facts.format)).member("sconce", kSchema);
  json.member("file", std::string_view(facts.name)).member("bytes", facts.bytes).key("byteorder");
  if (facts.byte_order)
    json.value(*facts.byte_order == std::endian::little ? "little" : "big");
  else
    json.null();
  if (!facts.producer.empty()) json.member("producer", std::string_view(facts.producer));
}

void write_beside(JsonWriter& json, const FileFacts& facts) {
  json.key("extras").begin_array();
  for (const ExtraPart& extra : facts.extras)
    json.begin_object().member("name", std::string_view(extra.name)).member("bytes", extra.bytes->size()).end_object();
  json.end_array().key("notes").begin_array();
  for (const std::string& note : facts.notes) json.value(std::string_view(note));
  json.end_array();
}

/// With --tree: one object for each model.
void write_structures(JsonWriter& json, const Checkpoint& checkpoint, Output& output) {
  const Structures structures = structures_of(checkpoint);
  json.key("structure").begin_array();
  for (const ModuleTree& tree : structures.trees) {
    json.raw(to_json(tree));
    output.flush_if_large();
  }
  json.end_array();
}

}  // namespace

void inspect_json(const Checkpoint& checkpoint, const Arguments& arguments, ProgressBar& progress, Output& output) {
  const NameFilter filter(arguments);
  const ListingOptions options{.hash = arguments.has("hash"), .paths = true};
  JsonWriter json(output.text());
  json.begin_object();
  write_head(json, checkpoint.file());
  json.key("tensors").begin_array();
  const WalkResult walked =
      list_tensors(checkpoint, filter, options, progress.function(), [&](const ListedTensor& listed) {
        ErrorPlace place;
        if (!listed.name.empty()) place.key = listed.name;
        with_place(place, [&] { write_tensor(json, listed, options.hash); });
        output.flush_if_large();
      });
  json.end_array().member("unreferenced_bytes", checkpoint.unreferenced_bytes());
  write_values(json, checkpoint, filter, output);
  write_training(json, checkpoint, output);
  if (arguments.has("tree")) write_structures(json, checkpoint, output);
  write_calls(json, checkpoint.file());
  write_beside(json, checkpoint.file());
  // Only where a listing was ended by Limits::paths.
  if (!walked.complete) json.member("complete", false);
  json.end_object();
  output << "\n";
}

}  // namespace sconce::cli
