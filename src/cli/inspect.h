// The two faces of `sconce inspect`.
#pragma once

#include <sconce/checkpoint.h>

#include "cli/arguments.h"
#include "cli/output.h"
#include "cli/progress.h"

namespace sconce::cli {

/// One object; the schema is in the README.
void inspect_json(const Checkpoint& checkpoint, const Arguments& arguments, ProgressBar& progress, Output& output);
/// Tables for people.
void inspect_text(const Checkpoint& checkpoint, const Arguments& arguments, ProgressBar& progress, Output& output);

}  // namespace sconce::cli
