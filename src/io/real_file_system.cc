// For renameat2 and sync_file_range; the build asks for no GNU extensions elsewhere.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>

#include "base/hash.h"
#include "io/file_system.h"

namespace sconce::io {
namespace {

// As the kernel has it when it follows links.
constexpr int kMostLinks = 40;

template <typename Result>
Result or_errno(Result result) noexcept {
  return result < 0 ? static_cast<Result>(-errno) : result;
}

FileKind kind_of(mode_t mode) noexcept {
  if (S_ISREG(mode)) return FileKind::regular;
  if (S_ISDIR(mode)) return FileKind::folder;
  if (S_ISFIFO(mode) || S_ISCHR(mode)) return FileKind::stream;
  return FileKind::other;
}

int real_path(const std::string& path, std::string& resolved) {
  const std::unique_ptr<char, decltype(&std::free)> found(::realpath(path.c_str(), nullptr), &std::free);
  if (!found) return -errno;
  resolved = found.get();
  return 0;
}

// The folder of a path, resolved, with a slash at its end; and the last component.
int split(const std::string& path, std::string& folder, std::string& last) {
  const std::size_t slash = path.rfind('/');
  last = slash == std::string::npos ? path : path.substr(slash + 1);
  if (last.empty()) return -EISDIR;
  const std::string before = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (const int result = real_path(before, folder); result < 0) return result;
  if (folder.back() != '/') folder += '/';
  return 0;
}

// What a link says; -EINVAL where there is no link.
int read_link(const std::string& path, std::string& target) {
  target.resize(4096);  // PATH_MAX; the kernel keeps no longer ones
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  if (size < 0) return -errno;
  target.resize(static_cast<std::size_t>(size));
  return 0;
}

class RealFileSystem final : public FileSystem {
 public:
  int open_read(const std::string& path) override { return or_errno(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); }

  int open_write(const std::string& path) override { return or_errno(::open(path.c_str(), O_WRONLY | O_CLOEXEC)); }

  int create(const std::string& path, std::uint32_t mode) override {
    // O_DIRECT is not asked for here: where it is refused, the kernel has created the file all the same.
    return or_errno(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  }

  int open_folder(const std::string& path) override {
    return or_errno(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }

  int status(const std::string& path, FileStatus& status) override {
    status = {};
    struct stat found = {};
    if (::stat(path.c_str(), &found) != 0) return errno == ENOENT ? 0 : -errno;
    status.kind = kind_of(found.st_mode);
    status.mode = found.st_mode & 0777U;
    return 0;
  }

  int resolve(const std::string& path, std::string& resolved) override {
    std::string at = path;
    for (int links = 0; links < kMostLinks; ++links) {
      if (const int result = real_path(at, resolved); result != -ENOENT) return result;
      // Nothing is there: the folder must be, and the name may be a link to what is still to be made.
      std::string folder;
      std::string last;
      if (const int result = split(at, folder, last); result < 0) return result;
      std::string target;
      if (read_link(folder + last, target) < 0) {
        resolved = folder + last;
        return 0;
      }
      at = target.starts_with('/') ? target : folder + target;
    }
    return -ELOOP;
  }

  std::int64_t read(int descriptor, std::span<std::byte> into, std::uint64_t offset) override {
    return or_errno(::pread(descriptor, into.data(), into.size(), static_cast<off_t>(offset)));
  }

  std::int64_t write(int descriptor, std::span<const std::byte> bytes, std::uint64_t offset) override {
    return or_errno(::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset)));
  }

  std::int64_t write_next(int descriptor, std::span<const std::byte> bytes) override {
    return or_errno(::write(descriptor, bytes.data(), bytes.size()));
  }

  int reserve(int descriptor, std::uint64_t size) override {
    return or_errno(::fallocate(descriptor, 0, 0, static_cast<off_t>(size)));
  }

  int change_mode(int descriptor, std::uint32_t mode) override { return or_errno(::fchmod(descriptor, mode)); }

  int set_direct(int descriptor, bool direct) override {
    const int flags = ::fcntl(descriptor, F_GETFL);
    if (flags < 0) return -errno;
    return or_errno(::fcntl(descriptor, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT));
  }

  int start_writeback(int descriptor, std::uint64_t offset, std::uint64_t size) override {
    return or_errno(
        ::sync_file_range(descriptor, static_cast<off_t>(offset), static_cast<off_t>(size), SYNC_FILE_RANGE_WRITE));
  }

  int sync(int descriptor) override { return or_errno(::fsync(descriptor)); }
  int close(int descriptor) override { return or_errno(::close(descriptor)); }

  int rename(const std::string& from, const std::string& to) override {
    return or_errno(std::rename(from.c_str(), to.c_str()));
  }

  int rename_new(const std::string& from, const std::string& to) override {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -errno;
    // A file system (NFS) or kernel without that flag: a second name is refused where the name is taken.
    if (::link(from.c_str(), to.c_str()) != 0) return -errno;
    return or_errno(::unlink(from.c_str()));
  }

  int remove(const std::string& path) override { return or_errno(::unlink(path.c_str())); }

  std::uint64_t random() override {
    std::uint64_t value = 0;
    if (::getrandom(&value, sizeof value, 0) == static_cast<ssize_t>(sizeof value)) return value;
    // A sandbox without the call. O_EXCL and O_NOFOLLOW keep a guessed name harmless.
    timespec now = {};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return hash_bytes({reinterpret_cast<const char*>(&now), sizeof now}, process_seed());
  }
};

}  // namespace

FileSystem& real_file_system() noexcept {
  // Never destroyed: a Checkpoint that lives until the program ends closes its file after that.
  static FileSystem& files = *new RealFileSystem;
  return files;
}

}  // namespace sconce::io
