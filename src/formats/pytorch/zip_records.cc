#include "formats/pytorch/zip_records.h"

#include <algorithm>

#include "archive/name_index.h"
#include "archive/zip_check.h"
#include "base/fail.h"
#include "formats/pytorch/extra_names.h"

namespace sconce::formats::pytorch {

using archive::ZipArchive;
using archive::ZipEntry;

namespace {

// What torch.save writes beside data/; everything else is an extra record.
constexpr std::string_view kOwnRecords[] = {"data.pkl",
                                            "version",
                                            "byteorder",
                                            ".format_version",
                                            ".storage_alignment",
                                            ".data/version",
                                            ".data/serialization_id"};

bool is_own(std::string_view record) {
  return record.starts_with("data/") || std::ranges::find(kOwnRecords, record) != std::end(kOwnRecords);
}

}  // namespace

std::string_view Records::folder_of_first(const ZipArchive& zip) noexcept {
  if (zip.entries().empty()) return {};
  const std::string_view first = zip.name(zip.entries().front());
  const std::size_t slash = first.find('/');
  return slash == std::string_view::npos ? std::string_view() : first.substr(0, slash);
}

void Records::check_root() const {
  for (const ZipEntry& entry : zip_->entries()) {
    const std::string_view name = zip_->name(entry);
    if (name.size() > root_.size() && name[root_.size()] == '/' && name.starts_with(root_)) continue;
    fail(ErrorCode::damaged,
         "the archive's folder is \"" + std::string(root_) +
             "\", but this entry lies outside of it; PyTorch refuses such files",
         in_record(std::string(name)), "the archive was packed again by another program; remove the entry (zip -d)");
  }
}

const ZipEntry* Records::find(std::string_view record) const {
  std::string name(root_);
  name.append(1, '/').append(record);
  if (const ZipEntry* entry = zip_->find(name)) return entry;
  return zip_->find_any_case(name);
}

std::string_view Records::record_of(const ZipEntry& entry) const noexcept {
  const std::string_view name = zip_->name(entry);
  if (name.size() <= root_.size() || !name.starts_with(root_) || name[root_.size()] != '/') return {};
  return name.substr(root_.size() + 1);
}

std::vector<std::uint32_t> Records::storage_entries() const {
  std::vector<std::uint32_t> found;
  for (const ZipEntry& entry : zip_->entries())
    if (record_of(entry).starts_with("data/")) found.push_back(static_cast<std::uint32_t>(zip_->index_of(entry)));
  return found;
}

std::vector<std::uint32_t> Records::extra_entries() const {
  std::vector<std::uint32_t> found;
  for (const ZipEntry& entry : zip_->entries()) {
    const std::string_view record = record_of(entry);
    const bool folder = record.empty() || record.ends_with('/');
    if (!folder && !is_own(archive::folded(record))) found.push_back(static_cast<std::uint32_t>(zip_->index_of(entry)));
  }
  return found;
}

ExtraPart Records::extra_part(std::uint32_t entry) const {
  const ZipEntry& which = zip_->entries()[entry];
  return {extra_part_name(record_of(which)), zip_->open_entry(which)};
}

std::uint64_t TorchZipFile::unnamed_bytes() const {
  std::vector<bool> named(records_->zip().entries().size(), false);
  for (const std::uint32_t entry : entries_) named[entry] = true;
  std::uint64_t bytes = 0;
  for (const std::uint32_t entry : records_->storage_entries())
    if (!named[entry]) bytes += records_->zip().entries()[entry].size;
  return bytes;
}

std::vector<RecordCheck> TorchZipFile::records(const std::vector<bool>& used_storages) const {
  const auto zip = records_->archive_handle();
  std::vector<bool> used(zip->entries().size(), false);
  for (std::size_t at = 0; at < entries_.size(); ++at)
    if (used_storages[first_storage_ + at]) used[entries_[at]] = true;
  std::vector<RecordCheck> checks;
  for (std::uint32_t number = 0; number < zip->entries().size(); ++number) {
    const ZipEntry& entry = zip->entries()[number];
    RecordCheck check;
    check.record = std::string(zip->name(entry));
    check.file_offset = entry.header_offset;
    check.size = entry.size;
    check.crc32 = entry.crc32;
    check.metadata = !records_->record_of(entry).starts_with("data/");
    // A record is used by a tensor, or explained by being one of the container's own. Others are extra or unnamed.
    check.used =
        used[number] ||
        (!records_->record_of(entry).starts_with("data/") && is_own(archive::folded(records_->record_of(entry)))) ||
        check.record.ends_with('/');
    check.open = [zip, number] {
      archive::CheckedRecord record = archive::open_checked(*zip, zip->entries()[number]);
      return OpenedRecord{std::move(record.bytes), std::move(record.note)};
    };
    checks.push_back(std::move(check));
  }
  return checks;
}

}  // namespace sconce::formats::pytorch
