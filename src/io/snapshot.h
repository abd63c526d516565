// A plan that can be run later: what may change until then is copied now.
#pragma once

#include <stop_token>

#include <sconce/options.h>

#include "io/snapshot_memory.h"
#include "io/write_plan.h"

namespace sconce::io {

struct SnapshotOptions {
  bool ignore_checksums = false;  ///< payloads that would only be compared are left alone
  unsigned threads = 0;           ///< 0: as many as the process may use
  ProgressFunction progress;      ///< stage "snapshot"; called in the caller's thread
  std::stop_token cancel;
};

/// Copies the bytes of every payload that is not in a file into one block of `memory`, which goes back there with the
/// plan. Afterwards the plan holds nothing of the caller's, and gives the bytes of now whenever it is run. Errors:
/// `memory`, `cancelled`, and what payloads throw; the plan is then as it was.
void take_snapshot(WritePlan& plan, SnapshotMemory& memory, const SnapshotOptions& options);

}  // namespace sconce::io
