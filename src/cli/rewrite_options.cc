#include "cli/rewrite_options.h"

#include <algorithm>

#include "base/json_writer.h"
#include "base/text.h"
#include "cli/arguments.h"
#include "cli/output.h"

namespace sconce::cli {

namespace {

/// --cast without PATTERN=DTYPE.
bool casts_what_is_missing(const Arguments& arguments) {
  const std::vector<std::string> values = arguments.values("cast");
  return std::ranges::any_of(values, [](const std::string& value) { return value.empty(); });
}

/// weights_only is the default of this release and later ones.
constexpr TorchVersion kWeightsOnly{2, 6};

RewriteOptions options_from(const Arguments& arguments) {
  RewriteOptions options;
  const auto version = arguments.value("for");
  options.version = version ? torch_version_from_text(*version) : kWeightsOnly;
  options.weights_only = arguments.has("weights-only");
  options.cast = casts_what_is_missing(arguments);
  options.plain = arguments.has("plain");
  return options;
}

}  // namespace

void check_rewrite(const Arguments& arguments, std::string_view to) {
  const bool for_torch = arguments.has("for") || arguments.has("weights-only");
  if (!for_torch && !arguments.has("plain")) return;
  (void)options_from(arguments);
  const auto format = arguments.value("to");
  const std::string_view chosen = format ? *format : format_for_path(to);
  if (chosen == "safetensors")
    usage_error(
        "--for, --weights-only and --plain are about PyTorch's own files, and " + escaped(to) + " is safetensors",
        "safetensors opens in every PyTorch; leave the options out");
  if (for_torch && chosen == "pytorch-zip" && format && options_from(arguments).version < TorchVersion{1, 6})
    usage_error("PyTorch before 1.6 reads no zip archives", "leave out --to, or name pytorch-legacy");
}

RewriteReport rewrite(Checkpoint& checkpoint, const Arguments& arguments, SaveOptions& save) {
  if (arguments.has("for") || arguments.has("weights-only"))
    return rewrite_for(checkpoint, options_from(arguments), save);
  if (arguments.has("plain")) return make_plain(checkpoint);
  return {};
}

void rewrite_json(JsonWriter& json, const RewriteReport& report) {
  for (const auto& [name, lines] : {std::pair("changed", &report.changed), std::pair("remaining", &report.remaining)}) {
    json.key(name).begin_array();
    for (const std::string& line : *lines) json.value(std::string_view(line));
    json.end_array();
  }
}

void rewrite_text(std::string& out, const Style& style, const RewriteReport& report, bool quiet) {
  // What stays is why somebody may still not open the file: it is said in any case.
  for (const std::string& line : report.remaining) out += style.yellow("stays") + "  " + escaped(line) + "\n";
  if (quiet) return;
  for (const std::string& line : report.changed) out += style.dim("changed") + "  " + escaped(line) + "\n";
}

}  // namespace sconce::cli
