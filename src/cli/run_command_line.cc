// From the words of a command line to an exit code.
#include <sconce/error.h>
#include <sconce/version.h>

#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/help.h"
#include "cli/output.h"

namespace sconce::cli {

namespace {

/// Whether the words ask for JSON, known before they are parsed, so that an error of parsing is JSON, too.
bool wants_json(std::span<const char* const> words) {
  for (const std::string_view word : words) {
    if (word == "--") return false;
    if (word == "--json") return true;
  }
  return false;
}

[[noreturn]] void unknown_command(const std::string& name) {
  std::vector<std::string> names;
  for (const Command& command : commands()) names.emplace_back(command.name);
  const std::vector<std::string> near = nearest(name, names, 1);
  usage_error("there is no command \"" + name + "\"",
              near.empty() ? "sconce --help lists them" : "did you mean sconce " + near.front() + "?");
}

int print(const std::string& text) {
  Output output;
  output << text;
  output.flush();
  return kClean;
}

int dispatch(std::span<const char* const> words) {
  if (words.empty()) {
    usage_error("a command is missing", "sconce --help lists them");
  }
  const std::string_view first = words.front();
  if (first == "--version" || first == "-V") return print("sconce " SCONCE_VERSION "\n");
  if (first == "--help" || first == "-h") return print(overview());
  const Command* command = find_command(first);
  if (command == nullptr) {
    if (first.starts_with('-')) usage_error("there is no option " + std::string(first), "sconce --help explains more");
    unknown_command(std::string(first));
  }
  const Arguments arguments = parse(*command, words.subspan(1));
  if (const auto help = arguments.value("help"))
    return print(*help == "short" ? command_usage(*command) : command_help(*command));
  return command->run(arguments);
}

}  // namespace

int run_command_line(int count, const char* const* words) {
  const std::span<const char* const> rest(words + (count > 0 ? 1 : 0), words + count);
  const bool json = wants_json(rest);
  try {
    return dispatch(rest);
  } catch (const Error& error) {
    return report(error, json);
  } catch (const std::bad_alloc&) {
    return report(Error(ErrorCode::limit, "there is not enough memory"), json);
  } catch (const std::exception& error) {
    return report(Error(ErrorCode::io, error.what()), json);
  }
}

}  // namespace sconce::cli
