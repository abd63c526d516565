// The command `sconce`.
#include <malloc.h>

#include <csignal>

#include "cli/command.h"

namespace {

/// The process is short and frees little: fewer mappings made and undone, for trees of many tensors.
void tune_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 16 << 20);
#endif
}

}  // namespace

int main(int count, char** words) {
  // A reader that goes away is seen as EPIPE where we write: never a death in the middle of a file.
  std::signal(SIGPIPE, SIG_IGN);
  tune_memory();
  return sconce::cli::run_command_line(count, words);
}
