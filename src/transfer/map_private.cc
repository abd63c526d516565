// Storages of files as memory that may be written.
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include <sconce/make_tensor.h>

#include "base/checked.h"
#include "base/fail.h"
#include "tensor/storage_data.h"
#include "transfer/source_file.h"

namespace sconce {
inline namespace v0 {
namespace {

/// A mapping that reaches behind the end of its file would raise SIGBUS.
void check_still_there(const FileExtent& extent, const transfer::SourceFile& file) {
  if (fits(extent.offset, extent.size, file.size())) return;
  ErrorPlace place = at_offset(file.size());
  place.file = file.name();
  fail(ErrorCode::truncated,
       std::to_string(extent.size) + " bytes expected from byte " + std::to_string(extent.offset) +
           " on, but the file ends here",
       std::move(place), "another program changed it since it was opened: fetch it again");
}

}  // namespace

std::shared_ptr<std::byte> map_private(const Storage& storage) {
  // Whoever wants no mapping (owned access, a network) has no view either.
  if (storage.nbytes() == 0 || storage.view().empty()) return nullptr;
  const SourcePtr source = open_storage(*storage.data());
  const auto extent = source->extent(0, storage.nbytes());
  if (!extent || extent->descriptor < 0 || extent->size != storage.nbytes()) return nullptr;
  const transfer::SourceFile file(extent->descriptor, source->name());
  if (file.remote()) return nullptr;
  check_still_there(*extent, file);
  const std::uint64_t before = extent->offset % static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t length = static_cast<std::size_t>(before + extent->size);
  // MAP_NORESERVE: most of it is never written, and needs no room until it is.
  void* const at = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, extent->descriptor,
                          static_cast<off_t>(extent->offset - before));
  if (at == MAP_FAILED) return nullptr;
  return {static_cast<std::byte*>(at) + before, [at, length](std::byte*) { ::munmap(at, length); }};
}

}  // namespace v0
}  // namespace sconce
