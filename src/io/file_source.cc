#include "io/file_source.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <mutex>
#include <utility>

#include "base/checked.h"
#include "base/fail.h"
#include "base/slice.h"
#include "io/system_error.h"

namespace sconce::io {
namespace {

class Mapping {
 public:
  Mapping() = default;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (bytes_ != nullptr) ::munmap(bytes_, size_);
  }

  // Leaves no mapping where the file cannot be mapped; its bytes are then read.
  void open(int descriptor, std::uint64_t size) noexcept {
    struct stat now = {};
    struct statfs system = {};
    if (size == 0 || ::fstat(descriptor, &now) != 0 || std::cmp_less(now.st_size, size)) return;
    if (::fstatfs(descriptor, &system) != 0 || is_remote(static_cast<std::uint32_t>(system.f_type))) return;
    void* const at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (at == MAP_FAILED) return;
    bytes_ = at;
    size_ = size;
  }

  [[nodiscard]] const std::byte* bytes() const noexcept { return static_cast<const std::byte*>(bytes_); }

 private:
  void* bytes_ = nullptr;
  std::size_t size_ = 0;
};

class FileSource final : public ByteSource {
 public:
  FileSource(Descriptor descriptor, std::uint64_t size, std::string name, FileAccess access)
      : descriptor_(std::move(descriptor)), size_(size), name_(std::move(name)), access_(access) {}

  std::uint64_t size() const override { return size_; }

  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (!fits(offset, into.size(), size_)) past_end(*this, offset, into.size());
    while (!into.empty()) {
      const std::int64_t got = descriptor_.files().read(descriptor_.get(), into, offset);
      if (got == -EINTR) continue;
      if (got < 0) fail_system(static_cast<int>(-got), "reading", name_, offset);
      if (got == 0) became_shorter(offset);
      offset += static_cast<std::uint64_t>(got);
      into = into.subspan(static_cast<std::size_t>(got));
    }
  }

  const std::byte* view(std::uint64_t offset, std::uint64_t size) const override {
    if (!fits(offset, size, size_)) past_end(*this, offset, size);
    if (access_ == FileAccess::owned) return nullptr;
    std::call_once(mapped_, [this] { mapping_.open(descriptor_.get(), size_); });
    return mapping_.bytes() == nullptr ? nullptr : mapping_.bytes() + offset;
  }

  std::optional<FileExtent> extent(std::uint64_t offset, std::uint64_t size) const override {
    if (!fits(offset, size, size_)) past_end(*this, offset, size);
    return FileExtent{descriptor_.get(), offset, size};
  }

  const std::string& name() const noexcept override { return name_; }

 private:
  [[noreturn]] void became_shorter(std::uint64_t end) const {
    ErrorPlace place = at_offset(end);
    place.file = name_;
    fail(ErrorCode::truncated,
         "the file had " + std::to_string(size_) + " bytes when it was opened, and now ends at byte " +
             std::to_string(end),
         std::move(place), "another program changes it: try again when that is done");
  }

  Descriptor descriptor_;
  std::uint64_t size_;
  std::string name_;
  FileAccess access_;
  mutable std::once_flag mapped_;
  mutable Mapping mapping_;
};

}  // namespace

bool is_remote(std::uint32_t type) noexcept {
  switch (type) {     // linux/magic.h, and statfs(2) for those that are not there
    case 0x6969:      // NFS
    case 0x517B:      // SMB
    case 0xFF534D42:  // CIFS
    case 0xFE534D42:  // SMB 2
    case 0x65735546:  // FUSE
    case 0x01021997:  // 9P
    case 0x00C36400:  // Ceph
    case 0x5346414F:  // AFS (OpenAFS)
    case 0x6B414653:  // AFS (kernel)
      return true;
    default: return false;
  }
}

SourcePtr file_source(Descriptor descriptor, std::uint64_t size, std::string name, FileAccess access) {
  return std::make_shared<FileSource>(std::move(descriptor), size, std::move(name), access);
}

}  // namespace sconce::io
