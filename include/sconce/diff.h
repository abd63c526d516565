// Are two checkpoints the same model? Names, shapes, dtypes, aliases, values, and the leaves that are no tensors.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include <sconce/checkpoint.h>
#include <sconce/export.h>
#include <sconce/options.h>

namespace sconce {
inline namespace v0 SCONCE_API {

struct DiffOptions {
  /// Elements are equal where |a - b| <= atol + rtol * |b|; both zero: where they are equal, NaN to NaN (but see
  /// `strict`).
  double rtol = 0;
  double atol = 0;
  /// Paths that match one of these shell patterns are left out ("optimizer.*").
  std::vector<std::string> ignore;
  /// Also compare what does not change the model: saved device, strides, storage offset, requires_grad, dict kinds,
  /// NaN payloads and signs of zero.
  bool strict = false;
  ProgressFunction progress;
  std::stop_token cancel;
};

/// How far two tensors of one name are apart.
struct TensorDifference {
  std::string name;
  std::string what;                    ///< "shape", "dtype", "values", "layout", "device" …
  std::string a, b;                    ///< as text, where it is not the values
  std::uint64_t numel = 0;
  std::uint64_t different = 0;         ///< elements beyond the tolerance
  double max_abs = 0;                  ///< largest |a - b|; infinite where one of them is NaN or infinite alone
  double max_rel = 0;                  ///< largest |a - b| / max(|a|, |b|)
  std::vector<std::int64_t> first;     ///< index of the first element that differs
};

struct ValueDifference {
  std::string name;
  std::string a, b;                    ///< as text; empty where one side lacks it
};

struct DiffReport {
  bool same = true;
  std::uint64_t tensors_compared = 0;
  std::uint64_t bytes_compared = 0;
  std::vector<std::string> only_a, only_b;           ///< tensors that one side lacks
  std::vector<TensorDifference> tensors;
  std::vector<std::string> aliases;                  ///< groups of names that share a storage on one side only
  std::vector<ValueDifference> values;               ///< leaves that are no tensors
  std::vector<std::string> notes;                    ///< what cannot be compared (the other format cannot hold it)
};

[[nodiscard]] DiffReport diff(const Checkpoint& a, const Checkpoint& b, const DiffOptions& options = {});

}  // namespace v0
}  // namespace sconce
