// A file that regions lie in.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>

namespace sconce::transfer {

/// What is known of an open file before it is read. The descriptor belongs to a source that outlives this.
class SourceFile {
 public:
  /// Errors: `io`.
  SourceFile(int descriptor, std::string name);

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Bytes that it had when this was made.
  [[nodiscard]] std::uint64_t size() const noexcept { return static_cast<std::uint64_t>(size_); }
  /// Behind a network or another process: never mapped.
  [[nodiscard]] bool remote() const noexcept { return remote_; }
  /// A file system without a disk (tmpfs): what is there is in memory.
  [[nodiscard]] bool in_memory() const noexcept { return in_memory_; }

  /// Errors: `damaged` where size or time of modification are no longer what they were. (The inode cannot change under
  /// an open descriptor, and the time of a change of status moves when a file is only renamed.)
  void check_unchanged() const;

 private:
  int descriptor_;
  std::string name_;
  bool remote_ = false;
  bool in_memory_ = false;
  std::int64_t size_ = 0;
  timespec modified_ = {};
};

}  // namespace sconce::transfer
