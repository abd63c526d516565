// Which way each range takes, by evidence.
#pragma once

#include <vector>

#include "transfer/plan.h"
#include "transfer/range.h"
#include "transfer/range_reader.h"

namespace sconce::transfer {

/// Looks what is in the page cache, and gives every range a way: the one that was asked for, or, where that is
/// `automatic`, the one that fits. Errors: `unsupported` where the way that was asked for is not possible here;
/// `invalid_argument` for `view`.
[[nodiscard]] Access choose_ways(const Plan& plan, std::vector<Range>& ranges, const EngineOptions& options);

/// How many threads read: what was asked for; else what the process may use, and more where they wait for the disk.
[[nodiscard]] unsigned reading_threads(const std::vector<Range>& ranges, const EngineOptions& options);

}  // namespace sconce::transfer
