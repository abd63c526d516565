#include "archive/tar_reader.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "archive/tar_header.h"
#include "archive/zip_names.h"
#include "base/checked.h"
#include "base/fail.h"

namespace sconce::archive {
namespace {

// Long names and PAX records beyond this are no names any more.
constexpr std::uint64_t kMostHeaderBytes = std::uint64_t{1} << 20;

class TarWalk {
 public:
  TarWalk(const ByteSource& source, const Limits& limits, MemoryBudget& budget)
      : source_(source),
        budget_(budget),
        size_(source.size()),
        most_header_bytes_(std::min(kMostHeaderBytes, limits.memory_base)) {}

  std::vector<TarEntry> run() {
    if (size_ == 0) fail(ErrorCode::truncated, "the file is empty", {}, "fetch the file again");
    while (next_header()) take_header();
    if (changed_) wrong("headers that change the next member, but there is none");
    refuse_twins();
    return std::move(entries_);
  }

 private:
  /// Reads the block at `at_`; false at the end of the archive: a block of zeros, or the end of the file.
  bool next_header() {
    if (at_ == size_) return false;
    block_ = read(at_, kTarBlock, "a header");
    if (block_.find_first_not_of('\0') == std::string::npos) {
      if (at_ == 0) wrong("a tar archive begins with a member, this file with an empty block");
      return false;
    }
    if (!is_tar_header(block_)) wrong("the checksum of the tar header is wrong");
    budget_.grow(kTarBlock);
    return true;
  }

  void take_header() {
    const TarHeader header = parse_tar_header(block_);
    if (!header.size) wrong("a size that is no number from 0 to 2^63 - 1");
    switch (header.type) {
      case 'x':
      case 'X': return take_pax(*header.size, next_);
      case 'g': return take_global(*header.size);
      case 'L': return take_long_name(*header.size);
      case 'K': return static_cast<void>(take_text(*header.size));  // the long target of a link, which is refused
      default: return take_member(header);
    }
  }

  /// GNU: the name of the next member.
  void take_long_name(std::uint64_t size) {
    if (changed_) wrong("two headers change the next member; readers disagree which of them counts");
    std::string name = take_text(size);
    name.resize(std::min(name.size(), name.find('\0')));
    next_.path = std::move(name);
    changed_ = true;
  }

  void take_pax(std::uint64_t size, PaxOverrides& overrides) {
    if (changed_) wrong("two headers change the next member; readers disagree which of them counts");
    const std::uint64_t at = at_;
    if (!parse_pax(take_text(size), overrides)) fail(ErrorCode::damaged, "malformed PAX records", at_offset(at));
    changed_ = true;
  }

  /// A global header stands for all members; only what changes none of them (a comment) is harmless.
  void take_global(std::uint64_t size) {
    const std::uint64_t at = at_;
    PaxOverrides overrides;
    const bool changed = std::exchange(changed_, false);
    take_pax(size, overrides);
    changed_ = changed;
    if (overrides.path || overrides.size || overrides.sparse)
      fail(ErrorCode::unsupported, "a global PAX header that changes every member", at_offset(at));
  }

  /// The content of a header that describes the next one; goes on behind it.
  std::string take_text(std::uint64_t size) {
    if (size > most_header_bytes_) {
      fail(ErrorCode::limit,
           "a header of " + std::to_string(size) + " bytes, at most " + std::to_string(most_header_bytes_) +
               " are expected",
           at_offset(at_));
    }
    budget_.charge(size);
    std::string text = read(at_ + kTarBlock, size, "a header");
    budget_.release(size);
    go_behind(size);
    return text;
  }

  void take_member(const TarHeader& header) {
    TarEntry entry;
    entry.name = next_.path.value_or(header.name);
    entry.type = header.type == '7' ? '0' : header.type;  // '7': a file that wants to lie in one piece
    entry.size = entry.type == '5' ? 0 : next_.size.value_or(*header.size);
    entry.offset = at_ + kTarBlock;
    ErrorPlace place = at_offset(at_);
    place.record = short_name(entry.name);
    if ((entry.type != '0' && entry.type != '5') || next_.sparse)
      fail(ErrorCode::unsupported, std::string("a member that is ") + kind(next_.sparse ? 'S' : entry.type), place,
           "pack the archive again with plain files only");
    if (entry.name.find('\0') != std::string::npos || entry.name.empty())
      fail(ErrorCode::damaged, "a member without a name, or with a zero byte in it", place);
    if (!fits(entry.offset, entry.size, size_)) {
      fail(ErrorCode::truncated,
           "the file ends at byte " + std::to_string(size_) + " of at least " +
               (entry.size > UINT64_MAX - entry.offset ? "2^64" : std::to_string(entry.offset + entry.size)),
           place, "fetch the file again");
    }
    budget_.charge(sizeof(TarEntry) + entry.name.size());
    go_behind(entry.size);
    next_ = {};
    changed_ = false;
    entries_.push_back(std::move(entry));
  }

  static const char* kind(char type) {
    switch (type) {
      case '1': return "a hard link";
      case '2': return "a symbolic link";
      case '3':
      case '4': return "a device";
      case '6': return "a FIFO";
      case 'S': return "a sparse file";
      default: return "no plain file";
    }
  }

  /// Goes on behind a content that lies inside the file. Contents are filled up to whole blocks.
  void go_behind(std::uint64_t size) {
    const std::uint64_t end = align_up(at_ + kTarBlock + size, kTarBlock);
    if (end > size_) {
      fail(ErrorCode::truncated,
           "the file ends at byte " + std::to_string(size_) + " of at least " + std::to_string(end), at_offset(at_),
           "fetch the file again");
    }
    at_ = end;
  }

  std::string read(std::uint64_t offset, std::uint64_t size, const char* what) const {
    if (!fits(offset, size, size_)) {
      fail(ErrorCode::truncated, "the file ends at byte " + std::to_string(size_) + ", in the middle of " + what,
           at_offset(offset), "fetch the file again");
    }
    std::string bytes(size, '\0');
    source_.read_at(offset, std::as_writable_bytes(std::span(bytes)));
    return bytes;
  }

  void refuse_twins() const {
    std::vector<std::string_view> names;
    names.reserve(entries_.size());
    for (const TarEntry& entry : entries_) names.push_back(entry.name);
    std::sort(names.begin(), names.end());
    const auto twin = std::adjacent_find(names.begin(), names.end());
    if (twin != names.end()) fail(ErrorCode::damaged, "two members have this name", in_record(short_name(*twin)));
  }

  [[noreturn]] void wrong(const char* what) const { fail(ErrorCode::damaged, what, at_offset(at_)); }

  const ByteSource& source_;
  MemoryBudget& budget_;
  std::uint64_t size_;
  std::uint64_t most_header_bytes_;
  std::uint64_t at_ = 0;
  std::string block_;
  PaxOverrides next_;     // for the next member
  bool changed_ = false;  // whether a header has set them
  std::vector<TarEntry> entries_;
};

}  // namespace

std::vector<TarEntry> read_tar(const ByteSource& source, const Limits& limits, MemoryBudget& budget) {
  ErrorPlace file;
  file.file = source.name();
  return with_place(file, [&] { return TarWalk(source, limits, budget).run(); });
}

}  // namespace sconce::archive
