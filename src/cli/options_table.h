// What the command line understands, as data: the parser, the help, the man pages and the completions are made from
// this one table.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace sconce::cli {

/// What follows an option or stands in a place, for completions.
enum class Completes : unsigned char { nothing, file, choice };

struct Option {
  std::string_view name;      ///< without the dashes: "match"
  char letter = 0;            ///< 'm' for -m; 0: none
  std::string_view argument;  ///< "PATTERN"; empty: a switch
  std::string_view category;  ///< heading in the help
  std::string_view brief;     ///< a few words
  std::string_view detail;    ///< sentences, for --help and the man page; may be empty
  std::string_view choices;   ///< separated by spaces, where only these are allowed
  bool repeats = false;       ///< may be given several times
  char only_with = 0;         ///< of an argument that may be left out: only a word with this character is one
  Completes completes = Completes::nothing;
};

struct Example {
  std::string_view line;
  std::string_view means;
};

class Arguments;

struct Command {
  std::string_view name;
  std::string_view operands;  ///< "FILE PATH"
  std::size_t least = 0;      ///< operands
  std::size_t most = 0;
  std::string_view brief;
  std::string_view detail;  ///< paragraphs, separated by an empty line
  std::string_view exit_codes;
  std::span<const Option> options;
  std::span<const Example> examples;
  int (*run)(const Arguments& arguments);
  std::string_view operand_choices = {};  ///< for completions, where the operand is no file
  bool listed = true;                     ///< shown in the overview
};

[[nodiscard]] std::span<const Command> commands() noexcept;
[[nodiscard]] const Command* find_command(std::string_view name) noexcept;
/// Options that every command takes: --json, --color, --quiet, --help.
[[nodiscard]] std::span<const Option> common_options() noexcept;

}  // namespace sconce::cli
