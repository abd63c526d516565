#include "cli/input.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace sconce::cli {

SourcePtr open_input(const std::string& name) {
  if (name == "-") return open_descriptor(STDIN_FILENO, "standard input", FileAccess::owned);
  return open_file(name, FileAccess::owned);
}

Checkpoint load_for_one(const std::string& name) {
  LoadOptions options;
  options.access = FileAccess::owned;
  std::error_code none;  // what is wrong with the name is open_input's to say
  if (name == "-" || std::filesystem::is_directory(name, none)) return load_input(name);
  const SourcePtr source = open_input(name);
  if (const auto place = source->extent(0, 0)) ::posix_fadvise(place->descriptor, 0, 0, POSIX_FADV_RANDOM);
  return load(source, options);
}

Checkpoint load_input(const std::string& name) {
  LoadOptions options;
  options.access = FileAccess::owned;
  return name == "-" ? load(open_input(name), options) : load(name, options);
}

}  // namespace sconce::cli
