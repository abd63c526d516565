// Text made from the table of options: what --help prints.
#pragma once

#include <string>

#include "cli/options_table.h"

namespace sconce::cli {

/// The commands, one a line.
[[nodiscard]] std::string overview();
/// -h: usage and options, a line each.
[[nodiscard]] std::string command_usage(const Command& command);
/// --help: all of one command: usage, what it does, options by category, examples, exit codes.
[[nodiscard]] std::string command_help(const Command& command);

/// The options of a command, with those that every command takes.
template <typename Visit>
void for_each_option(const Command& command, const Visit& visit) {
  for (const Option& option : command.options) visit(option);
  for (const Option& option : common_options()) visit(option);
}

}  // namespace sconce::cli
