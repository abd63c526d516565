// Which storages become another dtype: the rules of a move, applied to the tensors that show them.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <sconce/transfer.h>

#include "model/state.h"

namespace sconce::model {

/// A whole storage is cast, so that aliases stay aliases.
struct StorageCast {
  DType from = DType::float32;
  DType to = DType::float32;
  Storage storage;  ///< the new one: its bytes are cast when they are read
};

struct CastPlan {
  std::map<std::uint32_t, StorageCast> storages;  ///< by number; only those that change
  std::vector<std::string> notes;  ///< what becomes of what, and what a rule asked for and was left as it is
};

/// Tensors of floating-point and complex dtypes only, unless a rule names its `from`. Never: NumPy arrays, quantised
/// tensors and what they are made of; and, by a rule for all names ("*"), tensors without dimensions, which are numbers
/// (an optimizer's step) and no weights, and dtypes that there is no cast for. Errors: `invalid_argument` where two
/// names of one storage are to become different dtypes; `unsupported` where a rule by name asks for a cast that there
/// is none of.
[[nodiscard]] CastPlan plan_casts(const Checkpoint::State& state, std::span<const CastRule> rules);

/// Gives the tensors over cast storages their new dtype, and sparse and nested ones that of their values.
void apply_casts(tree::Document& document, const CastPlan& plan);

}  // namespace sconce::model
