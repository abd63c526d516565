// How much of the processors a control group leaves.
#pragma once

#include <optional>
#include <string>

namespace sconce {

/// Processors that this process may keep busy at once, from the quotas of its control groups (version 2: cpu.max;
/// version 1: cpu.cfs_quota_us) and all that they lie in, rounded up; nothing where there is no quota. `root` is the
/// folder that `proc` and `sys` lie in.
[[nodiscard]] std::optional<unsigned> cpu_quota(const std::string& root = "/");

}  // namespace sconce
