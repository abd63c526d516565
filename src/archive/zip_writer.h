// Laying out a zip archive as PyTorch's own writer does, byte for byte: local headers without sizes, `FB` padding so that
// payloads are aligned, data descriptors, zip64 where needed, and always a zip64 end record.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/write_plan.h"

namespace sconce::archive {

/// Appends the records of one archive to a WritePlan, then its directory. The order of calls is the order in the file.
class ZipWriter {
 public:
  /// `root` is the folder of every record; `alignment` a power of two from 64 to 65536.
  ZipWriter(io::WritePlan& plan, std::string root, std::uint32_t alignment);

  /// A record whose bytes are known now. Errors: `invalid_argument` for a duplicate or too long name.
  void add(std::string_view record, std::string_view bytes);
  /// A record whose bytes are pulled when the plan runs.
  void add(std::string_view record, std::shared_ptr<const io::Payload> payload, std::uint64_t size);
  /// The central directory and the end records. Nothing may be added after.
  void finish();

 private:
  struct Entry {
    std::uint64_t header_offset;
    std::uint64_t size;
    std::uint32_t name_at;
    std::uint16_t name_size;
    io::ChecksumSlot slot;
  };
  void add_header(std::string_view record, std::uint64_t size);
  void add_descriptor(const Entry& entry);

  io::WritePlan& plan_;
  std::string root_;
  std::uint32_t alignment_;
  std::string names_;
  std::vector<Entry> entries_;
};

}  // namespace sconce::archive
