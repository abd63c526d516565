#include "archive/zip_names.h"
#include "archive/zip_reader.h"
#include "base/fail.h"

namespace sconce::archive {

SourcePtr ZipOrigin::open(std::uint64_t handle, std::uint64_t nbytes) const {
  const ZipEntry& entry = archive_->entries()[handle];
  if (entry.size != nbytes) {
    fail(ErrorCode::damaged,
         "the record has " + std::to_string(entry.size) + " bytes, its storage " + std::to_string(nbytes),
         archive_->place(entry));
  }
  return archive_->open_entry(entry);
}

std::string ZipOrigin::record(std::uint64_t handle) const {
  return std::string(archive_->name(archive_->entries()[handle]));
}

std::optional<RecordedChecksum> ZipOrigin::checksum(std::uint64_t handle) const {
  return RecordedChecksum{archive_->entries()[handle].crc32};
}

bool ZipOrigin::views_last(std::uint64_t handle) const { return archive_->entries()[handle].method == 0; }

}  // namespace sconce::archive
