// The command `sconce`.
#include <csignal>

#include "cli/command.h"

int main(int count, char** words) {
  // A reader that goes away is seen as EPIPE where we write: never a death in the middle of a file.
  std::signal(SIGPIPE, SIG_IGN);
  return sconce::cli::run_command_line(count, words);
}
