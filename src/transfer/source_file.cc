#include "transfer/source_file.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <utility>

#include "base/fail.h"
#include "io/file_source.h"
#include "io/system_error.h"

namespace sconce::transfer {
namespace {

struct stat status_of(int descriptor, const std::string& name) {
  struct stat status = {};
  if (::fstat(descriptor, &status) != 0) io::fail_system(errno, "looking at the open file", name);
  return status;
}

}  // namespace

SourceFile::SourceFile(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {
  const struct stat status = status_of(descriptor_, name_);
  size_ = status.st_size;
  modified_ = status.st_mtim;
  struct statfs system = {};
  if (::fstatfs(descriptor_, &system) != 0) io::fail_system(errno, "looking at the file system", name_);
  const auto type = static_cast<std::uint32_t>(system.f_type);
  remote_ = io::is_remote(type);
  in_memory_ = type == TMPFS_MAGIC || type == RAMFS_MAGIC || type == HUGETLBFS_MAGIC;
}

void SourceFile::check_unchanged() const {
  const struct stat now = status_of(descriptor_, name_);
  if (now.st_size == size_ && now.st_mtim.tv_sec == modified_.tv_sec && now.st_mtim.tv_nsec == modified_.tv_nsec)
    return;
  ErrorPlace place;
  place.file = name_;
  fail(ErrorCode::damaged,
       now.st_size != size_ ? "the file was changed while it was being read: it had " + std::to_string(size_) +
                                  " bytes, and has " + std::to_string(now.st_size)
                            : "the file was changed while it was being read",
       std::move(place), "another program writes to it: try again when that is done");
}

}  // namespace sconce::transfer
