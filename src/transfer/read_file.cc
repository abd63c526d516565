#include "transfer/read_file.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <utility>

#include "base/fail.h"
#include "io/file_system.h"
#include "io/system_error.h"
#include "transfer/pages.h"

namespace sconce::transfer {

void ends_early(const SourceFile& file, std::uint64_t end, std::size_t missing) {
  ErrorPlace place = at_offset(end);
  place.file = file.name();
  fail(ErrorCode::truncated, std::to_string(missing) + " more bytes expected, but the file ends here", std::move(place),
       "fetch the file again");
}

void read_file(const SourceFile& file, std::uint64_t offset, std::span<std::byte> into) {
  while (!into.empty()) {
    const std::int64_t got = io::real_file_system().read(file.descriptor(), into, offset);
    if (got == -EINTR) continue;
    if (got < 0) io::fail_system(static_cast<int>(-got), "reading", file.name(), offset);
    if (got == 0) ends_early(file, offset, into.size());
    offset += static_cast<std::uint64_t>(got);
    into = into.subspan(static_cast<std::size_t>(got));
  }
}

MappedPart::MappedPart(const SourceFile& file, std::uint64_t offset, std::uint64_t size) {
  struct stat now = {};
  if (::fstat(file.descriptor(), &now) != 0) io::fail_system(errno, "looking at the open file", file.name());
  const auto end = static_cast<std::uint64_t>(now.st_size);
  if (offset + size > end) ends_early(file, end, offset + size - end);
  const std::uint64_t begin = page_floor(offset);
  mapped_ = offset + size - begin;
  at_ = ::mmap(nullptr, mapped_, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file.descriptor(), static_cast<off_t>(begin));
  if (at_ == MAP_FAILED) io::fail_system(errno, "mapping the file", file.name(), offset);
  bytes_ = {static_cast<const std::byte*>(at_) + (offset - begin), size};
}

MappedPart::~MappedPart() { ::munmap(at_, mapped_); }

}  // namespace sconce::transfer
