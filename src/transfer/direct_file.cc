// For O_DIRECT and statx; the build asks for no GNU extensions elsewhere.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include "transfer/direct_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "base/checked.h"
#include "io/system_error.h"
#include "transfer/pages.h"
#include "transfer/read_file.h"

namespace sconce::transfer {
namespace {

/// Whether reads of whole pages into whole pages are aligned well enough. A kernel that cannot tell is believed.
bool pages_suffice(int descriptor) {
#ifdef STATX_DIOALIGN
  struct statx status = {};
  if (::statx(descriptor, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) != 0) return true;
  if ((status.stx_mask & STATX_DIOALIGN) == 0) return true;
  const std::uint64_t memory = status.stx_dio_mem_align;
  const std::uint64_t offset = status.stx_dio_offset_align;
  return memory != 0 && offset != 0 && memory <= kPage && offset <= kPage;
#else
  static_cast<void>(descriptor);
  return true;
#endif
}

}  // namespace

std::optional<DirectFile> DirectFile::open(const SourceFile& file) {
  if (file.in_memory() || !pages_suffice(file.descriptor())) return std::nullopt;
  const std::string path = "/proc/self/fd/" + std::to_string(file.descriptor());
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT);
  if (descriptor < 0) return std::nullopt;
  return DirectFile(io::Descriptor(io::real_file_system(), descriptor));
}

void DirectFile::read(const SourceFile& file, std::uint64_t offset, std::span<std::byte> into) const {
  const std::uint64_t before = offset % kPage;
  const std::uint64_t end = align_up(offset + into.size(), kPage);
  const std::span<std::byte> pages(into.data() - before, end - (offset - before));
  std::uint64_t got = 0;
  while (got < before + into.size()) {
    const std::int64_t result = descriptor_.files().read(descriptor(), pages.subspan(got), offset - before + got);
    if (result == -EINTR) continue;
    if (result < 0) io::fail_system(static_cast<int>(-result), "reading past the page cache", file.name(), offset);
    got += static_cast<std::uint64_t>(result);
    // A read that is not whole pages has met the end of the file, or is not whole for other reasons: buffered reads
    // tell.
    if (result % static_cast<std::int64_t>(kPage) != 0 || result == 0) break;
  }
  if (got >= before + into.size()) return;
  const std::uint64_t have = std::max(got, before) - before;
  read_file(file, offset + have, into.subspan(have));
}

}  // namespace sconce::transfer
