// The one door to the operating system's files. Everything that saves goes through it, so that a test can make any call
// fail, be short, or be the last before a crash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace sconce::io {

/// What a save needs to know of an existing file.
struct FileStatus {
  bool exists = false;
  bool regular = false;
  bool directory = false;
  std::uint64_t size = 0;
  std::uint32_t mode = 0;        ///< permission bits
  std::uint64_t device = 0;      ///< with inode: which file it is
  std::uint64_t inode = 0;
};

/// Calls as POSIX has them: a result below zero is -errno. No function retries, none throws; who calls decides.
///
/// Thread rule: one object may be used from many threads on different descriptors.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  [[nodiscard]] virtual int open_read(const std::string& path) = 0;
  /// Creates a file that must not exist (O_EXCL, O_NOFOLLOW), for writing and reading. `direct`: O_DIRECT where the file
  /// system has it; -EINVAL where it has not.
  [[nodiscard]] virtual int create(const std::string& path, std::uint32_t mode, bool direct) = 0;
  [[nodiscard]] virtual int open_directory(const std::string& path) = 0;
  [[nodiscard]] virtual int status(const std::string& path, FileStatus& status) = 0;   ///< follows links
  /// The file that a path means once every link is followed; the path itself where nothing is there.
  [[nodiscard]] virtual int resolve(const std::string& path, std::string& resolved) = 0;
  [[nodiscard]] virtual std::int64_t read(int descriptor, std::span<std::byte> into, std::uint64_t offset) = 0;
  [[nodiscard]] virtual std::int64_t write(int descriptor, std::span<const std::byte> bytes, std::uint64_t offset) = 0;
  [[nodiscard]] virtual int reserve(int descriptor, std::uint64_t size) = 0;           ///< fallocate
  [[nodiscard]] virtual int truncate(int descriptor, std::uint64_t size) = 0;
  [[nodiscard]] virtual int change_mode(int descriptor, std::uint32_t mode) = 0;
  [[nodiscard]] virtual int set_direct(int descriptor, bool direct) = 0;               ///< fcntl O_DIRECT
  /// Starts writing dirty pages of a range to the disk, without waiting.
  [[nodiscard]] virtual int start_writeback(int descriptor, std::uint64_t offset, std::uint64_t size) = 0;
  [[nodiscard]] virtual int sync(int descriptor) = 0;                                  ///< fsync; also of a directory
  [[nodiscard]] virtual int close(int descriptor) = 0;
  [[nodiscard]] virtual int rename(const std::string& from, const std::string& to) = 0;
  /// Rename that fails with -EEXIST where the target exists.
  [[nodiscard]] virtual int rename_new(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual int remove(const std::string& path) = 0;
  [[nodiscard]] virtual std::uint64_t random() = 0;                                    ///< for temporary names
};

/// The operating system's.
[[nodiscard]] FileSystem& real_file_system() noexcept;

}  // namespace sconce::io
