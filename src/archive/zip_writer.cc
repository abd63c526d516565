#include "archive/zip_writer.h"

#include <algorithm>
#include <bit>

#include "archive/zip_format.h"
#include "archive/zip_names.h"
#include "base/checked.h"
#include "base/endian.h"
#include "base/fail.h"
#include "base/text.h"

namespace sconce::archive {
namespace {

constexpr std::uint32_t kLeastAlignment = 64;
constexpr std::uint32_t kMostAlignment = 32768;

// miniz leaves both versions of an entry at 0, and gives the zip64 record these (Unix, 3.0; needs 4.5).
constexpr std::uint16_t kEnd64MadeBy = 0x031E;
constexpr std::uint16_t kEnd64Needs = 0x002D;

std::uint32_t narrow32(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, kSaturated32));
}
std::uint16_t narrow16(std::uint64_t value) {
  return static_cast<std::uint16_t>(std::min<std::uint64_t>(value, kSaturated16));
}

std::uint16_t flags_of(std::uint64_t size) {
  return static_cast<std::uint16_t>(size == 0 ? kFlagUtf8 : kFlagUtf8 | kFlagDescriptor);
}

/// The zip64 extra field of a header, empty where none is needed. In local headers miniz leaves the compressed size 0
/// and also writes the offset, which the format does not have there.
std::string zip64_field(std::uint64_t size, std::uint64_t compressed_size, std::uint64_t offset) {
  std::string numbers;
  if (size >= kSaturated32) {
    append_le(numbers, size);
    append_le(numbers, compressed_size);
  }
  if (offset >= kSaturated32) append_le(numbers, offset);
  if (numbers.empty()) return {};
  std::string field;
  append_le(field, kZip64Id);
  append_le(field, static_cast<std::uint16_t>(numbers.size()));
  return field + numbers;
}

[[noreturn]] void wrong(std::string message) { fail(ErrorCode::invalid_argument, std::move(message)); }

}  // namespace

bool ZipWriter::Entry::wide_size() const noexcept { return size >= kSaturated32; }
bool ZipWriter::Entry::wide_offset() const noexcept { return header_offset >= kSaturated32; }

ZipWriter::ZipWriter(io::WritePlan& plan, std::string root, std::uint32_t alignment)
    : plan_(plan), root_(std::move(root)), alignment_(alignment) {
  if (!std::has_single_bit(alignment) || alignment < kLeastAlignment || alignment > kMostAlignment)
    wrong("an alignment of " + std::to_string(alignment) + "; a power of two from 64 to 32768 is possible");
  if (root_.empty() || root_.find('/') != std::string::npos) wrong("\"" + root_ + "\" as an archive's folder");
  if (plan_.size() != 0) wrong("an archive that does not begin its file");
}

void ZipWriter::add(std::string_view record, std::string_view bytes) {
  Entry& entry = begin_record(record, bytes.size());
  entry.slot = plan_.add_known(bytes);
  add_descriptor(entry);
}

void ZipWriter::add(std::string_view record, std::shared_ptr<const io::Payload> payload, std::uint64_t size) {
  if (size == 0) return add(record, std::string_view());
  Entry& entry = begin_record(record, size);
  entry.slot = plan_.add_payload(std::move(payload), size);
  add_descriptor(entry);
}

ZipWriter::Entry& ZipWriter::begin_record(std::string_view record, std::uint64_t size) {
  Entry entry;
  entry.header_offset = plan_.size();
  entry.size = size;
  take_name(entry, record);
  add_local_header(entry);
  return entries_.emplace_back(entry);
}

void ZipWriter::take_name(Entry& entry, std::string_view record) {
  const std::size_t size = root_.size() + 1 + record.size();
  if (record.empty() || record.find('\0') != std::string_view::npos || !is_utf8(record) || !is_utf8(root_))
    wrong("\"" + short_name(record) + "\" as the name of a record: it must be UTF-8 without zero bytes");
  if (size > kSaturated16) wrong("the name of record \"" + short_name(record) + "\" is too long for a zip archive");
  if (names_.size() + size > UINT32_MAX) wrong("the names of the archive's records have more than 4 GiB");
  entry.name_at = static_cast<std::uint32_t>(names_.size());
  entry.name_size = static_cast<std::uint16_t>(size);
  names_.append(root_).append("/").append(record);
  const auto name_of = [&](std::uint32_t i) { return i == entries_.size() ? name(entry) : name(entries_[i]); };
  const auto twin = index_.insert(name(entry), static_cast<std::uint32_t>(entries_.size()), name_of);
  if (!twin) return;
  std::string message = "a record \"" + short_name(name_of(*twin)) + "\" is there already";
  names_.resize(entry.name_at);
  wrong(std::move(message));
}

void ZipWriter::add_local_header(const Entry& entry) {
  const std::string zip64 = zip64_field(entry.size, 0, entry.header_offset);
  const std::uint64_t padding_at =
      entry.header_offset + kLocalSize + entry.name_size + zip64.size() + kExtraFieldHeader;
  const std::uint64_t padding = align_up(padding_at, alignment_) - padding_at;

  std::string header;
  header.reserve(padding_at - entry.header_offset + padding);
  append_le(header, kLocalSignature);
  append_le(header, std::uint16_t{0});  // version needed
  append_le(header, flags_of(entry.size));
  append_le(header, kStored);
  header.append(16, '\0');  // time, date, checksum and both sizes: the descriptor has them
  append_le(header, entry.name_size);
  append_le(header, static_cast<std::uint16_t>(zip64.size() + kExtraFieldHeader + padding));
  header += name(entry);
  header += zip64;
  append_le(header, kPaddingId);
  append_le(header, static_cast<std::uint16_t>(padding));
  header.append(padding, 'Z');
  plan_.add_literal(header);
}

void ZipWriter::add_descriptor(const Entry& entry) {
  if (entry.size == 0) return;
  std::string signature;
  append_le(signature, kDescriptorSignature);
  plan_.add_literal(signature);
  plan_.add_checksum(entry.slot);
  std::string sizes;
  for (int i = 0; i < 2; ++i) {  // compressed and not: the same
    if (entry.wide())
      append_le(sizes, entry.size);
    else
      append_le(sizes, static_cast<std::uint32_t>(entry.size));
  }
  plan_.add_literal(sizes);
}

void ZipWriter::finish() {
  if (entries_.empty()) wrong("an archive without records");
  const std::uint64_t directory_offset = plan_.size();
  for (const Entry& entry : entries_) add_directory_entry(entry);
  // PyTorch's reader holds the directory's size in 32 bits.
  if (plan_.size() - directory_offset > UINT32_MAX) wrong("more records than PyTorch can read from one archive");
  add_end(directory_offset);
}

void ZipWriter::add_directory_entry(const Entry& entry) {
  const std::string zip64 = zip64_field(entry.size, entry.size, entry.header_offset);
  std::string bytes;
  append_le(bytes, kDirectorySignature);
  bytes.append(4, '\0');  // made by, needed
  append_le(bytes, flags_of(entry.size));
  append_le(bytes, kStored);
  bytes.append(4, '\0');  // time, date
  plan_.add_literal(bytes);
  plan_.add_checksum(entry.slot);
  bytes.clear();
  append_le(bytes, narrow32(entry.size));
  append_le(bytes, narrow32(entry.size));
  append_le(bytes, entry.name_size);
  append_le(bytes, static_cast<std::uint16_t>(zip64.size()));
  bytes.append(10, '\0');  // comment size, disk, attributes
  append_le(bytes, narrow32(entry.header_offset));
  bytes += name(entry);
  bytes += zip64;
  plan_.add_literal(bytes);
}

void ZipWriter::add_end(std::uint64_t directory_offset) {
  const std::uint64_t end = plan_.size();
  const std::uint64_t count = entries_.size();
  std::string bytes;
  append_le(bytes, kEnd64Signature);
  append_le(bytes, std::uint64_t{kEnd64Size - 12});
  append_le(bytes, kEnd64MadeBy);
  append_le(bytes, kEnd64Needs);
  bytes.append(8, '\0');  // disks
  append_le(bytes, count);
  append_le(bytes, count);
  append_le(bytes, end - directory_offset);
  append_le(bytes, directory_offset);

  append_le(bytes, kLocatorSignature);
  bytes.append(4, '\0');
  append_le(bytes, end);
  append_le(bytes, std::uint32_t{1});

  append_le(bytes, kEndSignature);
  bytes.append(4, '\0');
  append_le(bytes, narrow16(count));
  append_le(bytes, narrow16(count));
  append_le(bytes, narrow32(end - directory_offset));
  append_le(bytes, narrow32(directory_offset));
  bytes.append(2, '\0');  // no comment
  plan_.add_literal(bytes);
}

}  // namespace sconce::archive
