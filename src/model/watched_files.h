// Files that a move reads through sources of its own making (casts, other orders of elements), which the engine does
// not see as files.
#pragma once

#include <map>
#include <vector>

#include <sconce/byte_source.h>
#include <sconce/tensor.h>

#include "transfer/source_file.h"

namespace sconce::model {

class WatchedFiles {
 public:
  /// The file in which a storage lies; nothing happens where it lies in none. Errors: `truncated` where the file ends
  /// before the storage does, which a mapping would not survive; those of opening.
  void add(const Storage& storage);
  /// Errors: `damaged` where a file is no longer what it was when it was added.
  void check_unchanged() const;

 private:
  std::vector<SourcePtr> sources_;  // hold the files open
  std::map<int, transfer::SourceFile> files_;
};

}  // namespace sconce::model
