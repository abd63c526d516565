// Running write plans: to a file, atomically and durably, or to a sink.
#pragma once

#include <cstdint>
#include <string>
#include <stop_token>

#include <sconce/byte_source.h>
#include <sconce/options.h>

#include "io/file_system.h"
#include "io/write_plan.h"

namespace sconce::io {

struct RunOptions {
  bool overwrite = true;
  bool durable = true;
  bool ignore_checksums = false;
  ProgressFunction progress;
  std::stop_token cancel;
};

/// Write the plan to `path`. The procedure (docs/saving.md says why, step by step): a temporary file in the same folder,
/// space reserved, bytes, fsync, close, rename over the target, fsync of the folder. On any failure the temporary file is
/// removed and the old file is as it was.
///
/// Anonymous memory stays below 64 MiB whatever the plan's size. Errors: `exists`, `io`, `checksum` (an input checksum
/// that does not hold), `cancelled`, and what payloads throw.
void run_plan(const WritePlan& plan, const std::string& path, const RunOptions& options,
              FileSystem& files = real_file_system());

/// Write the plan's bytes in order to a sink.
void run_plan(const WritePlan& plan, ByteSink& sink, const RunOptions& options);

}  // namespace sconce::io
