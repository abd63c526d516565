#include "io/target.h"

#include <string>
#include <utility>

#include "base/fail.h"
#include "io/atomic_file.h"
#include "io/retry.h"
#include "io/system_error.h"
#include "io/through_file.h"

namespace sconce::io {
namespace {

[[noreturn]] void refuse(const std::string& path, std::string message, std::string advice) {
  ErrorPlace place;
  place.file = path;
  fail(ErrorCode::io, std::move(message), std::move(place), std::move(advice));
}

}  // namespace

std::unique_ptr<Target> open_target(FileSystem& files, const std::string& path, std::uint64_t size,
                                    const TargetOptions& options) {
  FileStatus found;
  const int result = uninterrupted([&] { return files.status(path, found); });
  if (result < 0) fail_system(-result, "looking at what is there", path);
  switch (found.kind) {
    case FileKind::stream: return std::make_unique<ThroughFile>(files, path);
    case FileKind::folder: refuse(path, "is a folder", "name a file in it");
    case FileKind::other: refuse(path, "is a device or a socket, not a file", "choose another path");
    case FileKind::regular:
      if (!options.overwrite) fail_exists(path);
      break;
    case FileKind::absent: break;
  }
  return std::make_unique<AtomicFile>(files, path, found, size, options);
}

}  // namespace sconce::io
