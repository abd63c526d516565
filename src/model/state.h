// What a Checkpoint handle points at.
#pragma once

#include <memory>
#include <vector>

#include <sconce/checkpoint.h>
#include <sconce/options.h>

#include "formats/format.h"
#include "tree/document.h"
#include "tree/walk.h"

namespace sconce {
inline namespace v0 {

struct Checkpoint::State {
  std::shared_ptr<tree::Document> document;
  std::vector<tree::NodeId> roots;
  FileFacts facts;
  SourcePtr source;  ///< the file; null for one made in memory
  std::shared_ptr<const formats::OpenedFile> file;  ///< null where there is nothing to check beyond the tree
  Limits limits;
  std::vector<Storage> casts;   ///< lazy casts that the tree shows, for their counts

  [[nodiscard]] tree::WalkLimits walk_limits() const {
    return tree::walk_limits(*document, limits.paths);
  }
};

}  // namespace v0
}  // namespace sconce
