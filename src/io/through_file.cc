#include "io/through_file.h"

#include <cerrno>
#include <utility>

#include "io/retry.h"
#include "io/system_error.h"

namespace sconce::io {
namespace {

Descriptor open_stream(FileSystem& files, const std::string& path) {
  const int descriptor = uninterrupted([&] { return files.open_write(path); });
  if (descriptor < 0) fail_system(-descriptor, "opening it for writing", path);
  return {files, descriptor};
}

}  // namespace

ThroughFile::ThroughFile(FileSystem& files, const std::string& path)
    : path_(path), descriptor_(open_stream(files, path)) {}

void ThroughFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    FileSystem& files = descriptor_.files();
    const std::int64_t done = uninterrupted([&] { return files.write_next(descriptor_.get(), bytes); });
    if (done <= 0) fail_system(done == 0 ? EIO : static_cast<int>(-done), "writing", path_, offset_);
    offset_ += static_cast<std::uint64_t>(done);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
}

void ThroughFile::commit() {
  if (const int result = descriptor_.close(); result < 0) fail_system(-result, "closing it", path_);
}

}  // namespace sconce::io
