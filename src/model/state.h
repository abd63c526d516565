// What a Checkpoint handle points at.
#pragma once

#include <algorithm>
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
  std::shared_ptr<const formats::OpenedFile> file;  ///< null where there is nothing to check beyond the tree
  Limits limits;

  [[nodiscard]] tree::WalkLimits walk_limits() const {
    tree::WalkLimits walk;
    walk.paths = std::min(limits.paths, 100'000 + std::uint64_t{16} * document->node_count());
    return walk;
  }
};

}  // namespace v0
}  // namespace sconce
