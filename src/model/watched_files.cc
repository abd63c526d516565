#include "model/watched_files.h"

#include <string>
#include <utility>

#include "base/checked.h"
#include "base/fail.h"
#include "tensor/cast_source.h"

namespace sconce::model {

void WatchedFiles::add(const Storage& storage) {
  if (storage.nbytes() == 0) return;
  SourcePtr source = tensor::plain_source(storage);
  const auto extent = source->extent(0, source->size());
  if (!extent || extent->descriptor < 0) return;
  auto known = files_.find(extent->descriptor);
  if (known == files_.end()) {
    known = files_.emplace(extent->descriptor, transfer::SourceFile(extent->descriptor, source->name())).first;
    sources_.push_back(std::move(source));
  }
  const transfer::SourceFile& file = known->second;
  if (fits(extent->offset, extent->size, file.size())) return;
  ErrorPlace place = at_offset(file.size());
  place.file = file.name();
  fail(ErrorCode::truncated,
       std::to_string(extent->size) + " bytes expected from byte " + std::to_string(extent->offset) +
           " on, but the file ends here",
       std::move(place), "another program changed it since it was opened: fetch it again");
}

void WatchedFiles::check_unchanged() const {
  for (const auto& [descriptor, file] : files_) file.check_unchanged();
}

}  // namespace sconce::model
