// Would a state_dict load into a model: a dry run of load_state_dict.
#include <sconce/error.h>
#include <sconce/load_state_dict.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/output.h"

namespace sconce::cli {

namespace {

constexpr std::size_t kMostRules = std::size_t{16} << 20;  // bytes of a rules file

std::string text_of_file(const std::string& name) {
  const SourcePtr source = open_input(name);
  if (source->size() > kMostRules) usage_error(name + " is too large for a file of rename rules", "a rule is a line");
  std::string text(static_cast<std::size_t>(source->size()), '\0');
  source->read_at(0, std::as_writable_bytes(std::span(text)));
  return text;
}

MatchOptions match_options(const Arguments& arguments) {
  MatchOptions options;
  options.strict = !arguments.has("non-strict");
  options.strip = arguments.values("strip");
  options.auto_prefix = arguments.has("auto-prefix");
  options.skip_mismatched = arguments.has("skip-mismatched");
  options.cast = !arguments.has("no-cast");
  options.assign = arguments.has("assign");
  for (const std::string& name : arguments.values("rename"))
    for (RenameRule& rule : rename_rules(text_of_file(name))) options.rename.push_back(std::move(rule));
  return options;
}

/// A word that a shell takes as it is, whatever a file put into it.
std::string shell_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

bool has_mismatch(const MatchReport& report) {
  return std::ranges::any_of(report.findings, [](const MatchFinding& finding) {
    return finding.kind == MatchFinding::Kind::shape && !finding.skipped;
  });
}

/// Options that were tried and make it fit, or more of it; empty where there are none.
std::string advice(const Checkpoint& source, const Target& target, MatchOptions options, std::string_view which,
                   MatchReport report) {
  std::string more;
  const std::size_t filled = report.matched.size();
  if (!report.proposed.empty()) {
    for (const std::string& strip : report.proposed.front().strip) {
      options.strip.push_back(strip);
      more += " --strip " + shell_quoted(strip);
    }
    report = match_state_dict(source, target, options, which);
  }
  if (has_mismatch(report)) {
    options.skip_mismatched = true;
    more += " --skip-mismatched";
    report = match_state_dict(source, target, options, which);
  }
  if (more.empty()) return {};
  return "with" + more + (report.fits ? " it fits" : " it still does not fit") + ", and fills " +
         with_commas(report.matched.size()) + " of " + with_commas(report.targets) + " instead of " +
         with_commas(filled);
}

/// Runs `body`; where a file has several state_dicts, the advice names the option.
template <typename Body>
auto with_option(const char* option, Body&& body) {
  try {
    return body();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found || !error.message().starts_with("there are several")) throw;
    throw Error(ErrorCode::invalid_argument, error.message(), error.place(), std::string("name one with ") + option);
  }
}

}  // namespace

int run_check_into(const Arguments& arguments) {
  for (const char* const option : {"for", "weights-only", "mmap", "libtorch", "gpu-memory"})
    if (arguments.has(option))
      usage_error(std::string("--") + option + " asks what opens the file, --into whether its names fit",
                  "ask for them one by one");
  const std::string& name = arguments.operands().front();
  const std::string like(*arguments.value("into"));
  if (name == "-" && like == "-") usage_error("both files cannot be standard input", "give one of them by its name");
  const MatchOptions options = match_options(arguments);
  const Target target = with_option(
      "--into-which", [&] { return target_of(load_input(like), arguments.value("into-which").value_or("")); });
  const Checkpoint source = load_input(name);
  const std::string which(arguments.value("which").value_or(""));
  const MatchReport report = with_option("--which", [&] { return match_state_dict(source, target, options, which); });
  Output output;
  if (arguments.json()) {
    output << to_json(report, target) << "\n";
  } else if (!arguments.quiet()) {
    const Style style(arguments);
    const std::string text = to_text(report, target);
    const std::size_t colon = text.find(':');
    output << (report.fits ? style.green(text.substr(0, colon)) : style.red(text.substr(0, colon)))
           << std::string_view(text).substr(colon);
    if (!report.fits)
      if (const std::string line = advice(source, target, options, which, report); !line.empty())
        output << style.bold(escaped(line)) << "\n";
  }
  output.flush();
  return report.fits ? kClean : kNo;
}

}  // namespace sconce::cli
