// Are files whole.
#include <sconce/verify.h>

#include <string>

#include "base/json_writer.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/structure.h"

namespace sconce::cli {

namespace {

using Severity = VerifyFinding::Severity;

void text_or_null(JsonWriter& json, std::string_view name, const std::string& text) {
  json.key(name);
  text.empty() ? json.null() : json.value(std::string_view(text));
}

void write_finding(JsonWriter& json, const VerifyFinding& finding) {
  json.begin_object().member("severity", finding.severity == Severity::wrong ? "wrong" : "note");
  json.member("message", std::string_view(finding.message)).key("offset");
  finding.place.offset ? json.value(*finding.place.offset) : json.null();
  text_or_null(json, "record", finding.place.record);
  text_or_null(json, "key", finding.place.key);
  text_or_null(json, "advice", finding.advice);
  json.end_object();
}

void print_json(Output& output, const std::string& file, const VerifyReport& report) {
  JsonWriter json(output.text());
  json.begin_object().member("file", std::string_view(file)).member("format", std::string_view(report.format));
  json.member("whole", report.whole).member("bytes", report.bytes).member("bytes_read", report.bytes_read);
  json.member("records", report.records).member("checksums", report.checksums);
  json.member("checksums_not_recorded", report.checksums_not_recorded).member("tensors", report.tensors);
  json.member("unused_records", report.unused_records).member("seconds", report.seconds);
  json.key("findings").begin_array();
  for (const VerifyFinding& finding : report.findings) write_finding(json, finding);
  json.end_array().end_object();
  output << "\n";
}

std::string summary(const VerifyReport& report) {
  std::string text = report.format + ", " + human_bytes(report.bytes) + ": " + counted(report.tensors, "tensor") +
                     (report.tensors == 1 ? " inside its storage, " : " inside their storages, ") +
                     counted(report.checksums, "checksum") + " right";
  if (report.checksums_not_recorded != 0) text += ", " + with_commas(report.checksums_not_recorded) + " not recorded";
  if (report.unused_records != 0) text += ", " + counted(report.unused_records, "record") + " that nothing uses";
  return text;
}

void print_finding(Output& output, const Style& style, const VerifyFinding& finding) {
  const bool wrong = finding.severity == Severity::wrong;
  std::string line;
  if (!finding.place.record.empty()) line += "record " + escaped(finding.place.record) + ": ";
  if (finding.place.offset) line += "at byte " + std::to_string(*finding.place.offset) + ": ";
  if (!finding.place.key.empty()) line += "\"" + escaped(finding.place.key) + "\": ";
  line += escaped(finding.message);
  if (!finding.advice.empty()) line += "; " + escaped(finding.advice);
  output << "  " << (wrong ? style.red("wrong") : style.dim("note ")) << "  " << line << "\n";
}

void print_text(Output& output, const Style& style, const std::string& file, const VerifyReport& report, bool quiet) {
  if (quiet && report.whole) return;
  if (report.whole) {
    output << escaped(file) << ": " << style.green("whole") << "; " << escaped(summary(report)) << "\n";
  } else {
    std::size_t wrong = 0;
    for (const VerifyFinding& finding : report.findings) wrong += finding.severity == Severity::wrong ? 1 : 0;
    output << escaped(file) << ": " << style.red("not whole") << "; " << counted(wrong, "thing")
           << (wrong == 1 ? " is" : " are") << " wrong in this " << escaped(report.format) << " of "
           << human_bytes(report.bytes) << "\n";
  }
  for (const VerifyFinding& finding : report.findings) print_finding(output, style, finding);
}

int verify_one(const Arguments& arguments, const std::string& file, const Style& style, Output& output) {
  ProgressBar progress(arguments);
  VerifyOptions options;
  options.progress = progress.function();
  try {
    const SourcePtr source = file == "-" ? open_input(file) : nullptr;
    VerifyReport report = source ? verify(source, options) : verify(file, options);
    LoadOptions owned;
    owned.access = FileAccess::owned;
    add_structure_findings(source ? load(source, owned) : load(file, owned), report);
    progress.clear();
    const std::string& name = file == "-" ? report.file : file;
    if (arguments.json())
      print_json(output, name, report);
    else
      print_text(output, style, name, report, arguments.quiet());
    return report.whole ? kClean : kNo;
  } catch (Error& error) {
    progress.clear();
    ErrorPlace place;
    place.file = file;
    // In the order of the command line: what stands before this file is shown first.
    output.flush();
    return report(error.add_place(place), arguments.json());
  }
}

}  // namespace

int run_verify(const Arguments& arguments) {
  const Style style(arguments);
  Output output;
  int code = kClean;
  for (const std::string& file : arguments.operands()) {
    code = worse(code, verify_one(arguments, file, style, output));
    output.flush();
  }
  return code;
}

}  // namespace sconce::cli
