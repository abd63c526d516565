// Writing a file from front to back, the fastest way that it allows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "io/file_system.h"

namespace sconce::io {

/// How bytes go to the disk.
enum class WriteWay : std::uint8_t {
  cached,  ///< into the page cache, and on whenever the kernel likes
  behind,  ///< into the page cache, and on to the disk at once, without waiting: for files that are synced after
  direct,  ///< past the page cache, in whole blocks; the rest as `behind`
};

/// Writes at growing offsets of a descriptor that it does not own. Continues short and interrupted writes. Not
/// thread-safe.
class OrderedWriter {
 public:
  /// `name` is for errors. `direct` becomes `behind` where the file system has no O_DIRECT.
  OrderedWriter(FileSystem& files, int descriptor, std::string name, WriteWay way);

  /// Direct writing needs bytes at kBufferAlignment, and goes on for as long as their size is a multiple of it. Errors:
  /// `io`.
  void write(std::span<const std::byte> bytes);

  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }  ///< bytes written so far

 private:
  void put(std::span<const std::byte> bytes);
  void leave_direct();
  void start_writeback(std::uint64_t from);

  FileSystem& files_;
  int descriptor_;
  std::string name_;
  WriteWay way_;
  std::uint64_t offset_ = 0;
};

}  // namespace sconce::io
