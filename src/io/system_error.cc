#include "io/system_error.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/fail.h"

namespace sconce::io {

std::string_view advice_for(int error) noexcept {
  switch (error) {
    case ENOENT:
    case ENOTDIR: return "check the path";
    case EACCES:
    case EPERM: return "check the permissions of the file and its folder";
    case EROFS: return "the file system is read-only: choose a path on another one";
    case ENOSPC: return "free space on that disk, or choose a path on another one";
    case EDQUOT: return "free space within your quota, or choose a path on another disk";
    case EFBIG: return "the file system or a limit of this process (ulimit -f) refuses files of that size";
    case EMFILE:
    case ENFILE: return "too many files are open: raise the limit (ulimit -n)";
    case ENAMETOOLONG: return "choose a shorter name";
    case ELOOP: return "links lead in a circle: check the path";
    case EIO: return "the disk or the connection to it fails: look at the system log";
    default: return {};
  }
}

void fail_system(int error, std::string_view doing, const std::string& path, std::optional<std::uint64_t> offset) {
  ErrorPlace place;
  place.file = path;
  place.offset = offset;
  fail(ErrorCode::io, std::string(doing) + ": " + std::generic_category().message(error), std::move(place),
       std::string(advice_for(error)));
}

void fail_exists(const std::string& path) {
  ErrorPlace place;
  place.file = path;
  fail(ErrorCode::exists, "the file exists already", std::move(place), "choose another name, or allow overwriting");
}

}  // namespace sconce::io
