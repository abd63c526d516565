#include "cli/help.h"

#include <algorithm>
#include <vector>

#include "cli/command.h"
#include "cli/output.h"

namespace sconce::cli {

namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kColumn = 28;  // where the explanations begin

/// Appends words, broken at `kWidth`, each line but the first behind `indent` spaces. `at` is the column reached.
void append_wrapped(std::string& out, std::string_view text, std::size_t indent, std::size_t at) {
  bool first = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!first && at + 1 + columns(word) > kWidth) {
      out += "\n" + std::string(indent, ' ');
      at = indent;
    } else if (!first) {
      out += ' ';
      ++at;
    }
    out += word;
    at += columns(word);
    first = false;
  }
  out += '\n';
}

void append_paragraphs(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\n\n"), text.size());
    append_wrapped(out, text.substr(0, end), 0, 0);
    text.remove_prefix(std::min(end + 2, text.size()));
    if (!text.empty()) out += '\n';
  }
}

void append_option(std::string& out, const Option& option, bool details) {
  std::string left = option.letter != 0 ? std::string("  -") + option.letter + ", --" : std::string("      --");
  left += option.name;
  if (!option.argument.empty()) (left += ' ') += option.argument;
  append_left(out, left, kColumn - 2);
  if (left.size() > kColumn - 2) out += "\n" + std::string(kColumn - 2, ' ');
  out += "  ";
  append_wrapped(out, option.brief, kColumn, kColumn);
  if (option.detail.empty() || !details) return;
  out += std::string(kColumn, ' ');
  append_wrapped(out, option.detail, kColumn, kColumn);
}

void append_options(std::string& out, const Command& command, bool details) {
  std::vector<std::string_view> categories;
  for_each_option(command, [&](const Option& option) {
    if (std::find(categories.begin(), categories.end(), option.category) == categories.end())
      categories.push_back(option.category);
  });
  for (const std::string_view category : categories) {
    out += "\n" + std::string(category) + ":\n";
    for_each_option(command, [&](const Option& option) {
      if (option.category == category) append_option(out, option, details);
    });
  }
}

}  // namespace

std::string overview() {
  std::string out =
      "sconce: what is in a model file, is it whole, is it the same as another, and the same\n"
      "model in another format. Needs no Python, executes nothing of a file.\n\n"
      "usage: sconce COMMAND [OPTION]... FILE...\n\n";
  for (const Command& command : commands()) {
    out += "  ";
    append_left(out, command.name, 12);
    append_wrapped(out, command.brief, 14, 14);
  }
  out +=
      "\nsconce COMMAND --help explains one, with examples. Every command has --json.\n"
      "sconce --version prints the version.\n\n"
      "Examples:\n"
      "  sconce inspect model.pt\n"
      "  sconce verify model.pt\n"
      "  sconce convert model.pt model.safetensors\n"
      "  sconce diff model.pt model.safetensors\n"
      "  sconce get run.ckpt optimizer.param_groups.0.lr\n";
  return out;
}

namespace {

std::string usage_line(const Command& command) {
  return "usage: sconce " + std::string(command.name) + " [OPTION]... " + std::string(command.operands) + "\n\n";
}

}  // namespace

std::string command_usage(const Command& command) {
  std::string out = usage_line(command);
  append_wrapped(out, command.brief, 0, 0);
  append_options(out, command, false);
  return out + "\nsconce " + std::string(command.name) + " --help explains more, with examples.\n";
}

std::string command_help(const Command& command) {
  std::string out = usage_line(command);
  append_wrapped(out, command.brief, 0, 0);
  out += '\n';
  append_paragraphs(out, command.detail);
  if (!command.examples.empty()) out += "\nExamples:\n";
  for (const Example& example : command.examples) {
    out += "  " + std::string(example.line) + "\n      ";
    append_wrapped(out, example.means, 6, 6);
  }
  append_options(out, command, true);
  out += "\nExit codes: ";
  append_wrapped(out, command.exit_codes, 2, 12);
  return out;
}

int run_help(const Arguments& arguments) {
  std::string text = overview();
  if (!arguments.operands().empty()) {
    const std::string& name = arguments.operands().front();
    const Command* command = find_command(name);
    if (command == nullptr) usage_error("there is no command \"" + name + "\"", "sconce help lists them");
    text = command_help(*command);
  }
  Output output;
  output << text;
  output.flush();
  return kClean;
}

}  // namespace sconce::cli
