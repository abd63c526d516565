#include "io/atomic_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <utility>

#include "base/fail.h"
#include "io/retry.h"
#include "io/system_error.h"

namespace sconce::io {
namespace {

// What is in the folder by that name can only be left from an earlier crash, or made to be in the way.
constexpr int kNameTries = 8;
constexpr std::size_t kLongestName = 255;  // NAME_MAX of every usual file system

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

// ".<name>.sconce-<16 hex>.tmp", hidden from patterns like *.pt. A name that is too long is cut between characters.
std::string temporary_name(std::string_view name, std::uint64_t random) {
  std::array<char, 32> end{};
  const int size =
      std::snprintf(end.data(), end.size(), ".sconce-%016llx.tmp", static_cast<unsigned long long>(random));
  const std::size_t room = kLongestName - 1 - static_cast<std::size_t>(size);
  if (name.size() > room) {
    std::size_t cut = room;
    while (cut > 0 && (static_cast<unsigned char>(name[cut]) & 0xC0U) == 0x80U) --cut;
    name = name.substr(0, cut);
  }
  return "." + std::string(name) + end.data();
}

bool refuses_writers(int error) noexcept { return error == EACCES || error == EPERM || error == EROFS; }

bool not_supported(int error) noexcept { return error == EOPNOTSUPP || error == ENOSYS || error == EINVAL; }

WriteWay way_of(const TargetOptions& options) noexcept {
  if (!options.durable) return WriteWay::cached;
  return options.direct ? WriteWay::direct : WriteWay::behind;
}

}  // namespace

AtomicFile::AtomicFile(FileSystem& files, const std::string& path, const FileStatus& found, std::uint64_t size,
                       const TargetOptions& options)
    : files_(files),
      path_(path),
      size_(size),
      options_(options),
      target_(resolve()),
      folder_(folder_of(target_)),
      folder_descriptor_(open_folder()),
      temporary_(files),
      descriptor_(create(found)),
      writer_(files, descriptor_.get(), path, way_of(options)) {
  keep_mode(found);
  reserve();
}

std::string AtomicFile::resolve() const {
  std::string resolved;
  const int result = uninterrupted([&] { return files_.resolve(path_, resolved); });
  if (result < 0) fail_system(-result, "finding the folder", path_);
  return resolved;
}

// Before anything is written: where the folder cannot be synced, nothing should be replaced.
Descriptor AtomicFile::open_folder() const {
  if (!options_.durable) return {files_, -1};
  const int descriptor = uninterrupted([&] { return files_.open_folder(folder_); });
  if (descriptor < 0) fail_system(-descriptor, "opening the folder, to sync it after the save", path_);
  return {files_, descriptor};
}

Descriptor AtomicFile::create(const FileStatus& found) {
  const std::uint32_t mode = found.kind == FileKind::regular ? found.mode : 0666;
  int result = -EEXIST;
  for (int tries = 0; tries < kNameTries && (result == -EEXIST || result == -EINTR); ++tries) {
    std::string name = folder_ + temporary_name(std::string_view(target_).substr(folder_.size()), files_.random());
    result = files_.create(name, mode);
    if (result >= 0) temporary_.hold(std::move(name));
  }
  if (result >= 0) return {files_, result};
  if (refuses_writers(-result)) {
    fail_system(-result,
                "the new file is written beside the old one and then takes its name, so " + folder_ +
                    " must be writable; making a file there",
                path_);
  }
  fail_system(-result, "making a temporary file in " + folder_, path_);
}

void AtomicFile::keep_mode(const FileStatus& found) {
  if (found.kind != FileKind::regular) return;
  const int result = uninterrupted([&] { return files_.change_mode(descriptor_.get(), found.mode); });
  // A file system without modes. The file was created with these bits less the umask's, so it is never more open.
  if (result < 0 && result != -EPERM && !not_supported(-result))
    fail_system(-result, "giving the new file the permissions of the old one", path_);
}

void AtomicFile::reserve() {
  if (size_ == 0) return;
  const int result = uninterrupted([&] { return files_.reserve(descriptor_.get(), size_); });
  if (result < 0 && !not_supported(-result))
    fail_system(-result, "reserving " + std::to_string(size_) + " bytes in " + folder_, path_);
}

void AtomicFile::commit() {
  if (writer_.offset() != size_) {
    fail(ErrorCode::invalid_argument,
         "the target was opened for " + std::to_string(size_) + " bytes and got " + std::to_string(writer_.offset()));
  }
  sync_file();
  take_name();
  sync_folder();
}

void AtomicFile::sync_file() {
  if (options_.durable) {
    // Never again after a failure: the kernel may have dropped the pages that it could not write, and would say yes.
    if (const int result = files_.sync(descriptor_.get()); result < 0)
      fail_system(-result, "writing the data to the disk (fsync)", path_);
  }
  if (const int result = descriptor_.close(); result < 0) fail_system(-result, "closing the new file", path_);
}

void AtomicFile::take_name() {
  const std::string& from = temporary_.path();
  const int result = options_.overwrite ? files_.rename(from, target_) : files_.rename_new(from, target_);
  if (result == -EEXIST && !options_.overwrite) fail_exists(path_);
  if (result < 0) fail_system(-result, "giving the new file its name", path_);
  temporary_.release();
}

void AtomicFile::sync_folder() {
  if (!options_.durable) return;
  const int result = files_.sync(folder_descriptor_.get());
  if (result < 0 && !not_supported(-result))  // some network file systems have no such thing as a folder to sync
    fail_system(-result, "the new file is in its place, but a crash of the system may undo that; syncing the folder",
                path_);
}

}  // namespace sconce::io
