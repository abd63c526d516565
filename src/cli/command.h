// The commands: each takes its arguments, calls the library, prints, and returns the exit code.
//
// The command uses nothing but the public API for models. The one exception is the room `base`, for text: escaping of
// what a file says, JSON, sizes and near names are the same here as in the library's own messages, and a second copy
// would drift apart from it. No header of another room is included here.
#pragma once

#include "cli/arguments.h"

namespace sconce::cli {

/// Exit codes; programs depend on them.
enum Exit : int {
  kClean = 0,          ///< done, and the answer is yes
  kNo = 1,             ///< done, and the answer is no: differs, a checksum is wrong, no such path
  kUsage = 2,          ///< the command line is wrong
  kDamaged = 3,        ///< the input cannot be walked, or must not be written on
  kInputOutput = 4,    ///< the system failed, or the target exists
  kUnsupported = 5,    ///< the input is fine, but asks for what is not supported
  kInterrupted = 130,  ///< Ctrl-C
};

/// Of several files: the worst, in the order 4, 3, 5, 1.
[[nodiscard]] int worse(int a, int b) noexcept;

[[nodiscard]] int run_inspect(const Arguments& arguments);
[[nodiscard]] int run_verify(const Arguments& arguments);
[[nodiscard]] int run_convert(const Arguments& arguments);
[[nodiscard]] int run_check(const Arguments& arguments);
/// `check --into`.
[[nodiscard]] int run_check_into(const Arguments& arguments);
[[nodiscard]] int run_devices(const Arguments& arguments);
[[nodiscard]] int run_load(const Arguments& arguments);
[[nodiscard]] int run_diff(const Arguments& arguments);
[[nodiscard]] int run_get(const Arguments& arguments);
[[nodiscard]] int run_help(const Arguments& arguments);
[[nodiscard]] int run_completion(const Arguments& arguments);
[[nodiscard]] int run_man(const Arguments& arguments);

/// The whole program but for the process: parses, runs, reports what was thrown.
[[nodiscard]] int run_command_line(int count, const char* const* words);

}  // namespace sconce::cli
