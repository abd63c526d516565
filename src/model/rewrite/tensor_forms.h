// How tensors are rebuilt: forms that the target does not have, and what is written instead.
#pragma once

#include <string_view>

#include "model/rewrite/changes.h"
#include "model/rewrite/target.h"

namespace sconce::model::rewrite {

/// In place. `save` learns which forms the writer has to use.
void rewrite_tensor_forms(Checkpoint::State& state, const Target& target, SaveOptions& save, Changes& changes);

/// Part of what is said of a tensor that a cast would bring into the file.
inline constexpr std::string_view kCastWouldDo = "would hold its numbers";

/// Tensors whose dtype the target does not have become another that holds their numbers, where `cast` allows it;
/// otherwise they remain. Reads the elements of uint64 tensors that are cast. In place.
void rewrite_dtypes(Checkpoint::State& state, const Target& target, bool cast, Changes& changes);

}  // namespace sconce::model::rewrite
