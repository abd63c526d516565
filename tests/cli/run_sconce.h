// Running the command as a user does, and what came of it.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "io/temporary_folder.h"

namespace sconce::test {

struct Ran {
  int code = -1;  ///< exit code; 1000 and the signal where one ended it
  std::string out;
  std::string err;
};

struct RunOptions {
  std::string in = "/dev/null";               ///< file that is standard input
  std::string out;                            ///< file that is standard output; empty: caught
  std::vector<std::string> environment = {};  ///< "NO_COLOR=1"
};

/// Runs `sconce` with these words, in the folder of the fixtures, so that names in its output are the same everywhere.
inline Ran run_sconce(const std::vector<std::string>& words, const RunOptions& options = {}) {
  const TemporaryFolder folder;
  const std::string out = options.out.empty() ? folder / "out" : options.out;
  const std::string err = folder / "err";
  std::vector<const char*> arguments{SCONCE_COMMAND};
  for (const std::string& word : words) arguments.push_back(word.c_str());
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    const int in = ::open(options.in.c_str(), O_RDONLY);
    const int to = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int errors = ::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (in < 0 || to < 0 || errors < 0 || ::dup2(in, 0) < 0 || ::dup2(to, 1) < 0 || ::dup2(errors, 2) < 0) ::_exit(99);
    if (::chdir(SCONCE_SOURCE_DIR "/tests/fixtures") != 0) ::_exit(98);
    ::unsetenv("NO_COLOR");
    for (const std::string& variable : options.environment) ::putenv(const_cast<char*>(variable.c_str()));
    ::execv(SCONCE_COMMAND, const_cast<char* const*>(arguments.data()));
    ::_exit(97);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  Ran ran;
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  if (options.out.empty()) ran.out = read_file(out);
  ran.err = read_file(err);
  return ran;
}

/// A pickle of protocol 2: {"a": os.getcwd()}. Harmless, and yet a call that is no data.
inline constexpr std::string_view kCallingPickle(
    "\x80\x02}q\0X\x01\0\0\0aq\x01"
    "cos\ngetcwd\nq\x02)Rq\x03s.",
    32);

}  // namespace sconce::test
