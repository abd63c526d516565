#include "archive/local_walk.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "archive/extra_field.h"
#include "archive/zip_format.h"
#include "archive/zip_names.h"
#include "base/checked.h"
#include "base/endian.h"
#include "base/fail.h"

namespace sconce::archive {
namespace {

// The walk only serves a message; a file of nothing but headers must not keep it busy.
constexpr std::uint64_t kMostRecords = 100'000;

/// Up to `size` bytes from `offset` on: what the file has of them.
std::string available(const ByteSource& source, std::uint64_t offset, std::uint64_t size) {
  const std::uint64_t end = source.size();
  std::string bytes(offset < end ? std::min(size, end - offset) : 0, '\0');
  source.read_at(std::min(offset, end), std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

struct Step {
  std::uint64_t end = 0;  // of the record's bytes, where the header gives their size
  bool size_known = false;
  std::uint64_t name_size = 0;
};

/// One local header; its name goes to `walk`. Nothing known where the header itself is cut.
Step read_header(const ByteSource& source, std::uint64_t offset, const std::string& header, LocalWalk& walk) {
  Step step;
  const auto flags = load_le<std::uint16_t>(header.data() + 6);
  WideFields fields{load_le<std::uint32_t>(header.data() + 22), load_le<std::uint32_t>(header.data() + 18), 0};
  step.name_size = load_le<std::uint16_t>(header.data() + 26);
  const auto extra_size = load_le<std::uint16_t>(header.data() + 28);
  walk.last = available(source, offset + kLocalSize, step.name_size);
  step.end = offset + kLocalSize + step.name_size + extra_size;
  const std::string extra = available(source, offset + kLocalSize + step.name_size, extra_size);
  widen(scan_extra(extra), fields);
  if ((flags & kFlagDescriptor) != 0) return step;
  const auto end = checked_add(step.end, fields.compressed_size);
  step.size_known = end.has_value();
  step.end = end.value_or(step.end);
  return step;
}

}  // namespace

LocalWalk walk_local_headers(const ByteSource& source) {
  LocalWalk walk;
  const std::uint64_t size = source.size();
  std::uint64_t at = 0;
  std::uint64_t directory = kEndSize;
  while (walk.records < kMostRecords) {
    const std::string header = available(source, at, kLocalSize);
    if (header.size() < kLocalSize || load_le<std::uint32_t>(header.data()) != kLocalSignature) break;
    const Step step = read_header(source, at, header, walk);
    ++walk.records;
    directory += kDirectoryEntrySize + step.name_size;
    at = step.end;
    if (at > size) walk.past_end = true;
    if (at > size || !step.size_known) break;
  }
  walk.needed = checked_add(std::max(at, size), directory).value_or(UINT64_MAX);
  return walk;
}

void fail_truncated(const LocalWalk& walk, std::uint64_t size) {
  std::string message = "the file ends at byte " + std::to_string(size) + " of at least " +
                        std::to_string(walk.needed) + ": the archive's directory is missing";
  if (walk.records != 0) message += "; the last record found is " + short_name(walk.last);
  fail(ErrorCode::truncated, std::move(message), at_offset(size), "fetch the file again, or save it again");
}

}  // namespace sconce::archive
