// Values that are no tensors and no objects: what weights_only does not know of them.
#pragma once

#include "model/rewrite/changes.h"
#include "model/rewrite/target.h"

namespace sconce::model::rewrite {

/// Makes what torch.load(weights_only=True) of the target refuses into what it takes: NumPy's arrays and scalars,
/// defaultdict, Counter, sets, slice, range, Python 2 strings. `plain`: also floats, bytes, complex numbers and torch's
/// small values where that release does not know them: they become tensors without dimensions, or texts. What cannot
/// become anything else remains. In place. Errors: `unsupported` where two keys of a dict would become one.
void rewrite_values(Checkpoint::State& state, const Target& target, bool plain, Changes& changes);

}  // namespace sconce::model::rewrite
