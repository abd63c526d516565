// Small zip archives for tests: whole ones, and a place for every byte so that a test can spoil it.
#pragma once

#include <libdeflate.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "archive/zip_format.h"
#include "archive/zip_reader.h"
#include "base/endian.h"
#include "base/hash.h"
#include "base/slice.h"

namespace sconce::archive::testing {

/// One record of an archive to build. What is not set is right.
struct BuiltRecord {
  std::string name;
  std::string content;
  bool deflate = false;
  bool descriptor = false;  ///< sizes and checksum behind the bytes, as PyTorch has them
  std::string local_extra;
  std::string directory_extra;
  std::string gap;  ///< bytes behind the record
};

/// An archive, and where its parts are.
struct BuiltZip {
  struct Place {
    std::size_t local = 0, payload = 0, payload_end = 0, directory = 0;
  };
  std::string bytes;
  std::vector<Place> records;
  std::size_t directory = 0;
  std::size_t end = 0;  ///< of the end record

  void put16(std::size_t at, std::uint16_t value) { store_le(bytes.data() + at, value); }
  void put32(std::size_t at, std::uint32_t value) { store_le(bytes.data() + at, value); }
  void put64(std::size_t at, std::uint64_t value) { store_le(bytes.data() + at, value); }
};

inline std::string deflated(std::string_view text) {
  const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
      libdeflate_alloc_compressor(6), &libdeflate_free_compressor);
  std::string out(libdeflate_deflate_compress_bound(compressor.get(), text.size()), '\0');
  out.resize(libdeflate_deflate_compress(compressor.get(), text.data(), text.size(), out.data(), out.size()));
  return out;
}

inline std::string extra_field(std::uint16_t id, std::string_view bytes) {
  std::string field;
  append_le(field, id);
  append_le(field, static_cast<std::uint16_t>(bytes.size()));
  return field + std::string(bytes);
}

inline std::string zip64_extra(const std::vector<std::uint64_t>& numbers) {
  std::string bytes;
  for (const std::uint64_t number : numbers) append_le(bytes, number);
  return extra_field(kZip64Id, bytes);
}

inline void append_end_record(std::string& out, std::uint64_t entries, std::uint64_t size, std::uint64_t offset) {
  append_le(out, kEndSignature);
  append_le(out, std::uint32_t{0});
  append_le(out, static_cast<std::uint16_t>(entries));
  append_le(out, static_cast<std::uint16_t>(entries));
  append_le(out, static_cast<std::uint32_t>(size));
  append_le(out, static_cast<std::uint32_t>(offset));
  append_le(out, std::uint16_t{0});
}

class ZipBuilder {
 public:
  ZipBuilder& add(BuiltRecord record) {
    records_.push_back(std::move(record));
    return *this;
  }
  /// A stored record.
  ZipBuilder& add(std::string name, std::string content) {
    return add(BuiltRecord{.name = std::move(name), .content = std::move(content)});
  }

  [[nodiscard]] BuiltZip build() const {
    BuiltZip zip;
    std::string directory;
    for (const BuiltRecord& record : records_) append(record, zip, directory);
    zip.directory = zip.bytes.size();
    for (BuiltZip::Place& place : zip.records) place.directory += zip.directory;
    zip.bytes += directory;
    zip.end = zip.bytes.size();
    append_end_record(zip.bytes, records_.size(), directory.size(), zip.directory);
    return zip;
  }

 private:
  static void append(const BuiltRecord& record, BuiltZip& zip, std::string& directory) {
    const std::string bytes = record.deflate ? deflated(record.content) : record.content;
    const std::uint32_t crc = crc32(record.content);
    const auto compressed = static_cast<std::uint32_t>(bytes.size());
    const auto size = static_cast<std::uint32_t>(record.content.size());
    BuiltZip::Place place;
    place.local = zip.bytes.size();
    place.directory = directory.size();
    const auto head = [&](std::string& out, bool sizes) {
      append_le(out, static_cast<std::uint16_t>(kFlagUtf8 | (record.descriptor ? kFlagDescriptor : 0)));
      append_le(out, record.deflate ? kDeflated : kStored);
      append_le(out, std::uint32_t{0});
      append_le(out, sizes ? crc : 0);
      append_le(out, sizes ? compressed : 0);
      append_le(out, sizes ? size : 0);
      append_le(out, static_cast<std::uint16_t>(record.name.size()));
    };
    append_le(zip.bytes, kLocalSignature);
    append_le(zip.bytes, std::uint16_t{20});
    head(zip.bytes, !record.descriptor);
    append_le(zip.bytes, static_cast<std::uint16_t>(record.local_extra.size()));
    zip.bytes += record.name + record.local_extra;
    place.payload = zip.bytes.size();
    zip.bytes += bytes;
    place.payload_end = zip.bytes.size();
    if (record.descriptor) {
      append_le(zip.bytes, kDescriptorSignature);
      for (const std::uint32_t number : {crc, compressed, size}) append_le(zip.bytes, number);
    }
    zip.bytes += record.gap;

    append_le(directory, kDirectorySignature);
    append_le(directory, std::uint16_t{20});
    append_le(directory, std::uint16_t{20});
    head(directory, true);
    append_le(directory, static_cast<std::uint16_t>(record.directory_extra.size()));
    directory.append(10, '\0');
    append_le(directory, static_cast<std::uint32_t>(place.local));
    directory += record.name + record.directory_extra;
    zip.records.push_back(place);
  }

  std::vector<BuiltRecord> records_;
};

/// Two records as small as they come, under one folder.
inline BuiltZip small_zip() {
  return ZipBuilder().add("archive/data.pkl", "tree").add("archive/version", "3\n").build();
}

inline std::shared_ptr<const ZipArchive> open_zip(SourcePtr source, const Limits& limits = {}) {
  MemoryBudget budget(limits);
  return ZipArchive::open(std::move(source), limits, budget);
}
inline std::shared_ptr<const ZipArchive> open_zip(std::string bytes, const Limits& limits = {}) {
  return open_zip(string_source(std::move(bytes), "test.pt"), limits);
}

/// Runs `body`, which must throw an Error, and returns that.
template <typename Body>
Error error_of(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no Error was thrown";
  return Error(ErrorCode::invalid_argument, "none");
}

inline Error open_error(std::string bytes, const Limits& limits = {}) {
  return error_of([&] { static_cast<void>(open_zip(std::move(bytes), limits)); });
}

/// For EXPECT_THAT on an Error.
inline auto is_error(ErrorCode code, const std::string& words) {
  return ::testing::AllOf(::testing::Property("code", &Error::code, code),
                          ::testing::Property("what", &Error::what, ::testing::HasSubstr(words)));
}

inline std::string read_record(const ZipArchive& archive, std::string_view record) {
  const ZipEntry* entry = archive.find_record(record);
  if (entry == nullptr) return "(no such record)";
  return archive.read_entry(*entry, std::uint64_t{1} << 30);
}

/// All oddities, one a line.
inline std::string oddities_of(const ZipArchive& archive) {
  std::string lines;
  for (const ZipOddity& oddity : archive.oddities()) lines += oddity.message + "\n";
  return lines;
}

}  // namespace sconce::archive::testing
