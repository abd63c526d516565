#include "archive/zip_directory.h"

#include <algorithm>
#include <string>
#include <utility>

#include "archive/zip_format.h"
#include "archive/zip_names.h"
#include "base/checked.h"
#include "base/endian.h"
#include "base/fail.h"

namespace sconce::archive {
namespace {

/// Makes room for `more` elements, at least doubling, and pays for it first: an announced count alone takes no memory.
template <typename Container>
void make_room(Container& container, std::size_t more, MemoryBudget& budget) {
  const std::size_t needed = container.size() + more;
  if (needed <= container.capacity()) return;
  const std::size_t target = std::max({needed, 2 * container.capacity(), std::size_t{64}});
  budget.charge((target - container.capacity()) * sizeof(typename Container::value_type));
  container.reserve(target);
}

ErrorPlace entry_place(std::string_view name, std::uint64_t at) {
  ErrorPlace place = at_offset(at);
  place.record = short_name(name);
  return place;
}

}  // namespace

ZipDirectoryReader::ZipDirectoryReader(SourcePtr source, const Limits& limits, MemoryBudget& budget)
    : archive_(new ZipArchive(std::move(source), limits)), budget_(budget) {}

std::shared_ptr<const ZipArchive> ZipDirectoryReader::read() {
  end_ = find_end_record(*archive_->source_, oddities_);
  archive_->directory_offset_ = end_.directory_offset;
  read_entries();
  index_names();
  order_entries();
  refuse_overlaps();
  find_root();
  archive_->oddities_ = std::move(oddities_).finish();
  return std::move(archive_);
}

void ZipDirectoryReader::read_entries() {
  if (end_.entries >= kSaturated32) {
    fail(ErrorCode::limit, std::to_string(end_.entries) + " entries, more than any PyTorch can read",
         at_offset(end_.begin));
  }
  const std::uint64_t end = end_.directory_offset + end_.directory_size;
  ByteReader reader(archive_->source_, end_.directory_offset, end);
  for (std::uint64_t i = 0; i < end_.entries; ++i) read_entry(reader);
  if (reader.offset() != end) {
    fail(ErrorCode::damaged,
         "the directory has " + std::to_string(end - reader.offset()) + " bytes more than its " +
             std::to_string(end_.entries) + " entries",
         at_offset(reader.offset()));
  }
}

void ZipDirectoryReader::read_entry(ByteReader& reader) {
  const std::uint64_t at = reader.offset();
  const auto where = [&] { return "entry " + std::to_string(archive_->entries_.size() + 1) + " of the directory"; };
  if (reader.ensure(kDirectoryEntrySize) < kDirectoryEntrySize)
    fail(ErrorCode::damaged, where() + " expected, but the directory ends", at_offset(at));
  const char* head = reader.take(kDirectoryEntrySize).data();
  if (load_le<std::uint32_t>(head) != kDirectorySignature)
    fail(ErrorCode::damaged, where() + " expected (PK\\1\\2)", at_offset(at));
  ZipEntry entry;
  entry.flags = load_le<std::uint16_t>(head + 8);
  entry.method = load_le<std::uint16_t>(head + 10);
  entry.crc32 = load_le<std::uint32_t>(head + 16);
  entry.compressed_size = load_le<std::uint32_t>(head + 20);
  entry.size = load_le<std::uint32_t>(head + 24);
  entry.name_size = load_le<std::uint16_t>(head + 28);
  const std::size_t extra_size = load_le<std::uint16_t>(head + 30);
  const std::size_t comment_size = load_le<std::uint16_t>(head + 32);
  const auto disk = load_le<std::uint16_t>(head + 34);
  entry.header_offset = load_le<std::uint32_t>(head + 42);

  const std::size_t rest = entry.name_size + extra_size + comment_size;
  if (reader.ensure(rest) < rest) fail(ErrorCode::damaged, where() + " reaches beyond its end", at_offset(at));
  const std::string_view bytes = reader.take(rest);
  budget_.grow(kDirectoryEntrySize + rest);
  const std::string_view name = bytes.substr(0, entry.name_size);
  if (disk == kSaturated16 || (disk != end_.disk && disk != 1))
    fail(ErrorCode::unsupported, "the record lies in another part of the archive", entry_place(name, at));
  check_name(name, at);
  take_wide_fields(entry, bytes.substr(entry.name_size, extra_size), name, at);
  check_entry(entry, name, at);

  std::string& names = archive_->names_;
  if (names.size() + name.size() > UINT32_MAX)
    fail(ErrorCode::limit, "the names of the directory have more than 4 GiB", at_offset(at));
  entry.name_at = static_cast<std::uint32_t>(names.size());
  make_room(names, name.size(), budget_);
  names.append(name);
  make_room(archive_->entries_, 1, budget_);
  archive_->entries_.push_back(entry);
}

void ZipDirectoryReader::check_name(std::string_view name, std::uint64_t at) {
  if (name.find('\0') != std::string_view::npos)
    fail(ErrorCode::damaged, "a record's name has a zero byte: readers disagree where it ends", entry_place(name, at));
  if (const std::string_view odd = odd_name(name); !odd.empty()) oddities_.add(odd, name, at);
}

void ZipDirectoryReader::take_wide_fields(ZipEntry& entry, std::string_view extra, std::string_view name,
                                          std::uint64_t at) {
  if (extra.empty()) return;
  const ExtraFields fields = scan_extra(extra);
  WideFields wide{entry.size, entry.compressed_size, entry.header_offset};
  const bool saturated =
      wide.size == kSaturated32 || wide.compressed_size == kSaturated32 || wide.offset == kSaturated32;
  if (fields.malformed && saturated)
    fail(ErrorCode::damaged, "an extra field reaches beyond its entry", entry_place(name, at));
  if (fields.malformed) oddities_.add("an extra field that reaches beyond its entry", name, at);
  if (fields.zip64_twice) fail(ErrorCode::damaged, "two zip64 fields in one entry", entry_place(name, at));
  switch (widen(fields, wide)) {
    case Zip64Use::absent:
    case Zip64Use::used: break;
    case Zip64Use::needless: oddities_.add("a zip64 field that is not needed", name, at); break;
    case Zip64Use::too_short:
      fail(ErrorCode::damaged, "the zip64 field lacks a number that the entry sends to it", entry_place(name, at));
    case Zip64Use::contradicts:
      fail(ErrorCode::damaged, "the zip64 field contradicts the entry's own sizes and offset", entry_place(name, at));
  }
  entry.size = wide.size;
  entry.compressed_size = wide.compressed_size;
  entry.header_offset = wide.offset;
}

void ZipDirectoryReader::check_entry(const ZipEntry& entry, std::string_view name, std::uint64_t at) {
  const bool encrypted = (entry.flags & kEncryptionMask) != 0;
  if (encrypted) oddities_.add("an encrypted record", name, at);
  if (!encrypted && entry.method != kStored && entry.method != kDeflated)
    oddities_.add("a record compressed by method " + std::to_string(entry.method), name, at);
  // An encrypted record is 12 bytes longer than what it holds.
  if (!encrypted && entry.method == kStored && entry.size != entry.compressed_size) {
    fail(ErrorCode::damaged,
         "a stored record of " + std::to_string(entry.size) + " bytes takes " + std::to_string(entry.compressed_size),
         entry_place(name, at));
  }
  if (entry.size != 0 && entry.compressed_size == 0)
    fail(ErrorCode::damaged, "a record of " + std::to_string(entry.size) + " bytes takes none", entry_place(name, at));
  const auto taken = checked_add(entry.compressed_size, kLocalSize + entry.name_size);
  if (!taken || !fits(entry.header_offset, *taken, end_.directory_offset)) {
    fail(ErrorCode::damaged,
         "a record of " + std::to_string(entry.compressed_size) + " bytes at byte " +
             std::to_string(entry.header_offset) + " reaches beyond byte " + std::to_string(end_.directory_offset) +
             ", where the directory begins",
         entry_place(name, at));
  }
}

void ZipDirectoryReader::index_names() {
  ZipArchive& archive = *archive_;
  budget_.charge(NameIndex::bytes_for(archive.entries_.size()));
  archive.index_ = NameIndex(archive.entries_.size());
  const auto name_of = [&](std::uint32_t number) { return archive.name(archive.entries_[number]); };
  for (std::uint32_t i = 0; i < archive.entries_.size(); ++i) {
    const auto twin = archive.index_.insert(name_of(i), i, name_of);
    if (!twin) continue;
    if (name_of(*twin) == name_of(i)) two_of(name_of(i));
    if (!archive.case_twin_) archive.case_twin_ = i;
  }
  if (archive.case_twin_) refuse_equal_names();
}

/// The index knows only the first of the names that differ in case.
void ZipDirectoryReader::refuse_equal_names() {
  const std::uint64_t passing = archive_->entries_.size() * sizeof(std::string_view);
  budget_.charge(passing);
  std::vector<std::string_view> names;
  names.reserve(archive_->entries_.size());
  for (const ZipEntry& entry : archive_->entries_) names.push_back(archive_->name(entry));
  std::ranges::sort(names);
  if (const auto found = std::ranges::adjacent_find(names); found != names.end()) two_of(*found);
  budget_.release(passing);
}

void ZipDirectoryReader::two_of(std::string_view name) {
  fail(ErrorCode::damaged, "two records have this name", in_record(short_name(name)));
}

void ZipDirectoryReader::order_entries() {
  ZipArchive& archive = *archive_;
  const auto earlier = [](const ZipEntry& a, const ZipEntry& b) { return a.header_offset < b.header_offset; };
  if (std::is_sorted(archive.entries_.begin(), archive.entries_.end(), earlier)) return;
  const std::size_t count = archive.entries_.size();
  using Place = std::pair<std::uint64_t, std::uint32_t>;
  const std::uint64_t passing = count * sizeof(Place);
  budget_.charge(passing + 2 * count * sizeof(std::uint32_t));
  std::vector<Place> places(count);
  for (std::uint32_t i = 0; i < count; ++i) places[i] = {archive.entries_[i].header_offset, i};
  std::sort(places.begin(), places.end());
  archive.by_offset_.resize(count);
  archive.rank_.resize(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    archive.by_offset_[i] = places[i].second;
    archive.rank_[places[i].second] = i;
  }
  budget_.release(passing);
}

void ZipDirectoryReader::refuse_overlaps() {
  const ZipArchive& archive = *archive_;
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < archive.entries_.size(); ++i) {
    const ZipEntry& entry = archive.entries_[archive.in_file_order(i)];
    if (entry.header_offset < end) {
      const ZipEntry& before = archive.entries_[archive.in_file_order(i - 1)];
      fail(ErrorCode::damaged, "the record overlaps with record " + short_name(archive.name(before)),
           archive.place(entry));
    }
    if (i == 0 && entry.header_offset != 0)
      oddities_.add("the first " + std::to_string(entry.header_offset) + " bytes belong to no record", 0);
    end = entry.header_offset + kLocalSize + entry.name_size + entry.compressed_size;
  }
}

void ZipDirectoryReader::find_root() {
  const ZipArchive& archive = *archive_;
  const std::string_view first = archive.name(archive.entries_.front());
  const std::size_t slash = first.find('/');
  if (slash == std::string_view::npos) return;
  const std::string_view folder = first.substr(0, slash + 1);
  for (const ZipEntry& entry : archive.entries_) {
    if (archive.name(entry).starts_with(folder)) continue;
    oddities_.add("a record outside the folder " + short_name(folder) + " of the first", archive.name(entry),
                  entry.header_offset);
    return;
  }
  archive_->root_ = first.substr(0, slash);
}

}  // namespace sconce::archive
