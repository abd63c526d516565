// The same model in another format.
#include <sconce/save.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <string>

#include "base/fail.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/interruption.h"
#include "cli/move_options.h"
#include "cli/output.h"
#include "cli/part_option.h"
#include "cli/progress.h"
#include "cli/rewrite_options.h"
#include "cli/structure.h"

namespace sconce::cli {

namespace {

/// Standard output as a target. Here a reader that goes away is a failure: the model has not arrived.
class StandardOutput final : public ByteSink {
 public:
  void write(std::span<const std::byte> bytes) override {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (write_all(STDOUT_FILENO, text, "standard output")) return;
    ErrorPlace place;
    place.file = "standard output";
    fail(ErrorCode::io, "the reader went away before all was written", std::move(place));
  }
};

SaveOptions save_options(const Arguments& arguments) {
  SaveOptions options;
  options.format = arguments.value("to").value_or("");
  options.overwrite = arguments.has("force");
  options.drop = arguments.has("drop");
  options.keep_device = arguments.has("keep-device");
  options.durable = !arguments.has("no-sync");
  options.ignore_checksums = arguments.has("ignore-checksums");
  const std::uint64_t align = arguments.number("align", options.alignment);
  options.alignment =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(align, std::numeric_limits<std::uint32_t>::max()));
  return options;
}

void print_json(std::string& out, const std::string& from, const std::string& to, const SaveReport& report,
                const RewriteReport& rewritten, const TakenPart& taken, double seconds) {
  JsonWriter json(out);
  json.begin_object().member("in", std::string_view(from)).member("out", std::string_view(to));
  json.member("format", std::string_view(report.format)).member("bytes", report.bytes).member("seconds", seconds);
  part_json(json, taken);
  json.key("dropped").begin_array();
  for (const std::string& dropped : report.dropped) json.value(std::string_view(dropped));
  json.end_array().key("notes").begin_array();
  for (const std::string& note : report.notes) json.value(std::string_view(note));
  json.end_array();
  rewrite_json(json, rewritten);
  json.end_object();
  out += '\n';
}

void print_text(std::string& out, const Style& style, const std::string& to, const SaveReport& report,
                const RewriteReport& rewritten, const TakenPart& taken, double seconds, bool quiet) {
  if (!quiet) {
    out += style.green("wrote") + " " + escaped(to) + ": " + report.format + ", " + human_bytes(report.bytes);
    if (seconds >= 0.1)
      out += ", " + human_bytes(static_cast<std::uint64_t>(static_cast<double>(report.bytes) / seconds)) + "/s";
    out += '\n';
    part_text(out, style, taken, report);
  }
  // What is lost is said in any case.
  for (const std::string& dropped : report.dropped) out += style.yellow("dropped") + "  " + escaped(dropped) + "\n";
  rewrite_text(out, style, rewritten, quiet);
  if (quiet) return;
  for (const std::string& note : report.notes) out += style.dim("note") + "  " + escaped(note) + "\n";
}

/// Before anything is read: what the command line alone decides.
void check_target(const Arguments& arguments, const std::string& to) {
  if (to == "-" && !arguments.has("to"))
    usage_error("the format of standard output is not known", "name it: --to safetensors");
  if (to == "-" && ::isatty(STDOUT_FILENO) == 1)
    usage_error("a terminal is no place for a model file", "send it to a file or a pipe");
  if (to != "-") refuse_existing(arguments, to);
}

}  // namespace

int run_convert(const Arguments& arguments) {
  const std::string& from = arguments.operands()[0];
  const std::string& to = arguments.operands()[1];
  const auto begun = std::chrono::steady_clock::now();
  SaveOptions options = save_options(arguments);
  check_target(arguments, to);
  check_rewrite(arguments, to);
  check_part(arguments);
  const Interruption interruption;
  ProgressBar progress(arguments);
  options.progress = progress.function();
  options.cancel = interruption.token();
  Checkpoint checkpoint = load_input(from);
  const std::string structure = kept_structure(checkpoint, arguments);
  const TakenPart taken = take_part_of(checkpoint, arguments);
  const std::vector<std::string> notes = checkpoint.cast(cast_rules(arguments), memory_format(arguments));
  const RewriteReport rewritten = rewrite(checkpoint, arguments, options);
  set_structure(checkpoint, arguments, structure, options);
  SaveReport report;
  if (to == "-") {
    StandardOutput sink;
    report = save(checkpoint, sink, options);
  } else {
    report = save(checkpoint, to, options);
  }
  progress.clear();
  report.notes.insert(report.notes.begin(), notes.begin(), notes.end());
  report.dropped.insert(report.dropped.begin(), rewritten.dropped.begin(), rewritten.dropped.end());
  for (std::string& warning : cast_warnings(checkpoint.cast_counts())) report.notes.push_back(std::move(warning));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::string text;
  if (arguments.json())
    print_json(text, from, to, report, rewritten, taken, seconds);
  else
    print_text(text, Style(arguments), to, report, rewritten, taken, seconds, arguments.quiet());
  // Where the model went to standard output, what is said about it goes to standard error.
  (void)write_all(to == "-" ? STDERR_FILENO : STDOUT_FILENO, text, "standard output");
  return kClean;
}

}  // namespace sconce::cli
