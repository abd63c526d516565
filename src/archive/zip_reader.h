// Reading zip archives as PyTorch's reader sees them, and refusing those that two readers would see differently.
//
// Facts: APPNOTE.TXT 6.3.10 (section numbers beside the constants), and docs/formats/zip.md for what PyTorch writes
// and ignores. The central directory is the authority; a local header is checked when its record is first touched.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/byte_source.h>
#include <sconce/error.h>
#include <sconce/options.h>

#include "archive/name_index.h"
#include "base/budget.h"
#include "tensor/storage_data.h"

namespace sconce::archive {

/// One entry of the central directory.
struct ZipEntry {
  std::uint64_t header_offset = 0;  ///< of the local header
  std::uint64_t compressed_size = 0;
  std::uint64_t size = 0;     ///< uncompressed
  std::uint32_t name_at = 0;  ///< in the archive's pool of names
  std::uint32_t crc32 = 0;    ///< of the uncompressed bytes; PyTorch may be told to leave it 0
  std::uint16_t name_size = 0;
  std::uint16_t method = 0;  ///< 0 stored, 8 deflated
  std::uint16_t flags = 0;
};

/// Where a zip archive has what it should not have; none of it keeps its records from being read.
struct ZipOddity {
  std::string message;
  std::uint64_t offset = 0;
};

/// What a record is read for: which limit stops a compressed one.
enum class ZipUse : std::uint8_t {
  payload,   ///< Limits::inflated_record
  metadata,  ///< Limits::inflated_metadata
};

/// Where the parts of one record lie in the file, and what its local header and data descriptor say.
struct ZipLayout {
  enum class Descriptor : std::uint8_t {
    none,   ///< the flags announce none
    right,  ///< checksum and sizes are those of the directory
    wrong,  ///< announced, but what stands there is not what the directory says
  };
  std::uint64_t payload = 0;  ///< first byte of the (compressed) bytes
  std::uint64_t payload_end = 0;
  std::uint64_t end = 0;  ///< behind the descriptor
  Descriptor descriptor = Descriptor::none;
  bool local_crc32_differs = false;  ///< the local header gives a checksum, and it is not the directory's
  std::uint64_t gap = 0;             ///< bytes from `end` to the next record or the directory: nobody's
};

class InflatedRecords;
struct DeflatedBytes;

/// The directory of a zip archive. Immutable after open(); all functions may be called from many threads.
class ZipArchive {
 public:
  /// Read and check the directory: end record (also behind up to 64 KiB of comment or trailing bytes), zip64, every
  /// entry's bounds, no overlaps, no duplicate names, stored entries with equal sizes. Reads nothing but the directory.
  /// Errors: `truncated` ("no directory": at which byte of how many, as far as the local headers tell), `damaged`,
  /// `limit`, `unsupported` (several disks).
  [[nodiscard]] static std::shared_ptr<const ZipArchive> open(SourcePtr source, const Limits& limits,
                                                              MemoryBudget& budget);
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;
  ~ZipArchive();

  [[nodiscard]] const SourcePtr& source() const noexcept { return source_; }
  [[nodiscard]] std::span<const ZipEntry> entries() const noexcept { return entries_; }  ///< in directory order
  [[nodiscard]] std::string_view name(const ZipEntry& entry) const noexcept {
    return std::string_view(names_).substr(entry.name_at, entry.name_size);
  }
  /// Folder that every entry's name starts with: the bytes before the first '/' of the first entry. Empty where there
  /// is no '/' in it, or where other entries lie elsewhere; an oddity names the first of those.
  [[nodiscard]] std::string_view root() const noexcept { return root_; }
  /// Entry by its whole name, exactly. Nothing where it is not there.
  [[nodiscard]] const ZipEntry* find(std::string_view name) const noexcept;
  /// Entry as PyTorch's reader finds it: ASCII letters in either case are the same. Where several entries differ only
  /// in that, the first of them.
  [[nodiscard]] const ZipEntry* find_any_case(std::string_view name) const noexcept;
  /// Entry by root() + "/" + record, exactly; by the record alone where root() is empty.
  [[nodiscard]] const ZipEntry* find_record(std::string_view record) const;
  /// Errors: `damaged` where the names of two entries differ only in the case of ASCII letters: PyTorch's reader sees
  /// only one of them.
  void refuse_case_twins() const;
  [[nodiscard]] std::size_t index_of(const ZipEntry& entry) const noexcept {
    return static_cast<std::size_t>(&entry - entries_.data());
  }

  /// Checks the local header against the directory: signature, name, method, flags, sizes where they are given, and
  /// that the bytes end before the next entry and the directory. Returns the position of the first payload byte.
  /// Errors: `damaged`; `io` and `truncated` where the file changed.
  [[nodiscard]] std::uint64_t payload_offset(const ZipEntry& entry) const;
  /// The uncompressed bytes: a slice of the file where stored, inflated otherwise. Small records are inflated once and
  /// kept for as long as anybody holds them; large ones are inflated as they are read, in bounded memory. Errors: those
  /// of payload_offset(); `limit`; `unsupported` for encrypted records and other methods. The source's read_at() gives
  /// `damaged` where the compressed bytes are not what the directory promises.
  [[nodiscard]] SourcePtr open_entry(const ZipEntry& entry, ZipUse use = ZipUse::payload) const;
  /// As open_entry(), for one who wants the first bytes only: nothing is inflated that is not read, or kept.
  [[nodiscard]] SourcePtr open_head(const ZipEntry& entry) const;
  /// The uncompressed bytes of a small record as a string. Errors: those above; `limit` above `limit` bytes.
  [[nodiscard]] std::string read_entry(const ZipEntry& entry, std::uint64_t limit) const;

  /// For verify: reads the local header and the data descriptor, and tells the gap behind the record. PyTorch's padding
  /// is part of its local headers. Errors: those of payload_offset().
  [[nodiscard]] ZipLayout layout(const ZipEntry& entry) const;

  [[nodiscard]] std::uint64_t directory_offset() const noexcept { return directory_offset_; }
  [[nodiscard]] std::span<const ZipOddity> oddities() const noexcept { return oddities_; }
  /// File, local header and name of an entry, for Errors.
  [[nodiscard]] ErrorPlace place(const ZipEntry& entry) const;

 private:
  friend class ZipDirectoryReader;
  ZipArchive(SourcePtr source, const Limits& limits);

  /// Where the next entry of the file, or the directory, begins.
  [[nodiscard]] std::uint64_t next_begin(const ZipEntry& entry) const noexcept;
  /// Numbers of the entries in the order of the file.
  [[nodiscard]] std::uint32_t in_file_order(std::size_t position) const noexcept {
    return by_offset_.empty() ? static_cast<std::uint32_t>(position) : by_offset_[position];
  }
  void require_readable(const ZipEntry& entry) const;
  [[nodiscard]] std::uint64_t metadata_limit(std::uint64_t compressed) const noexcept;
  [[nodiscard]] DeflatedBytes deflated(const ZipEntry& entry, SourcePtr bytes, ZipUse use) const;

  SourcePtr source_;
  Limits limits_;
  std::vector<ZipEntry> entries_;
  std::string names_;
  std::string root_;
  NameIndex index_;
  std::vector<std::uint32_t> by_offset_;  // entry numbers by header_offset; empty where the directory has that order
  std::vector<std::uint32_t> rank_;       // entry number -> position in by_offset_; empty as that is
  std::uint64_t directory_offset_ = 0;
  std::optional<std::uint32_t> case_twin_;  // an entry whose name another one has in another case
  std::vector<ZipOddity> oddities_;
  std::unique_ptr<InflatedRecords> inflated_;
};

/// Storages that are records of an archive; the handle is the entry's number.
class ZipOrigin : public StorageOrigin {
 public:
  explicit ZipOrigin(std::shared_ptr<const ZipArchive> archive) : archive_(std::move(archive)) {}
  /// Errors: those of ZipArchive::open_entry(); `damaged` where the record has not `nbytes` bytes.
  [[nodiscard]] SourcePtr open(std::uint64_t handle, std::uint64_t nbytes) const override;
  [[nodiscard]] std::string record(std::uint64_t handle) const override;
  [[nodiscard]] std::optional<RecordedChecksum> checksum(std::uint64_t handle) const override;
  [[nodiscard]] bool views_last(std::uint64_t handle) const override;  ///< not those of inflated records

 private:
  std::shared_ptr<const ZipArchive> archive_;
};

}  // namespace sconce::archive
