// An open descriptor that is closed once.
#pragma once

#include <utility>

#include "io/file_system.h"

namespace sconce::io {

/// Owns a descriptor of a FileSystem, which must outlive it. Not thread-safe.
class Descriptor {
 public:
  Descriptor(FileSystem& files, int value) noexcept : files_(&files), value_(value) {}
  Descriptor(Descriptor&& other) noexcept : files_(other.files_), value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(files_, other.files_);
    std::swap(value_, other.value_);
    return *this;
  }
  ~Descriptor() {
    // What was written is checked by close(); here only what is given up or was read is closed.
    if (value_ >= 0) static_cast<void>(files_->close(value_));
  }

  [[nodiscard]] int get() const noexcept { return value_; }
  [[nodiscard]] FileSystem& files() const noexcept { return *files_; }
  /// Closes now. -errno where that fails, which can be the last news of a failed write; the descriptor is gone anyway.
  [[nodiscard]] int close() noexcept { return files_->close(std::exchange(value_, -1)); }

 private:
  FileSystem* files_;
  int value_;
};

}  // namespace sconce::io
