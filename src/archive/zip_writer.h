// Laying out a zip archive as PyTorch's own writer does, byte for byte: local headers without sizes, `FB` padding so
// that payloads are aligned, data descriptors, zip64 where needed, and always a zip64 end record. docs/formats/zip.md
// has the layout in a table.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "archive/name_index.h"
#include "io/write_plan.h"

namespace sconce::archive {

/// Appends the records of one archive to an empty WritePlan, then its directory. The order of calls is the order in the
/// file. Not thread-safe.
class ZipWriter {
 public:
  /// `root` is the folder of every record; `alignment` of payloads in bytes, a power of two from 64 to 32768 (more does
  /// not fit into an extra field). Errors: `invalid_argument`.
  ZipWriter(io::WritePlan& plan, std::string root, std::uint32_t alignment = 64);

  /// A record whose bytes are known now. Errors: `invalid_argument` for a name that another record has, ASCII case
  /// aside, that is no UTF-8, has a zero byte, or is longer than 65535 bytes with its folder.
  void add(std::string_view record, std::string_view bytes);
  /// A record whose bytes are pulled when the plan runs. Errors: the same.
  void add(std::string_view record, std::shared_ptr<const io::Payload> payload, std::uint64_t size);
  /// The central directory and the end records. Nothing may be added after. Errors: `invalid_argument` without records.
  void finish();

 private:
  struct Entry {
    std::uint64_t header_offset = 0;
    std::uint64_t size = 0;
    std::uint32_t name_at = 0;
    std::uint16_t name_size = 0;
    io::ChecksumSlot slot = io::kNoSlot;

    [[nodiscard]] bool wide_size() const noexcept;
    [[nodiscard]] bool wide_offset() const noexcept;
    [[nodiscard]] bool wide() const noexcept { return wide_size() || wide_offset(); }
  };
  [[nodiscard]] std::string_view name(const Entry& entry) const noexcept {
    return std::string_view(names_).substr(entry.name_at, entry.name_size);
  }
  Entry& begin_record(std::string_view record, std::uint64_t size);
  void take_name(Entry& entry, std::string_view record);
  void add_local_header(const Entry& entry);
  void add_descriptor(const Entry& entry);
  void add_directory_entry(const Entry& entry);
  void add_end(std::uint64_t directory_offset);

  io::WritePlan& plan_;
  std::string root_;
  std::uint32_t alignment_;
  std::string names_;
  std::vector<Entry> entries_;
  NameIndex index_;
};

}  // namespace sconce::archive
