// Which tensors get another order of their elements in memory.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <sconce/transfer.h>

#include "model/cast_plan.h"
#include "model/state.h"

namespace sconce::model {

/// A tensor that is alone on its storage, and what both become.
struct Rearranged {
  tree::NodeId tensor = tree::kNoNode;
  std::vector<std::int64_t> strides;  ///< new, in elements
  Storage storage;                    ///< new, lazy
};

struct FormatPlan {
  std::map<std::uint32_t, Rearranged> storages;  ///< by number
  std::vector<std::string> notes;
};

/// channels_last: tensors of four dimensions that are alone on their storage. contiguous: all plain
/// tensors of which the same holds. `cast` gives a storage as it is after casts.
[[nodiscard]] FormatPlan plan_formats(const Checkpoint::State& state, MemoryFormat format, const CastPlan& casts);

void apply_formats(tree::Document& document, const FormatPlan& plan);

}  // namespace sconce::model
