// Manual pages in roff, made from the table of options.
#include <sconce/version.h>

#include <string>

#include "cli/command.h"
#include "cli/help.h"
#include "cli/output.h"

namespace sconce::cli {

namespace {

/// Text that roff prints as it is.
std::string roff(std::string_view text) {
  std::string out;
  if (text.starts_with('.') || text.starts_with('\'')) out += "\\&";
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

std::string title(const std::string& name) {
  std::string upper;
  for (const char c : name) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return ".TH " + upper + " 1 \"\" \"sconce " SCONCE_VERSION "\" \"Sconce\"\n";
}

void append_paragraphs(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\n\n"), text.size());
    out += roff(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 2, text.size()));
    if (!text.empty()) out += ".PP\n";
  }
}

void append_option(std::string& out, const Option& option) {
  out += ".TP\n";
  if (option.letter != 0) out += std::string("\\fB\\-") + option.letter + "\\fR, ";
  out += "\\fB\\-\\-" + roff(option.name) + "\\fR";
  if (!option.argument.empty()) out += " \\fI" + roff(option.argument) + "\\fR";
  out += "\n" + roff(option.brief) + ".\n";
  if (!option.detail.empty()) out += roff(option.detail) + "\n";
  if (!option.choices.empty()) out += "One of: " + roff(option.choices) + ".\n";
}

std::string command_page(const Command& command) {
  const std::string name(command.name);
  std::string out = title("sconce-" + name) + ".SH NAME\nsconce\\-" + name + " \\- " + roff(command.brief) + "\n";
  out += ".SH SYNOPSIS\n\\fBsconce " + name + "\\fR [\\fIOPTION\\fR]... " + roff(command.operands) + "\n";
  out += ".SH DESCRIPTION\n";
  append_paragraphs(out, command.detail);
  out += ".SH OPTIONS\n";
  for_each_option(command, [&](const Option& option) { append_option(out, option); });
  out += ".SH EXIT STATUS\n" + roff(command.exit_codes) + "\n";
  if (!command.examples.empty()) out += ".SH EXAMPLES\n";
  for (const Example& example : command.examples)
    out += ".TP\n" + roff(example.means) + "\n.EX\n" + roff(example.line) + "\n.EE\n";
  return out + ".SH SEE ALSO\n\\fBsconce\\fR(1)\n";
}

std::string main_page() {
  std::string out = title("sconce") +
                    ".SH NAME\nsconce \\- native model storage for PyTorch\n.SH SYNOPSIS\n"
                    "\\fBsconce\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]... \\fIFILE\\fR...\n.SH DESCRIPTION\n"
                    "Shows what is in a model file, checks that it is whole, compares it with another, and writes the "
                    "same model in another format. Needs no Python, and executes nothing of a file.\n.SH COMMANDS\n";
  for (const Command& command : commands())
    out +=
        ".TP\n\\fB" + std::string(command.name) + "\\fR " + roff(command.operands) + "\n" + roff(command.brief) + ".\n";
  out +=
      ".SH EXIT STATUS\n0: done and clean. 1: done, and the answer is no. 2: the command line is wrong. 3: the input "
      "is damaged or hostile. 4: input or output failed. 5: not supported.\n.SH ENVIRONMENT\n.TP\n\\fBNO_COLOR\\fR\n"
      "Where it is set and not empty, no colours are used unless \\fB\\-\\-color always\\fR asks for them.\n"
      ".SH SEE ALSO\n";
  for (const Command& command : commands()) out += "\\fBsconce\\-" + std::string(command.name) + "\\fR(1)\n";
  return out;
}

}  // namespace

int run_man(const Arguments& arguments) {
  Output output;
  if (arguments.operands().empty()) {
    output << main_page();
  } else {
    const std::string& name = arguments.operands().front();
    const Command* command = find_command(name);
    if (command == nullptr) usage_error("there is no command \"" + name + "\"", "sconce help lists them");
    output << command_page(*command);
  }
  output.flush();
  return kClean;
}

}  // namespace sconce::cli
