// Completions for shells, made from the table of options.
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/help.h"
#include "cli/output.h"

namespace sconce::cli {

namespace {

/// Between single quotes of a shell.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string command_names() {
  std::string names;
  for (const Command& command : commands()) (names += names.empty() ? "" : " ") += command.name;
  return names;
}

std::string bash_options(const Command& command) {
  std::string words;
  for_each_option(command,
                  [&](const Option& option) { words += (words.empty() ? "--" : " --") + std::string(option.name); });
  return words;
}

std::string bash() {
  std::string out =
      "# bash completion for sconce; made by: sconce completion bash\n"
      "_sconce() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W '" +
      command_names() +
      " --help --version' -- \"$word\")\n    return\n  fi\n"
      "  case ${COMP_WORDS[1]} in\n";
  for (const Command& command : commands()) {
    out += "    " + std::string(command.name) + ")\n      case $before in\n";
    for_each_option(command, [&](const Option& option) {
      if (option.argument.empty()) return;
      out += "        --" + std::string(option.name);
      if (option.letter != 0) out += std::string("|-") + option.letter;
      out += ") ";
      if (option.completes == Completes::file) out += "mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); ";
      if (!option.choices.empty())
        out += "mapfile -t COMPREPLY < <(compgen -W '" + std::string(option.choices) + "' -- \"$word\"); ";
      out += "return ;;\n";
    });
    out += "      esac\n      case $word in\n        -*) mapfile -t COMPREPLY < <(compgen -W '" +
           bash_options(command) + "' -- \"$word\") ;;\n        *) mapfile -t COMPREPLY < <(compgen ";
    out += command.operand_choices.empty() ? std::string("-f") : "-W '" + std::string(command.operand_choices) + "'";
    out += " -- \"$word\") ;;\n      esac ;;\n";
  }
  return out + "  esac\n}\ncomplete -o filenames -F _sconce sconce\n";
}

/// Text inside the brackets of zsh's _arguments.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_option(const Option& option) {
  std::string value;
  if (!option.argument.empty()) {
    value = ":" + std::string(option.argument) + ":";
    if (option.completes == Completes::file) value += "_files";
    if (!option.choices.empty()) value += "(" + std::string(option.choices) + ")";
  }
  const std::string many = option.repeats ? "*" : "";
  std::string out =
      "      " + quoted(many + "--" + std::string(option.name) + "[" + zsh_text(option.brief) + "]" + value);
  if (option.letter != 0)
    out += " \\\n      " + quoted(many + "-" + option.letter + "[" + zsh_text(option.brief) + "]" + value);
  return out;
}

std::string zsh() {
  std::string out =
      "#compdef sconce\n# zsh completion; made by: sconce completion zsh\n_sconce() {\n"
      "  if (( CURRENT == 2 )); then\n    local -a names\n    names=(\n";
  for (const Command& command : commands())
    out += "      " + quoted(std::string(command.name) + ":" + std::string(command.brief)) + "\n";
  out +=
      "    )\n    _describe command names\n    return\n  fi\n  local command=$words[2]\n"
      "  shift words\n  (( CURRENT-- ))\n  case $command in\n";
  for (const Command& command : commands()) {
    out += "    " + std::string(command.name) + ") _arguments \\\n";
    for_each_option(command, [&](const Option& option) { out += zsh_option(option) + " \\\n"; });
    out += command.operand_choices.empty()
               ? std::string("      '*:file:_files' ;;\n")
               : "      " + quoted("1:what:(" + std::string(command.operand_choices) + ")") + " ;;\n";
  }
  return out + "  esac\n}\n_sconce \"$@\"\n";
}

std::string fish() {
  std::string out = "# fish completion for sconce; made by: sconce completion fish\n";
  for (const Command& command : commands()) {
    const std::string name(command.name);
    out += "complete -c sconce -n __fish_use_subcommand -f -a " + name + " -d " + quoted(command.brief) + "\n";
  }
  for (const Command& command : commands()) {
    const std::string when = "complete -c sconce -n '__fish_seen_subcommand_from " + std::string(command.name) + "'";
    if (!command.operand_choices.empty()) out += when + " -f -a " + quoted(command.operand_choices) + "\n";
    for_each_option(command, [&](const Option& option) {
      out += when + " -l " + std::string(option.name);
      if (option.letter != 0) out += std::string(" -s ") + option.letter;
      if (!option.argument.empty()) out += option.completes == Completes::file ? " -r" : " -x";
      if (!option.choices.empty()) out += " -a " + quoted(option.choices);
      out += " -d " + quoted(option.brief) + "\n";
    });
  }
  return out;
}

}  // namespace

int run_completion(const Arguments& arguments) {
  const std::string& shell = arguments.operands().front();
  Output output;
  if (shell == "bash")
    output << bash();
  else if (shell == "zsh")
    output << zsh();
  else if (shell == "fish")
    output << fish();
  else
    usage_error("there are no completions for \"" + shell + "\"", "one of: bash zsh fish");
  output.flush();
  return kClean;
}

}  // namespace sconce::cli
