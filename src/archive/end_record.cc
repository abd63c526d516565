#include "archive/end_record.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "archive/local_walk.h"
#include "archive/zip_format.h"
#include "base/checked.h"
#include "base/endian.h"
#include "base/fail.h"

namespace sconce::archive {
namespace {

// PyTorch's miniz searches backwards through windows of 4096 bytes that overlap by 3, and gives up after the window
// that passes 65535 + 22 bytes. So it still finds an end record that lies this far from the end.
constexpr std::uint64_t kSearched = 4096 + 16 * 4093;

/// One "PK\5\6" and what stands before it, not yet believed.
struct Candidate {
  std::uint64_t position = 0;
  std::uint16_t comment_size = 0;
  EndRecord narrow;  // the end record's own 16 and 32 bit numbers
  bool has_locator = false;
  std::uint64_t locator_target = 0;
  std::uint32_t locator_disks = 1;
  bool zip64 = false;   // the locator leads to a zip64 record
  EndRecord effective;  // the zip64 record's numbers where there is one
};

class EndFinder {
 public:
  EndFinder(const ByteSource& source, Oddities& oddities) : source_(source), oddities_(oddities), size_(source.size()) {
    const std::uint64_t kept = std::min(size_, kSearched + kLocatorSize + kEnd64Size);
    tail_.resize(kept);
    tail_at_ = size_ - kept;
    source_.read_at(tail_at_, std::as_writable_bytes(std::span(tail_)));
  }

  EndRecord find() {
    std::optional<Candidate> last;
    for (auto position = previous_signature(size_); position; position = previous_signature(*position)) {
      const Candidate candidate = read_candidate(*position);
      refuse_second_archive(candidate);
      if (leads_to_directory(candidate)) return checked(candidate);
      if (!last) last = candidate;
      oddities_.add("an end record that leads to no directory", *position);
    }
    const LocalWalk walk = walk_local_headers(source_);
    if (!last || walk.past_end) fail_truncated(walk, size_);
    explain(*last);
  }

 private:
  [[nodiscard]] std::string_view bytes(std::uint64_t offset, std::size_t size, std::string& buffer) const {
    if (offset >= tail_at_) return std::string_view(tail_).substr(offset - tail_at_, size);
    buffer.resize(size);
    source_.read_at(offset, std::as_writable_bytes(std::span(buffer)));
    return buffer;
  }

  [[nodiscard]] bool has_signature(std::uint64_t offset, std::uint32_t signature) const {
    std::string buffer;
    return fits(offset, 4, size_) && load_le<std::uint32_t>(bytes(offset, 4, buffer).data()) == signature;
  }

  /// The last "PK\5\6" before `before` that has a whole end record's bytes behind it.
  [[nodiscard]] std::optional<std::uint64_t> previous_signature(std::uint64_t before) const {
    if (size_ < kEndSize) return std::nullopt;
    const std::uint64_t first = size_ - std::min(size_, kSearched);
    for (std::uint64_t at = std::min(before, size_ - kEndSize + 1); at > first; --at) {
      if (load_le<std::uint32_t>(tail_.data() + (at - 1 - tail_at_)) == kEndSignature) return at - 1;
    }
    return std::nullopt;
  }

  [[nodiscard]] Candidate read_candidate(std::uint64_t position) const {
    Candidate found;
    found.position = position;
    const char* at = tail_.data() + (position - tail_at_);
    found.narrow.begin = position;
    found.narrow.disk = load_le<std::uint16_t>(at + 4);
    found.narrow.directory_disk = load_le<std::uint16_t>(at + 6);
    found.narrow.entries_here = load_le<std::uint16_t>(at + 8);
    found.narrow.entries = load_le<std::uint16_t>(at + 10);
    found.narrow.directory_size = load_le<std::uint32_t>(at + 12);
    found.narrow.directory_offset = load_le<std::uint32_t>(at + 16);
    found.comment_size = load_le<std::uint16_t>(at + 20);
    found.effective = found.narrow;
    read_zip64(found);
    return found;
  }

  void read_zip64(Candidate& found) const {
    if (found.position < kLocatorSize + kEnd64Size) return;
    std::string buffer;
    const std::string_view locator = bytes(found.position - kLocatorSize, kLocatorSize, buffer);
    if (load_le<std::uint32_t>(locator.data()) != kLocatorSignature) return;
    found.has_locator = true;
    found.locator_target = load_le<std::uint64_t>(locator.data() + 8);
    found.locator_disks = load_le<std::uint32_t>(locator.data() + 16);
    if (!fits(found.locator_target, kEnd64Size, size_)) return;
    if (!has_signature(found.locator_target, kEnd64Signature)) return;
    found.zip64 = true;
    found.effective = read_end64(found.locator_target);
  }

  [[nodiscard]] EndRecord read_end64(std::uint64_t position) const {
    std::string buffer;
    const char* at = bytes(position, kEnd64Size, buffer).data();
    EndRecord record;
    record.begin = position;
    record.disk = load_le<std::uint32_t>(at + 16);
    record.directory_disk = load_le<std::uint32_t>(at + 20);
    record.entries_here = load_le<std::uint64_t>(at + 24);
    record.entries = load_le<std::uint64_t>(at + 32);
    record.directory_size = load_le<std::uint64_t>(at + 40);
    record.directory_offset = load_le<std::uint64_t>(at + 48);
    return record;
  }

  [[nodiscard]] static bool on_one_disk(const Candidate& candidate) {
    const EndRecord& record = candidate.effective;
    return record.entries_here == record.entries && record.disk == record.directory_disk && record.disk <= 1 &&
           (!candidate.zip64 || candidate.locator_disks == 1);
  }

  /// What PyTorch's reader asks before it reads the directory. Nothing that it accepts may fail here: then an earlier
  /// end record would be taken, and two readers would see two archives.
  [[nodiscard]] bool leads_to_directory(const Candidate& candidate) const {
    const EndRecord& record = candidate.effective;
    return on_one_disk(candidate) && record.entries != 0 &&
           record.entries <= record.directory_size / kDirectoryEntrySize &&
           fits(record.directory_offset, record.directory_size, size_) &&
           has_signature(record.directory_offset, kDirectorySignature);
  }

  /// A reader that allows for bytes before an archive (Python's zipfile) looks for the directory right before the end
  /// record, and shifts all offsets to fit. PyTorch does not; where that leads to another directory than the fields do,
  /// whoever looks with both sees two archives.
  void refuse_second_archive(const Candidate& candidate) const {
    EndRecord record = candidate.narrow;
    if (const std::uint64_t behind = candidate.position; candidate.has_locator) {
      const std::uint64_t at = behind - kLocatorSize - kEnd64Size;
      if (has_signature(at, kEnd64Signature)) record = read_end64(at);
    }
    if (record.entries == 0 || record.directory_size > record.begin) return;
    const std::uint64_t directory = record.begin - record.directory_size;
    if (directory <= record.directory_offset || !has_signature(directory, kDirectorySignature)) return;
    fail(
        ErrorCode::damaged,
        "this end record is of an archive that begins at byte " + std::to_string(directory - record.directory_offset) +
            ", not at byte 0: several archives stand behind one another (as in a file of a distributed checkpoint), or "
            "the file is cut short behind an archive inside it",
        at_offset(candidate.position),
        "of a distributed checkpoint, torch.distributed.checkpoint.format_utils.dcp_to_torch_save makes one file; else "
        "fetch the file again");
  }

  EndRecord checked(const Candidate& candidate) {
    check_zip64(candidate);
    const EndRecord& record = candidate.effective;
    const std::uint64_t directory_end = record.directory_offset + record.directory_size;
    if (directory_end > record.begin) {
      fail(ErrorCode::damaged,
           "the directory ends at byte " + std::to_string(directory_end) + ", behind its end record",
           at_offset(record.begin));
    }
    if (directory_end < record.begin) {
      oddities_.add(std::to_string(record.begin - directory_end) + " bytes between the directory and its end record",
                    directory_end);
    }
    const std::uint64_t end = candidate.position + kEndSize;
    if (size_ - end != candidate.comment_size) {
      oddities_.add(std::to_string(size_ - end) + " bytes behind the end record, which announces a comment of " +
                        std::to_string(candidate.comment_size),
                    end);
    }
    return record;
  }

  void check_zip64(const Candidate& candidate) {
    if (!candidate.has_locator) return;
    const std::uint64_t locator = candidate.position - kLocatorSize;
    if (!candidate.zip64 || !fits(candidate.locator_target, kEnd64Size, locator)) {
      fail(ErrorCode::damaged,
           "the zip64 locator points at byte " + std::to_string(candidate.locator_target) +
               ", where no zip64 record ends before it",
           at_offset(locator));
    }
    std::string buffer;
    const auto announced = load_le<std::uint64_t>(bytes(candidate.locator_target, kEnd64Size, buffer).data() + 4);
    const std::uint64_t room = locator - candidate.locator_target - 12;
    if (announced < kEnd64Size - 12 || announced > room) {
      fail(ErrorCode::damaged,
           "the zip64 record says that it has " + std::to_string(announced) + " bytes more, but " +
               std::to_string(room) + " stand before its locator",
           at_offset(candidate.locator_target));
    }
    if (announced < room) {
      oddities_.add(std::to_string(room - announced) + " bytes between the zip64 record and its locator",
                    candidate.locator_target + 12 + announced);
    }
    agree("entries", candidate.narrow.entries, kSaturated16, candidate.effective.entries, candidate.position);
    agree("directory bytes", candidate.narrow.directory_size, kSaturated32, candidate.effective.directory_size,
          candidate.position);
    agree("as the directory's offset", candidate.narrow.directory_offset, kSaturated32,
          candidate.effective.directory_offset, candidate.position);
  }

  static void agree(const char* what, std::uint64_t narrow, std::uint64_t saturated, std::uint64_t wide,
                    std::uint64_t position) {
    if (narrow == wide || narrow == saturated) return;
    fail(ErrorCode::damaged,
         "the end record gives " + std::to_string(narrow) + " " + what + ", the zip64 record " + std::to_string(wide),
         at_offset(position));
  }

  /// Why an end record is no use.
  [[noreturn]] void explain(const Candidate& candidate) const {
    const EndRecord& record = candidate.effective;
    const ErrorPlace place = at_offset(candidate.position);
    if (!on_one_disk(candidate))
      fail(ErrorCode::unsupported, "the archive is one part of several", place,
           "join the parts into one archive first");
    if (record.entries == 0 && record.directory_size == 0) fail(ErrorCode::damaged, "the archive is empty", place);
    if (record.entries == 0 || record.entries > record.directory_size / kDirectoryEntrySize) {
      fail(ErrorCode::damaged,
           "the end record gives " + std::to_string(record.entries) + " entries in a directory of " +
               std::to_string(record.directory_size) + " bytes",
           place);
    }
    fail(ErrorCode::damaged,
         "the end record says that a directory of " + std::to_string(record.directory_size) + " bytes begins at byte " +
             std::to_string(record.directory_offset) + ", but none is there",
         place, "fetch the file again");
  }

  const ByteSource& source_;
  Oddities& oddities_;
  std::uint64_t size_;
  std::string tail_;  // the last bytes of the file
  std::uint64_t tail_at_ = 0;
};

/// PyTorch recognises an archive by its first four bytes, and reads none that begins with something else.
void check_beginning(const ByteSource& source) {
  const std::uint64_t size = source.size();
  if (size == 0) fail(ErrorCode::truncated, "the file is empty", {}, "fetch the file again");
  std::string head(std::min<std::uint64_t>(size, 4), '\0');
  source.read_at(0, std::as_writable_bytes(std::span(head)));
  if (std::string_view("PK\3\4").starts_with(head) || head == "PK\5\6") return;
  fail(ErrorCode::damaged, "a zip archive begins with a record (PK\\3\\4), this file does not", at_offset(0),
       "remove what stands before the archive; PyTorch does not read it either");
}

}  // namespace

EndRecord find_end_record(const ByteSource& source, Oddities& oddities) {
  check_beginning(source);
  return EndFinder(source, oddities).find();
}

}  // namespace sconce::archive
