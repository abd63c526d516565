// Objects become plain values.
#pragma once

#include "model/rewrite/changes.h"
#include "model/state.h"

namespace sconce::model::rewrite {

/// Replaces every object that plain_value() knows how to, whole modules by their state_dict, classes and functions that
/// are values by their names, and tensors of subclasses by plain ones. Keys of dicts stay keys: what could not be
/// hashed any more stays. In place. Errors: `limit`; `unsupported` where two keys of a dict would become one.
void make_objects_plain(Checkpoint::State& state, Changes& changes);

}  // namespace sconce::model::rewrite
