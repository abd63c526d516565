// What must not be written on, and what is written on without being understood.
#pragma once

#include <sconce/save.h>

#include "model/state.h"

namespace sconce::model {

/// Refuses a checkpoint that would execute, import, read, write or send something when it is loaded: by what the file
/// did, even where its result was dropped, and by what the tree holds. Errors: `hostile`, with the name, and the record
/// and offset where they are known.
void refuse_hostile(const Checkpoint::State& state);

/// Notes the classes and functions in the tree that Sconce does not know; they are kept as data.
void note_unknown_classes(const Checkpoint::State& state, SaveReport& report);

}  // namespace sconce::model
