// Reading zip archives as PyTorch's reader sees them, and refusing those that two readers would see differently.
//
// Facts: APPNOTE.TXT 6.3.10 (section numbers beside the constants), and docs/formats/pytorch.md for what PyTorch writes
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
#include <sconce/options.h>

#include "base/budget.h"
#include "tensor/storage_data.h"

namespace sconce::archive {

/// One entry of the central directory.
struct ZipEntry {
  std::uint64_t header_offset = 0;      ///< of the local header
  std::uint64_t compressed_size = 0;
  std::uint64_t size = 0;               ///< uncompressed
  std::uint32_t name_at = 0;            ///< in the archive's pool of names
  std::uint32_t crc32 = 0;
  std::uint16_t name_size = 0;
  std::uint16_t method = 0;             ///< 0 stored, 8 deflated
  std::uint16_t flags = 0;
};

/// Where a zip archive has what it should not have; none of it keeps its records from being read.
struct ZipOddity {
  std::string message;
  std::uint64_t offset = 0;
};

/// The directory of a zip archive. Immutable after open(); all functions may be called from many threads.
class ZipArchive : public std::enable_shared_from_this<ZipArchive> {
 public:
  /// Read and check the directory: end record (also behind up to 64 KiB of comment or trailing bytes), zip64, every
  /// entry's bounds, no overlaps, no duplicate names and none that differ only in ASCII case, no encryption, stored
  /// entries with equal sizes. Reads nothing but the directory. Errors: `truncated` ("no end record": at which byte of
  /// how many, as far as the local headers tell), `damaged`, `limit`, `unsupported` (several disks, encryption).
  [[nodiscard]] static std::shared_ptr<const ZipArchive> open(SourcePtr source, const Limits& limits,
                                                              MemoryBudget& budget);

  [[nodiscard]] const SourcePtr& source() const noexcept { return source_; }
  [[nodiscard]] std::span<const ZipEntry> entries() const noexcept { return entries_; }  ///< in directory order
  [[nodiscard]] std::string_view name(const ZipEntry& entry) const noexcept {
    return std::string_view(names_).substr(entry.name_at, entry.name_size);
  }
  /// Folder that every entry's name starts with: the bytes before the first '/' of the first entry; empty where the
  /// entries do not share it.
  [[nodiscard]] std::string_view root() const noexcept { return root_; }
  /// Entry by its whole name, exactly. Nothing where it is not there.
  [[nodiscard]] const ZipEntry* find(std::string_view name) const noexcept;
  /// Entry by root() + "/" + record.
  [[nodiscard]] const ZipEntry* find_record(std::string_view record) const noexcept;
  [[nodiscard]] std::size_t index_of(const ZipEntry& entry) const noexcept {
    return static_cast<std::size_t>(&entry - entries_.data());
  }

  /// Checks the local header against the directory: signature, name, method, sizes where they are given, and that the
  /// bytes end before the next entry and the directory. Returns the position of the first payload byte. Errors: `damaged`.
  [[nodiscard]] std::uint64_t payload_offset(const ZipEntry& entry) const;
  /// The uncompressed bytes: a slice of the file where stored, inflated otherwise. Errors: `damaged`, `limit`.
  [[nodiscard]] SourcePtr open_entry(const ZipEntry& entry) const;
  /// The uncompressed bytes of a small record as a string. Errors: those above; `limit` above `limit` bytes.
  [[nodiscard]] std::string read_entry(const ZipEntry& entry, std::uint64_t limit) const;

  [[nodiscard]] std::uint64_t directory_offset() const noexcept { return directory_offset_; }
  [[nodiscard]] std::span<const ZipOddity> oddities() const noexcept { return oddities_; }

  struct VerifyResult;

 private:
  friend class ZipDirectoryReader;
  ZipArchive() = default;

  SourcePtr source_;
  Limits limits_;
  std::vector<ZipEntry> entries_;
  std::string names_;
  std::string root_;
  std::vector<std::uint32_t> index_;       // open addressing by name: entry number + 1
  std::vector<std::uint32_t> by_offset_;   // entry numbers in order of header_offset
  std::vector<std::uint32_t> rank_;        // entry number -> position in by_offset_
  std::uint64_t directory_offset_ = 0;
  std::vector<ZipOddity> oddities_;
};

/// Storages that are records of an archive; the handle is the entry's number.
class ZipOrigin : public StorageOrigin {
 public:
  explicit ZipOrigin(std::shared_ptr<const ZipArchive> archive) : archive_(std::move(archive)) {}
  [[nodiscard]] SourcePtr open(std::uint64_t handle, std::uint64_t nbytes) const override;
  [[nodiscard]] std::string record(std::uint64_t handle) const override;
  [[nodiscard]] std::optional<RecordedChecksum> checksum(std::uint64_t handle) const override;

 private:
  std::shared_ptr<const ZipArchive> archive_;
};

}  // namespace sconce::archive
