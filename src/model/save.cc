// Saving: the format is chosen, what must not be written is refused, a writer makes the plan, one executor runs it.
#include <sconce/save.h>

#include <string>
#include <utility>

#include "base/fail.h"
#include "formats/format.h"
#include "io/run_plan.h"
#include "model/hostile.h"
#include "model/run_options.h"
#include "model/state.h"

namespace sconce {
namespace model {
namespace {

constexpr std::string_view kDefaultFormat = "pytorch-zip";

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool has_suffix(std::string_view path, std::string_view suffix) noexcept {
  if (path.size() < suffix.size()) return false;
  const std::string_view end = path.substr(path.size() - suffix.size());
  for (std::size_t at = 0; at < suffix.size(); ++at)
    if (lower(end[at]) != suffix[at]) return false;
  return true;
}

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

/// The plan, and the report as far as it is known before a byte is written.
io::WritePlan make_plan(const Checkpoint& checkpoint, const formats::WritableFormat& format, const SaveOptions& options,
                        SaveReport& report) {
  const Checkpoint::State& state = *checkpoint.state();
  check_alignment(options.alignment);
  refuse_hostile(state);
  report.format = std::string(format.name);
  const formats::PlanContext context{*state.document, state.roots, state.facts, options, state.limits, report};
  ErrorPlace place;
  place.file = state.facts.name;
  io::WritePlan plan = with_place(place, [&] { return format.plan(context); });
  note_unknown_classes(state, report);
  report.bytes = plan.size();
  return plan;
}

}  // namespace
}  // namespace model

inline namespace v0 {

SaveReport save(const Checkpoint& checkpoint, const std::string& path, const SaveOptions& options) {
  const std::string_view name = options.format.empty() ? format_for_path(path) : std::string_view(options.format);
  SaveReport report;
  const io::WritePlan plan = model::make_plan(checkpoint, model::writer_of(name), options, report);
  io::run_plan(plan, path, model::run_options(options));
  return report;
}

SaveReport save(const Checkpoint& checkpoint, ByteSink& sink, const SaveOptions& options) {
  if (options.format.empty())
    fail(ErrorCode::invalid_argument, "a sink has no name that could choose a format", {}, "set SaveOptions::format");
  SaveReport report;
  const io::WritePlan plan = model::make_plan(checkpoint, model::writer_of(options.format), options, report);
  io::run_plan(plan, sink, model::run_options(options));
  return report;
}

std::vector<std::string_view> writable_formats() {
  std::vector<std::string_view> names;
  for (const formats::WritableFormat& format : formats::writable_formats()) names.push_back(format.name);
  return names;
}

std::string_view format_for_path(std::string_view path) noexcept {
  for (const formats::WritableFormat& format : formats::writable_formats())
    for (const std::string_view suffix : format.suffixes)
      if (model::has_suffix(path, suffix)) return format.name;
  return model::kDefaultFormat;
}

}  // namespace v0
}  // namespace sconce
