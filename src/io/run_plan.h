// Running write plans: to a file, atomically and durably, or to a sink.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>

#include <sconce/byte_source.h>
#include <sconce/options.h>

#include "io/file_system.h"
#include "io/write_plan.h"

namespace sconce::io {

/// Sizes in bytes. The defaults were measured (docs/benchmarks.md); tests make them small.
struct RunTuning {
  std::size_t buffer = std::size_t{4} << 20;            ///< a multiple of 4096; four of them with a second thread
  std::uint64_t thread_from = std::uint64_t{8} << 20;   ///< plans from here on are read by a second thread
  std::uint64_t direct_from = std::uint64_t{16} << 20;  ///< durable files from here on are written past the page cache
};

struct RunOptions {
  bool overwrite = true;
  /// Sync the file before it takes its name, and the folder after. Where false, a crash of the system soon after may
  /// leave the old file, or the new one with bytes missing; a failure or a crash of the program never does.
  bool durable = true;
  bool ignore_checksums = false;
  ProgressFunction progress;  ///< stage "write"; called in the caller's thread
  std::stop_token cancel;
  unsigned threads = 0;  ///< 1: the caller's alone; else a second one reads what a large plan needs
  RunTuning tuning;
};

/// Write the plan to `path`. The procedure (docs/saving.md says why, step by step): a temporary file in the same
/// folder, space reserved, bytes, fsync, close, rename over the target, fsync of the folder. On any failure the
/// temporary file is removed and the old file is as it was. A path that is a stream already (/dev/stdout, a FIFO) gets
/// the bytes as they come.
///
/// Payloads of a large plan are read by a second thread, which has ended on return. Memory: four buffers (16 MiB),
/// whatever the plan's size. Errors: `exists`, `io`, `checksum` (an input checksum that does not hold), `cancelled`,
/// and what payloads throw.
void run_plan(const WritePlan& plan, const std::string& path, const RunOptions& options,
              FileSystem& files = real_file_system());

/// Write the plan's bytes in order to a sink, in pieces of up to one buffer. Of the options, `overwrite` and `durable`
/// mean nothing here.
void run_plan(const WritePlan& plan, ByteSink& sink, const RunOptions& options);

}  // namespace sconce::io
