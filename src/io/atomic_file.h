// Replacing a file so that at every moment, also after a crash, its name means the whole old or the whole new one.
#pragma once

#include <cstdint>
#include <string>

#include "io/descriptor.h"
#include "io/file_system.h"
#include "io/ordered_writer.h"
#include "io/target.h"

namespace sconce::io {

/// A file of known size that takes its name when it is whole. docs/saving.md says why, step by step.
///
/// A link is followed: the file that it means is replaced, and the link stays. Other hard links to the old file keep
/// the old bytes. The new file has the permission bits of the old one, or what the umask leaves of 0666; owner, access
/// lists and extended attributes are those that the folder gives to new files.
class AtomicFile final : public Target {
 public:
  /// Makes the temporary file beside the target and reserves its space. `found` is what `path` is now: a regular file
  /// or nothing. Errors: `exists`, `io`.
  AtomicFile(FileSystem& files, const std::string& path, const FileStatus& found, std::uint64_t size,
             const TargetOptions& options);

  /// Errors: `io`.
  void write(std::span<const std::byte> bytes) override { writer_.write(bytes); }

  /// Syncs, closes, renames, syncs the folder. Errors: `io`, `exists` (the target came into being meanwhile, and may
  /// not be overwritten).
  void commit() override;

 private:
  // A name that is removed again unless it was given away.
  class Temporary {
   public:
    explicit Temporary(FileSystem& files) noexcept : files_(files) {}
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;
    ~Temporary() {
      // Nothing can be done where this fails as well; the failure before it is what is reported.
      if (!path_.empty()) static_cast<void>(files_.remove(path_));
    }
    void hold(std::string path) { path_ = std::move(path); }
    void release() noexcept { path_.clear(); }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

   private:
    FileSystem& files_;
    std::string path_;
  };

  [[nodiscard]] std::string resolve() const;
  [[nodiscard]] Descriptor open_folder() const;
  [[nodiscard]] Descriptor create(const FileStatus& found);
  void keep_mode(const FileStatus& found);
  void reserve();
  void sync_file();
  void take_name();
  void sync_folder();

  FileSystem& files_;
  const std::string path_;  // as the caller has it, for errors
  const std::uint64_t size_;
  const TargetOptions options_;
  const std::string target_;  // with every link followed
  const std::string folder_;
  Descriptor folder_descriptor_;  // -1 where nothing is synced
  Temporary temporary_;
  Descriptor descriptor_;  // after temporary_: closed before that is removed
  OrderedWriter writer_;
};

}  // namespace sconce::io
