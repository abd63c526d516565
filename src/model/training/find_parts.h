// The parts of a tree, each with its purpose.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sconce/training.h>

#include "model/state.h"
#include "model/training/fields.h"
#include "model/training/layouts.h"

namespace sconce::model::training {

/// A part and where it is.
struct FoundPart {
  TrainingPart part;
  NodeId node = kNoNode;
  bool cyclic = false;
};

/// A number that says how far training was.
struct FoundProgress {
  std::string path;
  NodeId node = kNoNode;
};

struct FoundParts {
  Layout layout;
  std::vector<FoundPart> parts;         ///< in the order of the tree
  std::vector<FoundProgress> progress;  ///< in the order of the tree
  bool complete = true;                 ///< false where there is more than anybody can look at
};

/// Looks through all objects of the file. Counts tensors and bytes of each part.
[[nodiscard]] FoundParts find_parts(const Checkpoint::State& state);

}  // namespace sconce::model::training
