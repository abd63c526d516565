#include "model/compatibility/features.h"

#include <charconv>
#include <memory>

#include "archive/tar_reader.h"
#include "archive/zip_reader.h"
#include "base/budget.h"
#include "base/fail.h"
#include "formats/foreign/foreign.h"
#include "formats/pytorch/zip_records.h"
#include "model/compatibility/pickle_probe.h"
#include "model/state.h"

namespace sconce::model::compatibility {

namespace {

using archive::ZipArchive;
using archive::ZipEntry;
using formats::pytorch::Records;

/// What every collection of features needs, for one file.
struct Reading {
  Reading(SourcePtr file, const LoadOptions& options)
      : source(std::move(file)), limits(options.limits), budget(std::make_shared<MemoryBudget>(options.limits)) {
    budget->watch(options.cancel);
  }
  SourcePtr source;
  Limits limits;
  std::shared_ptr<MemoryBudget> budget;
};

/// The number of the version record, as far as PyTorch accepts it: stoull of its text.
void add_file_version(const std::string& text, Features& features) {
  std::uint64_t version = 0;
  const std::size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  (void)std::from_chars(text.data() + begin, text.data() + text.size(), version);
  const std::string what = "file version " + std::to_string(version);
  if (version >= 2) features.add(Trait::file_version_2, what);
  if (version >= 3) features.add(Trait::file_version_3, what);
  if (version >= 4) features.add(Trait::file_version_4, what);
  if (version >= 6) features.add(Trait::file_version_6, what);
  if (version >= 7) features.add(Trait::file_version_7, what);
}

constexpr std::uint64_t kSmallRecord = 4096;

void collect_records(const Records& records, Features& features) {
  const ZipArchive& zip = records.zip();
  const auto text_of = [&](const ZipEntry* entry) {
    return entry->size <= kSmallRecord ? zip.read_entry(*entry, kSmallRecord) : std::string();
  };
  const ZipEntry* version = records.find("version");
  if (const ZipEntry* other = records.find(".data/version"); other != nullptr) {
    if (version == nullptr) features.add(Trait::data_version, ".data/version");
    version = other;
  }
  if (version != nullptr) add_file_version(text_of(version), features);
  if (const ZipEntry* order = records.find("byteorder"); order != nullptr && text_of(order) == "big")
    features.add(Trait::big_endian, "big");
  for (const std::uint32_t number : records.storage_entries()) {
    const ZipEntry& entry = zip.entries()[number];
    if (entry.method == 0) continue;
    features.add(Trait::deflated_storage, zip.name(entry));
    const std::uint64_t left = zip.source()->size() - zip.payload_offset(entry);
    if (entry.size > left) features.add(Trait::deflated_past_end, zip.name(entry));
  }
}

void collect_zip(const Reading& reading, Features& features) {
  features.add(Trait::zip);
  const auto zip = ZipArchive::open(reading.source, reading.limits, *reading.budget);
  const Records records(zip);
  collect_records(records, features);
  const ZipEntry* entry = records.find("data.pkl");
  if (entry == nullptr) return;
  const auto document = std::make_shared<tree::Document>(reading.budget);
  PickleProbe probe(*document, features, false);
  ByteReader reader(zip->open_entry(*entry, archive::ZipUse::metadata));
  (void)probe.run(reader, true);
}

// Magic number, version, system information, the object, the list of storage keys.
void collect_legacy(const Reading& reading, std::size_t objects, Features& features) {
  features.add(Trait::legacy);
  features.add(Trait::not_zip);
  const auto document = std::make_shared<tree::Document>(reading.budget);
  PickleProbe probe(*document, features, true);
  ByteReader reader(reading.source);
  for (int small = 0; small < 3; ++small) (void)probe.run(reader, false);
  (void)probe.run(reader, true);
  (void)probe.run(reader, false);
  if (objects > 1) features.add(Trait::several_objects);
}

void collect_tar(const Reading& reading, Features& features) {
  features.add(Trait::tar);
  features.add(Trait::not_zip);
  const auto document = std::make_shared<tree::Document>(reading.budget);
  PickleProbe probe(*document, features, true);
  for (const archive::TarEntry& entry : archive::read_tar(*reading.source, reading.limits, *reading.budget)) {
    if (entry.name != "pickle") continue;
    ByteReader reader(reading.source, entry.offset, entry.offset + entry.size);
    (void)probe.run(reader, true);
  }
}

void collect_bare(const Reading& reading, Features& features) {
  features.add(Trait::bare_pickle);
  features.add(Trait::not_zip);
  const auto document = std::make_shared<tree::Document>(reading.budget);
  PickleProbe probe(*document, features, false);
  ByteReader reader(reading.source);
  (void)probe.run(reader, true);
}

struct ForeignRow {
  std::string_view format;
  Trait trait;
  bool zip;
};
constexpr ForeignRow kForeign[] = {
    {"torchscript", Trait::torchscript, true},
    {"torchscript-1.0", Trait::torchscript_json, true},
    {"torchscript-mobile", Trait::torchscript_mobile, true},
    {"torchscript-flatbuffer", Trait::mobile_flatbuffer, false},
    {"torch-package", Trait::torch_package, true},
    {"exported-program", Trait::exported_program, true},
    {"dcp", Trait::distributed, false},
    {"onnx", Trait::onnx, false},
    {"gguf", Trait::gguf, false},
};

std::shared_ptr<Features> foreign_features(std::string_view format) {
  for (const ForeignRow& row : kForeign) {
    if (row.format != format) continue;
    const auto features = std::make_shared<Features>();
    features->format = std::string(format);
    features->add(row.trait);
    if (!row.zip) features->add(Trait::not_zip);
    return features;
  }
  return nullptr;
}

}  // namespace

void Features::add(Trait trait, std::string_view concerns, std::uint64_t offset) {
  std::uint8_t& seen = seen_[static_cast<std::size_t>(trait)];
  if (seen >= kMost) return;
  for (const Met& one : met)
    if (one.trait == trait && one.concerns == concerns) return;
  ++seen;
  met.push_back({trait, std::string(concerns), offset});
}

Features collect(const SourcePtr& source, const std::string& format, std::size_t objects, const LoadOptions& options) {
  const Reading reading(source, options);
  Features features;
  features.format = format;
  ErrorPlace place;
  place.file = source->name();
  with_place(place, [&] {
    if (format == "pytorch-zip") return collect_zip(reading, features);
    if (format == "pytorch-legacy") return collect_legacy(reading, objects, features);
    if (format == "pytorch-tar") return collect_tar(reading, features);
    if (format == "pickle") return collect_bare(reading, features);
    if (format == "npz") return features.add(Trait::npz);
    if (format == "npy") {
      features.add(Trait::not_zip);
      return features.add(Trait::npy);
    }
    features.add(Trait::safetensors);
    if (!source->name().ends_with(".safetensors")) features.add(Trait::safetensors_renamed);
  });
  return features;
}

std::shared_ptr<const Features> collect_folder(const std::string& path) {
  return foreign_features(formats::foreign::folder_format(path));
}

std::shared_ptr<const Features> collect_foreign(const SourcePtr& source, const LoadOptions& options) {
  const Reading reading(source, options);
  formats::Sniff sniff;
  sniff.source = reading.source;
  std::size_t size = formats::Sniff::kHead;
  if (!reading.source->reaches(size)) size = static_cast<std::size_t>(reading.source->size());
  sniff.head.resize(size);
  reading.source->read_at(0, std::as_writable_bytes(std::span(sniff.head)));
  if (sniff.head.starts_with("PK\3\4")) sniff.zip = ZipArchive::open(reading.source, reading.limits, *reading.budget);
  const std::shared_ptr<Features> features = foreign_features(formats::foreign::model_format(sniff));
  if (features && sniff.zip) collect_records(Records(sniff.zip), *features);
  return features;
}

}  // namespace sconce::model::compatibility
