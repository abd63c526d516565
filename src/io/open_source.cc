#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include <sconce/byte_source.h>

#include "base/fail.h"
#include "io/descriptor.h"
#include "io/feed.h"
#include "io/file_source.h"
#include "io/spool_source.h"
#include "io/system_error.h"

namespace sconce {
namespace io {
namespace {

constexpr std::uint64_t kSpoolLimit = std::uint64_t{1} << 36;

SourcePtr open_source(Descriptor descriptor, std::string name, FileAccess access, std::uint64_t spool_limit) {
  struct stat found = {};
  if (::fstat(descriptor.get(), &found) != 0) fail_system(errno, "looking at the open file", name);
  if (S_ISDIR(found.st_mode)) {
    ErrorPlace place;
    place.file = std::move(name);
    fail(ErrorCode::io, "is a folder", std::move(place), "name a file in it");
  }
  if (S_ISREG(found.st_mode))
    return file_source(std::move(descriptor), static_cast<std::uint64_t>(found.st_size), std::move(name), access);
  return spool_source(descriptor_feed(std::move(descriptor)), std::move(name), spool_limit);
}

}  // namespace
}  // namespace io

inline namespace v0 {

SourcePtr open_file(const std::string& path, FileAccess access) {
  io::FileSystem& files = io::real_file_system();
  int descriptor = -EINTR;
  while (descriptor == -EINTR) descriptor = files.open_read(path);  // a FIFO waits for its writer
  if (descriptor < 0) io::fail_system(-descriptor, "opening the file", path);
  return io::open_source(io::Descriptor(files, descriptor), path, access, io::kSpoolLimit);
}

SourcePtr open_descriptor(int descriptor, std::string name, FileAccess access, std::uint64_t spool_limit) {
  const int own = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (own < 0) io::fail_system(errno, "duplicating the descriptor", name);
  return io::open_source(io::Descriptor(io::real_file_system(), own), std::move(name), access, spool_limit);
}

SourcePtr open_stream(std::istream& stream, std::string name, std::uint64_t spool_limit) {
  return io::spool_source(io::stream_feed(stream), std::move(name), spool_limit);
}

}  // namespace v0
}  // namespace sconce
