// What a checkpoint holds besides weights, for inspect.
#pragma once

#include <sconce/checkpoint.h>

#include "base/json_writer.h"
#include "cli/output.h"

namespace sconce::cli {

/// A section for people; nothing where there is only a model.
void print_training(Output& output, const Style& style, const Checkpoint& checkpoint);
/// The member `training` of inspect's object: null where there is only a model.
void write_training(JsonWriter& json, const Checkpoint& checkpoint, Output& output);

}  // namespace sconce::cli
