// The one door to the operating system's files. Everything that saves goes through it, so that a test can make any call
// fail, be short, or be the last before a crash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace sconce::io {

enum class FileKind : std::uint8_t {
  absent,
  regular,
  folder,
  stream,  ///< a FIFO or a character device: bytes go through, nothing is replaced
  other,   ///< a block device, a socket
};

/// What a save needs to know of its target.
struct FileStatus {
  FileKind kind = FileKind::absent;
  std::uint32_t mode = 0;  ///< permission bits, 0777
};

/// Calls as POSIX has them: a result below zero is -errno. No function retries, none throws; who calls decides.
///
/// Thread rule: one object may be used from many threads on different descriptors; read() also on the same one.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  [[nodiscard]] virtual int open_read(const std::string& path) = 0;
  /// Opens what is there for writing, and changes nothing by it: for streams.
  [[nodiscard]] virtual int open_write(const std::string& path) = 0;
  /// Creates a file that must not exist (O_EXCL, O_NOFOLLOW), for writing and reading. The umask cuts `mode`.
  [[nodiscard]] virtual int create(const std::string& path, std::uint32_t mode) = 0;
  [[nodiscard]] virtual int open_folder(const std::string& path) = 0;
  /// Follows links. Nothing there is a success, with FileKind::absent.
  [[nodiscard]] virtual int status(const std::string& path, FileStatus& status) = 0;
  /// The file that a path means once every link is followed; also where a link leads to nothing yet. The folder must be
  /// there.
  [[nodiscard]] virtual int resolve(const std::string& path, std::string& resolved) = 0;
  [[nodiscard]] virtual std::int64_t read(int descriptor, std::span<std::byte> into, std::uint64_t offset) = 0;
  [[nodiscard]] virtual std::int64_t write(int descriptor, std::span<const std::byte> bytes, std::uint64_t offset) = 0;
  /// Writes where the descriptor stands; streams have no offsets.
  [[nodiscard]] virtual std::int64_t write_next(int descriptor, std::span<const std::byte> bytes) = 0;
  [[nodiscard]] virtual int reserve(int descriptor, std::uint64_t size) = 0;  ///< fallocate; the file gets that size
  [[nodiscard]] virtual int change_mode(int descriptor, std::uint32_t mode) = 0;
  /// O_DIRECT on or off; -EINVAL where the file system has none.
  [[nodiscard]] virtual int set_direct(int descriptor, bool direct) = 0;
  /// Starts writing dirty pages of a range to the disk, without waiting.
  [[nodiscard]] virtual int start_writeback(int descriptor, std::uint64_t offset, std::uint64_t size) = 0;
  [[nodiscard]] virtual int sync(int descriptor) = 0;  ///< fsync; also of a folder
  /// The descriptor is gone afterwards, whatever the result.
  [[nodiscard]] virtual int close(int descriptor) = 0;
  [[nodiscard]] virtual int rename(const std::string& from, const std::string& to) = 0;
  /// Rename that fails with -EEXIST where the target exists.
  [[nodiscard]] virtual int rename_new(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual int remove(const std::string& path) = 0;
  [[nodiscard]] virtual std::uint64_t random() = 0;  ///< for temporary names; not to be guessed
};

/// The operating system's.
[[nodiscard]] FileSystem& real_file_system() noexcept;

}  // namespace sconce::io
