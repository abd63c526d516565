// What will open a file, and what it needs.
#include <sconce/check.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/json_writer.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/move_options.h"
#include "cli/output.h"

namespace sconce::cli {

namespace {

CheckReport report_of(const std::string& name) {
  LoadOptions options;
  options.access = FileAccess::owned;
  if (name == "-") return check(open_input(name), options);
  return check(name, options);
}

void text_or_null(JsonWriter& json, std::string_view name, const std::string& text) {
  json.key(name);
  text.empty() ? json.null() : json.value(std::string_view(text));
}

void write_verdict(JsonWriter& json, const TorchVerdict& verdict) {
  json.begin_object().member("pytorch", std::string_view(to_string(verdict.version)));
  json.member("mode", to_string(verdict.mode)).member("opens", verdict.opens);
  text_or_null(json, "why", verdict.why);
  text_or_null(json, "message", verdict.message);
  json.member("by_source", verdict.by_source).end_object();
}

void write_devices(JsonWriter& json, const DeviceNeeds& needs) {
  json.key("devices").begin_object().key("saved_on").begin_array();
  for (const std::string& device : needs.saved_on) json.value(std::string_view(device));
  json.end_array().member("map_location_needed", needs.map_location_needed);
  json.member("weights", needs.weights).member("optimizer", needs.optimizer).member("everything", needs.everything);
  json.member("torch_load_peak", needs.torch_load_peak).member("sconce_load_peak", needs.sconce_load_peak);
  json.member("one_gpu", needs.one_gpu).member("two_gpus", needs.two_gpus).end_object();
}

void write_code(JsonWriter& json, const std::vector<CodeNeed>& code) {
  json.key("code").begin_array();
  for (const CodeNeed& need : code) {
    json.begin_object().member("name", std::string_view(need.name)).member("package", std::string_view(need.package));
    json.member("part_of_torch", need.part_of_torch);
    text_or_null(json, "history", need.history);
    json.key("versions_without").begin_array();
    for (const std::string& version : need.versions_without) json.value(std::string_view(version));
    json.end_array().end_object();
  }
  json.end_array();
}

void print_json(Output& output, const CheckReport& report, const std::vector<TorchVerdict>& verdicts) {
  JsonWriter json(output.text());
  json.begin_object().member("format", std::string_view(report.format)).key("targets").begin_array();
  for (const TorchVerdict& verdict : verdicts) write_verdict(json, verdict);
  json.end_array();
  write_devices(json, report.devices);
  write_code(json, report.code);
  json.key("advice").begin_array();
  for (const std::string& line : report.advice) json.value(std::string_view(line));
  json.end_array().end_object();
  output << "\n";
}

constexpr std::size_t kModes = std::size(kTorchModes);
constexpr std::string_view kHeads[kModes] = {"plain", "weights_only", "mmap", "libtorch"};

/// Releases one behind another of which the same is to be said.
struct Row {
  TorchVersion first;
  TorchVersion last;
  const TorchVerdict* cells[kModes] = {};
};

bool same(const TorchVerdict& a, const TorchVerdict& b) { return a.opens == b.opens && a.why == b.why; }

std::vector<Row> rows_of(const CheckReport& report) {
  std::vector<Row> rows;
  for (std::size_t at = 0; at + kModes <= report.verdicts.size(); at += kModes) {
    Row row{report.verdicts[at].version, report.verdicts[at].version, {}};
    for (std::size_t mode = 0; mode < kModes; ++mode) row.cells[mode] = &report.verdicts[at + mode];
    const auto equal = [&](std::size_t mode) { return same(*row.cells[mode], *rows.back().cells[mode]); };
    bool joins = !rows.empty();
    for (std::size_t mode = 0; joins && mode < kModes; ++mode) joins = equal(mode);
    if (joins)
      rows.back().last = row.last;
    else
      rows.push_back(row);
  }
  return rows;
}

/// Prints the table, and each reason once below it.
class TablePrinter {
 public:
  TablePrinter(Output& output, const Style& style) : out_(output), style_(style) {}

  void print(const CheckReport& report) {
    std::string head;
    append_left(head, "PyTorch", kFirst);
    for (const std::string_view name : kHeads) append_left(head, name, kColumn);
    head.erase(head.find_last_not_of(' ') + 1);
    out_ << style_.bold(head) << "\n";
    for (const Row& row : rows_of(report)) print_row(row);
    if (!reasons_.empty()) out_ << "\n";
    for (std::size_t at = 0; at < reasons_.size(); ++at) print_reason(at + 1, *reasons_[at]);
    out_ << style_.dim(
        "\n1.7, 1.13, 2.6, 2.13 and 2.14 were run to see that this is so (C++: 1.13 and 2.13); the others "
        "are judged by their source.\n");
  }

 private:
  static constexpr std::size_t kFirst = 14;
  static constexpr std::size_t kColumn = 14;

  void print_row(const Row& row) {
    std::string line;
    append_left(line, to_string(row.first) + (row.first == row.last ? "" : " to " + to_string(row.last)), kFirst);
    for (const TorchVerdict* cell : row.cells) {
      std::string text = cell->opens ? "yes" : "no";
      if (!cell->why.empty()) text += " (" + std::to_string(number_of(*cell)) + ")";
      const std::size_t width = columns(text);
      line += cell->opens ? (cell->why.empty() ? style_.green(text) : style_.yellow(text)) : style_.red(text);
      if (width < kColumn) line.append(kColumn - width, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out_ << line << "\n";
  }

  std::size_t number_of(const TorchVerdict& verdict) {
    const auto is_same = [&](const TorchVerdict* one) { return same(*one, verdict); };
    const auto found = std::ranges::find_if(reasons_, is_same);
    if (found != reasons_.end()) return static_cast<std::size_t>(found - reasons_.begin()) + 1;
    reasons_.push_back(&verdict);
    return reasons_.size();
  }

  void print_reason(std::size_t number, const TorchVerdict& verdict) {
    std::string label;
    append_right(label, "(" + std::to_string(number) + ")", 5);
    out_ << label << " " << escaped(verdict.why) << "\n";
    if (!verdict.message.empty()) out_ << style_.dim("      " + escaped(verdict.message)) << "\n";
  }

  Output& out_;
  const Style& style_;
  std::vector<const TorchVerdict*> reasons_;
};

std::string label(std::string_view text) {
  std::string out;
  append_left(out, text, 10);
  return out;
}

void print_devices(Output& output, const DeviceNeeds& needs, std::uint64_t gpu) {
  const auto fits = [&](std::uint64_t bytes) {
    if (gpu == 0) return std::string();
    return std::string(bytes <= gpu ? ": fits into " : ": does not fit into ") + human_bytes(gpu);
  };
  if (needs.everything == 0) return;
  output << "\n" << label("Memory") << "weights " << human_bytes(needs.weights);
  if (needs.optimizer != 0) output << ", optimizer " << human_bytes(needs.optimizer);
  output << "; on the CPU, torch.load takes up to " << human_bytes(needs.torch_load_peak) << ", Sconce "
         << human_bytes(needs.sconce_load_peak) << "\n";
  output << label("GPUs") << "one: " << human_bytes(needs.one_gpu) << fits(needs.one_gpu)
         << "; the fuller of two: " << human_bytes(needs.two_gpus) << fits(needs.two_gpus) << ", for the weights\n";
  std::string saved;
  for (const std::string& device : needs.saved_on) saved += (saved.empty() ? "" : ", ") + escaped(device);
  output << label("Saved on") << saved;
  if (needs.map_location_needed)
    output << ": without that device, torch.load needs map_location=\"cpu\"; Sconce does not";
  output << "\n";
}

void print_code(Output& output, const std::vector<CodeNeed>& code) {
  constexpr std::size_t kShown = 20;
  for (std::size_t at = 0; at < std::min(code.size(), kShown); ++at) {
    const CodeNeed& need = code[at];
    output << label(at == 0 ? "Code" : "") << escaped(need.name);
    if (!need.history.empty()) output << "  (" << escaped(need.history) << ")";
    output << "\n";
  }
  if (code.size() > kShown)
    output << label("") << "and " << std::to_string(code.size() - kShown) << " more (--json has all)\n";
}

void print_text(Output& output, const Style& style, const CheckReport& report, const std::string& name,
                std::uint64_t gpu) {
  output << style.bold(escaped(name)) << ": " << report.format << "\n\n";
  TablePrinter(output, style).print(report);
  print_devices(output, report.devices, gpu);
  print_code(output, report.code);
  for (std::size_t at = 0; at < report.advice.size(); ++at)
    output << label(at == 0 ? "Better" : "") << escaped(report.advice[at]) << "\n";
}

/// The newest release that is known and no newer than the one that was asked for.
TorchVersion known_version(std::string_view text) {
  const TorchVersion wanted = torch_version_from_text(text);
  const std::vector<TorchVersion> known = known_torch_versions();
  if (wanted < known.front())
    usage_error("PyTorch " + to_string(wanted) + " is older than what can be judged",
                "versions from " + to_string(known.front()) + " on are known");
  const auto newer = std::ranges::find_if(known, [&](TorchVersion version) { return version > wanted; });
  return *(newer - 1);
}

/// The verdict that the options ask for; with --weights-only and --mmap, that of both together.
const TorchVerdict& wanted_verdict(const CheckReport& report, TorchVersion version, const Arguments& arguments) {
  const bool weights_only = arguments.has("weights-only");
  const bool mmap = arguments.has("mmap");
  if (arguments.has("libtorch") && (weights_only || mmap))
    usage_error("--libtorch is C++, which knows no --weights-only and no --mmap", "ask for them one by one");
  if (arguments.has("libtorch")) return *report.find(version, TorchMode::libtorch);
  if (weights_only) {
    const TorchVerdict& found = *report.find(version, TorchMode::weights_only);
    if (!mmap || !found.opens) return found;
  }
  return *report.find(version, mmap ? TorchMode::mmap : TorchMode::plain);
}

int answer_one(const CheckReport& report, const Arguments& arguments, std::string_view wanted) {
  const TorchVersion version = known_version(wanted);
  const TorchVerdict& verdict = wanted_verdict(report, version, arguments);
  Output output;
  if (arguments.json()) {
    print_json(output, report, {verdict});
  } else if (!arguments.quiet()) {
    const Style style(arguments);
    output << "PyTorch " << to_string(version) << ", " << to_string(verdict.mode) << ": "
           << (verdict.opens ? style.green("opens") : style.red("does not open"));
    if (!verdict.why.empty()) output << ": " << escaped(verdict.why);
    output << "\n";
    if (!verdict.message.empty()) output << style.dim("  " + escaped(verdict.message)) << "\n";
    if (torch_version_from_text(wanted) > known_torch_versions().back())
      output << style.dim("  judged as " + to_string(version) + ", the newest that is known") << "\n";
    const bool by_default = version >= TorchVersion{2, 6} && verdict.mode == TorchMode::plain;
    if (by_default)
      output << style.dim("  weights_only=False is not the default since 2.6: see --weights-only") << "\n";
  }
  output.flush();
  return verdict.opens ? kClean : kNo;
}

constexpr const char* kOnlyInto[] = {"non-strict", "auto-prefix", "strip", "rename",    "skip-mismatched",
                                     "assign",     "no-cast",     "which", "into-which"};

}  // namespace

int run_check(const Arguments& arguments) {
  if (arguments.has("into")) return run_check_into(arguments);
  for (const char* const option : kOnlyInto)
    if (arguments.has(option))
      usage_error(std::string("--") + option + " says how names are matched; with what is missing", "add --into LIKE");
  const std::string& name = arguments.operands().front();
  if (!arguments.has("for"))
    for (const char* const option : {"weights-only", "mmap", "libtorch"})
      if (arguments.has(option))
        usage_error(std::string("--") + option + " says how a PyTorch loads; which one is missing",
                    "add --for torch==VERSION");
  const std::uint64_t gpu = size_option(arguments, "gpu-memory", 0);
  if (const auto wanted = arguments.value("for")) (void)known_version(*wanted);  // before the file is read
  const CheckReport report = report_of(name);
  if (const auto wanted = arguments.value("for")) return answer_one(report, arguments, *wanted);
  Output output;
  if (arguments.json())
    print_json(output, report, report.verdicts);
  else
    print_text(output, Style(arguments), report, name, gpu);
  output.flush();
  return kClean;
}

}  // namespace sconce::cli
