#include "cli/input.h"

#include <unistd.h>

namespace sconce::cli {

SourcePtr open_input(const std::string& name) {
  if (name == "-") return open_descriptor(STDIN_FILENO, "standard input", FileAccess::owned);
  return open_file(name, FileAccess::owned);
}

Checkpoint load_input(const std::string& name) {
  LoadOptions options;
  options.access = FileAccess::owned;
  return name == "-" ? load(open_input(name), options) : load(name, options);
}

}  // namespace sconce::cli
