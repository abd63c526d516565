// A parsed command line.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/options_table.h"

namespace sconce::cli {

/// What was given to one command. Everything in it was checked against the table.
class Arguments {
 public:
  explicit Arguments(const Command& command) noexcept : command_(&command) {}

  [[nodiscard]] const Command& command() const noexcept { return *command_; }
  [[nodiscard]] const std::vector<std::string>& operands() const noexcept { return operands_; }
  [[nodiscard]] bool has(std::string_view option) const noexcept { return value(option).has_value(); }
  /// The last value of an option; empty text for a switch that was given.
  [[nodiscard]] std::optional<std::string_view> value(std::string_view option) const noexcept;
  [[nodiscard]] std::vector<std::string> values(std::string_view option) const;
  /// A number, or `otherwise` where the option was not given. Errors: `invalid_argument`.
  [[nodiscard]] std::uint64_t number(std::string_view option, std::uint64_t otherwise) const;
  [[nodiscard]] double real(std::string_view option, double otherwise) const;

  [[nodiscard]] bool json() const noexcept { return has("json"); }
  [[nodiscard]] bool quiet() const noexcept { return has("quiet"); }

 private:
  friend class Parser;
  const Command* command_;
  std::vector<std::string> operands_;
  std::vector<std::pair<const Option*, std::string>> given_;
};

/// Reads the words behind the command's name: `--option=value`, `--option value`, `-o value`, `-ovalue`, `-xyz` for
/// switches, `--` before operands that begin with a dash, `-` for standard input. Errors: `invalid_argument`, with the
/// nearest option. `-h` and `--help` end the parsing.
[[nodiscard]] Arguments parse(const Command& command, std::span<const char* const> words);

/// The error of a wrong command line.
[[noreturn]] void usage_error(std::string message, std::string advice);

}  // namespace sconce::cli
