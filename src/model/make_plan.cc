#include "model/make_plan.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <sconce/structure.h>

#include "base/fail.h"
#include "base/hash.h"
#include "base/slice.h"
#include "base/text.h"
#include "formats/format.h"
#include "model/hostile.h"
#include "model/state.h"

namespace sconce::model {
namespace {

constexpr std::size_t kWindow = std::size_t{256} << 10;

const formats::WritableFormat& writer_of(std::string_view name) {
  std::string known;
  for (const formats::WritableFormat& format : formats::writable_formats()) {
    if (format.name == name) return format;
    known += (known.empty() ? "" : ", ") + std::string(format.name);
  }
  fail(ErrorCode::invalid_argument, "there is no writer for the format \"" + std::string(name) + "\"", {},
       "formats that can be written: " + known);
}

void check_alignment(std::uint32_t alignment) {
  const bool power_of_two = alignment != 0 && (alignment & (alignment - 1)) == 0;
  if (!power_of_two || alignment < 64 || alignment > 32768)
    fail(ErrorCode::invalid_argument,
         "the alignment must be a power of two from 64 to 32768, not " + std::to_string(alignment));
}

/// The pickle and its like became the tree when the file was opened, without a look at their checksums.
void check_metadata(const Checkpoint::State& state) {
  if (state.file == nullptr) return;
  const std::vector<bool> none(state.document->storage_count(), false);
  std::vector<std::byte> window(kWindow);
  for (const formats::RecordCheck& record : state.file->records(none)) {
    if (!record.metadata || record.crc32.value_or(0) == 0) continue;
    ErrorPlace place = in_record(record.record);
    const SourcePtr bytes = record.open().bytes;
    std::uint32_t crc = 0;
    for (std::uint64_t done = 0; done < bytes->size();) {
      const auto part = std::span(window).first(
          static_cast<std::size_t>(std::min<std::uint64_t>(window.size(), bytes->size() - done)));
      bytes->read_at(done, part);
      crc = crc32(crc, part);
      done += part.size();
    }
    if (crc != *record.crc32)
      fail(ErrorCode::checksum, "the record's bytes are not those that its checksum was made of", std::move(place),
           "the file is damaged; fetch it again, or set ignore_checksums to go on");
  }
}

/// A few bytes of a file can be shown by many tensors, and a format that holds each on its own would write terabytes.
void check_growth(const Checkpoint::State& state, std::uint64_t size) {
  constexpr std::uint64_t kAlways = std::uint64_t{1} << 30;
  if (state.facts.bytes == 0 || size <= kAlways || size / state.facts.bytes <= state.limits.expansion / 64) return;
  fail(ErrorCode::limit,
       "the new file would have " + human_bytes(size) + ", from a file of " + human_bytes(state.facts.bytes) +
           ": its tensors show the same bytes again and again",
       {}, "raise Limits::expansion if the file is trusted, or write pytorch-zip, which keeps what is shared");
}

/// The facts with the description that is to be written as one of the parts beside the tree.
FileFacts with_structure(FileFacts facts, const std::string& structure) {
  std::erase_if(facts.extras, [](const ExtraPart& part) { return part.name == kStructurePart; });
  facts.extras.push_back({std::string(kStructurePart), string_source(structure, std::string(kStructurePart))});
  return facts;
}

}  // namespace

io::WritePlan make_plan(const Checkpoint& checkpoint, std::string_view format_name, const SaveOptions& options,
                        SaveReport& report) {
  const formats::WritableFormat& format = writer_of(format_name);
  const Checkpoint::State& state = *checkpoint.state();
  check_alignment(options.alignment);
  refuse_hostile(state);
  if (!options.ignore_checksums) check_metadata(state);
  report.format = std::string(format.name);
  const FileFacts changed = options.structure.empty() ? FileFacts() : with_structure(state.facts, options.structure);
  const FileFacts& facts = options.structure.empty() ? state.facts : changed;
  const formats::PlanContext context{*state.document, state.roots, facts, options, state.limits, report};
  ErrorPlace place;
  place.file = state.facts.name;
  io::WritePlan plan = with_place(place, [&] { return format.plan(context); });
  with_place(place, [&] { check_growth(state, plan.size()); });
  note_unknown_classes(state, report);
  report.bytes = plan.size();
  return plan;
}

}  // namespace sconce::model
