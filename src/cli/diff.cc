// Are two files the same model.
#include <sconce/diff.h>

#include <string>

#include "base/json_writer.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/progress.h"

namespace sconce::cli {

namespace {

std::string index_text(const std::vector<std::int64_t>& index) {
  std::string text = "[";
  for (const std::int64_t at : index) text += (text.size() > 1 ? ", " : "") + std::to_string(at);
  return text + "]";
}

bool is_values(const TensorDifference& difference) { return difference.what == "values"; }

void write_strings(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
  json.key(name).begin_array();
  for (const std::string& text : texts) json.value(std::string_view(text));
  json.end_array();
}

void write_tensor(JsonWriter& json, const TensorDifference& difference) {
  json.begin_object().member("name", std::string_view(difference.name));
  json.member("what", std::string_view(difference.what));
  if (is_values(difference)) {
    json.member("numel", difference.numel).member("different", difference.different);
    json.member("max_abs", difference.max_abs).member("max_rel", difference.max_rel).key("first").begin_array();
    for (const std::int64_t at : difference.first) json.value(at);
    json.end_array();
  } else {
    json.member("a", std::string_view(difference.a)).member("b", std::string_view(difference.b));
  }
  json.end_object();
}

void print_json(Output& output, const DiffReport& report) {
  JsonWriter json(output.text());
  json.begin_object().member("same", report.same).member("tensors_compared", report.tensors_compared);
  json.member("bytes_compared", report.bytes_compared);
  write_strings(json, "only_a", report.only_a);
  write_strings(json, "only_b", report.only_b);
  json.key("tensors").begin_array();
  for (const TensorDifference& difference : report.tensors) write_tensor(json, difference);
  json.end_array();
  write_strings(json, "aliases", report.aliases);
  json.key("values").begin_array();
  for (const ValueDifference& difference : report.values) {
    json.begin_object().member("name", std::string_view(difference.name)).key("a");
    difference.a.empty() ? json.null() : json.value(std::string_view(difference.a));
    json.key("b");
    difference.b.empty() ? json.null() : json.value(std::string_view(difference.b));
    json.end_object();
  }
  json.end_array();
  write_strings(json, "notes", report.notes);
  json.end_object();
  output << "\n";
}

/// Prints a report as a diff: `-` is A, `+` is B, `~` is in both.
class DiffPrinter {
 public:
  DiffPrinter(Output& output, const Style& style) : out_(output), style_(style) {}

  void print(const DiffReport& report, const std::string& a, const std::string& b) {
    summary(report, a, b);
    for (const std::string& name : report.only_a) out_ << style_.red("- " + escaped(name)) << "  only in A\n";
    for (const std::string& name : report.only_b) out_ << style_.green("+ " + escaped(name)) << "  only in B\n";
    for (const TensorDifference& difference : report.tensors) tensor(difference);
    for (const std::string& group : report.aliases) out_ << style_.yellow("~ ") << escaped(group) << "\n";
    for (const ValueDifference& difference : report.values) value(difference);
    for (const std::string& note : report.notes) out_ << style_.dim("note  " + escaped(note)) << "\n";
  }

 private:
  void summary(const DiffReport& report, const std::string& a, const std::string& b) {
    if (report.same) {
      out_ << style_.green("the same") << ": " << counted(report.tensors_compared, "tensor") << ", "
           << human_bytes(report.bytes_compared) << " compared\n";
      return;
    }
    out_ << style_.red("--- A " + escaped(a)) << "\n" << style_.green("+++ B " + escaped(b)) << "\n";
    std::string parts;
    const auto part = [&](std::size_t count, std::string_view noun) {
      if (count != 0) parts += (parts.empty() ? "" : ", ") + counted(count, noun);
    };
    part(report.tensors.size(), "difference");
    if (!report.tensors.empty()) parts += " of tensors";
    part(report.only_a.size() + report.only_b.size(), "tensor");
    if (!report.only_a.empty() || !report.only_b.empty()) parts += " on one side only";
    part(report.aliases.size(), "alias group");
    part(report.values.size(), "other value");
    out_ << "they differ: " << parts << " (" << counted(report.tensors_compared, "tensor") << " compared)\n";
  }

  void tensor(const TensorDifference& difference) {
    out_ << style_.yellow("~ " + escaped(difference.name)) << "  " << escaped(difference.what) << ": ";
    if (!is_values(difference)) {
      out_ << style_.red(escaped(difference.a)) << " -> " << style_.green(escaped(difference.b)) << "\n";
      return;
    }
    out_ << with_commas(difference.different) << " of " << with_commas(difference.numel)
         << (difference.numel == 1 ? " element differs" : " elements differ") << ", max abs "
         << python_float(difference.max_abs) << ", max rel " << python_float(difference.max_rel);
    if (!difference.first.empty()) out_ << ", first at " << index_text(difference.first);
    out_ << "\n";
  }

  void value(const ValueDifference& difference) {
    if (difference.b.empty()) {
      out_ << style_.red("- " + escaped(difference.name)) << "  " << escaped(difference.a) << "\n";
    } else if (difference.a.empty()) {
      out_ << style_.green("+ " + escaped(difference.name)) << "  " << escaped(difference.b) << "\n";
    } else {
      out_ << style_.yellow("~ " + escaped(difference.name)) << "  " << style_.red(escaped(difference.a)) << " -> "
           << style_.green(escaped(difference.b)) << "\n";
    }
  }

  Output& out_;
  const Style& style_;
};

DiffOptions diff_options(const Arguments& arguments) {
  DiffOptions options;
  options.rtol = arguments.real("rtol", 0);
  options.atol = arguments.real("atol", 0);
  options.ignore = arguments.values("ignore");
  options.strict = arguments.has("strict");
  return options;
}

}  // namespace

int run_diff(const Arguments& arguments) {
  const std::string& a = arguments.operands()[0];
  const std::string& b = arguments.operands()[1];
  if (a == "-" && b == "-") usage_error("both files cannot be standard input", "give one of them by its name");
  DiffOptions options = diff_options(arguments);
  ProgressBar progress(arguments);
  options.progress = progress.function();
  const Checkpoint first = load_input(a);
  const Checkpoint second = load_input(b);
  const DiffReport report = diff(first, second, options);
  progress.clear();
  Output output;
  if (arguments.json())
    print_json(output, report);
  else if (!arguments.quiet()) {
    const Style style(arguments);
    DiffPrinter(output, style).print(report, a, b);
  }
  output.flush();
  return report.same ? kClean : kNo;
}

}  // namespace sconce::cli
