// What a save writes to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <sconce/byte_source.h>

#include "io/file_system.h"

namespace sconce::io {

/// Bytes in order, and then commit(). Without it, what was there before stays. Not thread-safe.
class Target : public ByteSink {
 public:
  /// All bytes were written: make them the file. Called once. Errors: `io`, `exists`.
  virtual void commit() = 0;
};

struct TargetOptions {
  bool overwrite = true;  ///< false: an existing regular file is an Error (`exists`)
  bool durable = true;    ///< sync the file before it takes its name, and the folder after
  bool direct = false;    ///< write past the page cache, where the file system can
};

/// Opens the target at `path` for exactly `size` bytes: an AtomicFile, or, where a stream (/dev/stdout, /dev/null, a
/// FIFO) is there already, that stream itself, for which the options mean nothing and what was written before a failure
/// is out. Errors: `exists`, `io`.
[[nodiscard]] std::unique_ptr<Target> open_target(FileSystem& files, const std::string& path, std::uint64_t size,
                                                  const TargetOptions& options);

}  // namespace sconce::io
