#include <algorithm>

#include "archive/inflate.h"
#include "archive/zip_directory.h"
#include "archive/zip_format.h"
#include "archive/zip_names.h"
#include "archive/zip_reader.h"
#include "base/checked.h"
#include "base/fail.h"
#include "base/slice.h"

namespace sconce::archive {
namespace {

// A deflate stream says at most 258 bytes in 2 bits (RFC 1951).
constexpr std::uint64_t kMostInflation = 1032;

}  // namespace

ZipArchive::ZipArchive(SourcePtr source, const Limits& limits)
    : source_(std::move(source)), limits_(limits), inflated_(std::make_unique<InflatedRecords>(limits.memory_base)) {}

ZipArchive::~ZipArchive() = default;

std::shared_ptr<const ZipArchive> ZipArchive::open(SourcePtr source, const Limits& limits, MemoryBudget& budget) {
  ErrorPlace file;
  file.file = source->name();
  return with_place(file, [&] { return ZipDirectoryReader(std::move(source), limits, budget).read(); });
}

const ZipEntry* ZipArchive::find_any_case(std::string_view wanted) const noexcept {
  const auto number = index_.find(wanted, [&](std::uint32_t i) { return name(entries_[i]); });
  return number ? &entries_[*number] : nullptr;
}

const ZipEntry* ZipArchive::find(std::string_view wanted) const noexcept {
  const ZipEntry* entry = find_any_case(wanted);
  if (entry == nullptr || name(*entry) == wanted) return entry;
  if (!case_twin_) return nullptr;
  const auto twin = std::ranges::find_if(entries_, [&](const ZipEntry& other) { return name(other) == wanted; });
  return twin == entries_.end() ? nullptr : &*twin;
}

void ZipArchive::refuse_case_twins() const {
  if (!case_twin_) return;
  const std::string_view name_here = name(entries_[*case_twin_]);
  fail(ErrorCode::damaged,
       "another record is called " + short_name(name(*find_any_case(name_here))) + ", which is the same to PyTorch",
       place(entries_[*case_twin_]), "the file is damaged or hostile; do not load it");
}

const ZipEntry* ZipArchive::find_record(std::string_view record) const {
  if (root_.empty()) return find(record);
  std::string whole = root_;
  whole += '/';
  whole += record;
  return find(whole);
}

ErrorPlace ZipArchive::place(const ZipEntry& entry) const {
  ErrorPlace place = at_offset(entry.header_offset);
  place.file = source_->name();
  place.record = short_name(name(entry));
  return place;
}

std::uint64_t ZipArchive::next_begin(const ZipEntry& entry) const noexcept {
  const std::size_t index = index_of(entry);
  const std::size_t position = rank_.empty() ? index : rank_[index];
  if (position + 1 == entries_.size()) return directory_offset_;
  return entries_[in_file_order(position + 1)].header_offset;
}

void ZipArchive::require_readable(const ZipEntry& entry) const {
  if ((entry.flags & kEncryptionMask) != 0)
    fail(ErrorCode::unsupported, "the record is encrypted", place(entry), "decrypt the archive first");
  if ((entry.flags & kFlagPatch) != 0)  // PyTorch refuses these, too
    fail(ErrorCode::unsupported, "the record is a patch of another file, not data", place(entry),
         "pack the archive again without compression");
  if (entry.method != kStored && entry.method != kDeflated) {
    fail(ErrorCode::unsupported,
         "the record is compressed by method " + std::to_string(entry.method) +
             ", only stored and deflated records can be read",
         place(entry), "pack the archive again without compression");
  }
}

std::uint64_t ZipArchive::metadata_limit(std::uint64_t compressed) const noexcept {
  constexpr std::uint64_t kAlways = std::uint64_t{8} << 20;
  const std::uint64_t share = checked_mul(compressed, limits_.inflated_per_metadata_byte).value_or(UINT64_MAX);
  return std::min(limits_.inflated_metadata, std::max(kAlways, share));
}

DeflatedBytes ZipArchive::deflated(const ZipEntry& entry, SourcePtr bytes, ZipUse use) const {
  if (entry.size / kMostInflation > entry.compressed_size) {
    fail(ErrorCode::damaged,
         std::to_string(entry.compressed_size) + " compressed bytes cannot inflate to " + std::to_string(entry.size),
         place(entry));
  }
  const bool metadata = use == ZipUse::metadata;
  const std::uint64_t limit = metadata ? metadata_limit(entry.compressed_size) : limits_.inflated_record;
  if (entry.size > limit) {
    fail(ErrorCode::limit,
         "the compressed record inflates to " + std::to_string(entry.size) + " bytes, the limit is " +
             std::to_string(limit),
         place(entry),
         metadata ? "if the file is trusted, raise Limits::inflated_metadata and Limits::inflated_per_metadata_byte"
                  : "if the file is trusted, raise Limits::inflated_record");
  }
  return {std::move(bytes), entry.size, place(entry)};
}

SourcePtr ZipArchive::open_entry(const ZipEntry& entry, ZipUse use) const {
  require_readable(entry);
  SourcePtr bytes = slice(source_, payload_offset(entry), entry.compressed_size);
  if (entry.method == kStored) return bytes;
  return inflated_->open(static_cast<std::uint32_t>(index_of(entry)), deflated(entry, std::move(bytes), use));
}

SourcePtr ZipArchive::open_head(const ZipEntry& entry) const {
  require_readable(entry);
  SourcePtr bytes = slice(source_, payload_offset(entry), entry.compressed_size);
  if (entry.method == kStored) return bytes;
  return inflating_source(deflated(entry, std::move(bytes), ZipUse::payload));
}

std::string ZipArchive::read_entry(const ZipEntry& entry, std::uint64_t limit) const {
  if (entry.size > limit) {
    fail(ErrorCode::limit,
         "the record has " + std::to_string(entry.size) + " bytes, at most " + std::to_string(limit) + " are expected",
         place(entry));
  }
  const SourcePtr source = open_entry(entry, ZipUse::metadata);
  std::string bytes(entry.size, '\0');
  source->read_at(0, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

}  // namespace sconce::archive
