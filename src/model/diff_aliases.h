// Which tensors share a storage, on one side only.
#pragma once

#include <sconce/diff.h>

#include "model/diff_side.h"

namespace sconce::model {

/// Looks at the tensors that both sides have. A group of names that share a storage on one side and do not all share
/// one on the other is a difference, or a note where the other side's format cannot say it.
void diff_aliases(const Side& a, const Side& b, DiffReport& report);

}  // namespace sconce::model
