// Comparing the tensors that both sides have.
#pragma once

#include <sconce/diff.h>

#include "model/diff_side.h"

namespace sconce::model {

/// Names that one side lacks, what differs in shape, dtype and layout, and (with several threads, through bounded
/// windows) the elements. A tensor that stands at several names is read once. Errors: those of reading; `cancelled`.
void diff_tensors(const Side& a, const Side& b, const DiffOptions& options, DiffReport& report);

}  // namespace sconce::model
