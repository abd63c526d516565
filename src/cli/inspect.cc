// What is in a file.
#include "cli/inspect.h"

#include "cli/command.h"
#include "cli/input.h"

namespace sconce::cli {

int run_inspect(const Arguments& arguments) {
  ProgressBar progress(arguments);
  Output output;
  // Never destroyed: the process ends with it, and the system takes a large tree back faster than we could.
  static const Checkpoint& checkpoint = *new Checkpoint(load_input(arguments.operands().front()));
  if (arguments.json())
    inspect_json(checkpoint, arguments, progress, output);
  else
    inspect_text(checkpoint, arguments, progress, output);
  progress.clear();
  output.flush();
  return kClean;
}

}  // namespace sconce::cli
