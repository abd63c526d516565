// Saving: the format is chosen, what must not be written is refused, a writer makes the plan, one executor runs it.
#include <sconce/save.h>

#include <string>

#include "base/fail.h"
#include "formats/format.h"
#include "io/run_plan.h"
#include "model/make_plan.h"
#include "model/run_options.h"

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

}  // namespace
}  // namespace model

inline namespace v0 {

SaveReport save(const Checkpoint& checkpoint, const std::string& path, const SaveOptions& options) {
  SaveReport report;
  const io::WritePlan plan = model::make_plan(checkpoint, model::format_of(options, path), options, report);
  io::run_plan(plan, path, model::run_options(options));
  return report;
}

SaveReport save(const Checkpoint& checkpoint, ByteSink& sink, const SaveOptions& options) {
  if (options.format.empty())
    fail(ErrorCode::invalid_argument, "a sink has no name that could choose a format", {}, "set SaveOptions::format");
  SaveReport report;
  const io::WritePlan plan = model::make_plan(checkpoint, options.format, options, report);
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
