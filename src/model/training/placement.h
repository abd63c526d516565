// Laying an optimizer's groups over a model, as shapes allow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/training/model_parameters.h"
#include "model/training/optimizer_state.h"

namespace sconce::model::training {

/// The places that shapes leave for the parameters of groups, in one model.
///
/// A parameter is placed where the first and the last order-preserving way to lay its group over the model agree. What
/// is placed is no place for other groups any more, which may decide theirs.
class Placement {
 public:
  static constexpr std::size_t kNone = SIZE_MAX;

  Placement(const ReadOptimizer& optimizer, const ModelParameters& model, const Document& document);

  /// False where some group fits nowhere.
  [[nodiscard]] bool possible() const noexcept { return possible_; }
  /// By group: the one place of each parameter; kNone where there are several.
  [[nodiscard]] const std::vector<std::vector<std::size_t>>& places() const noexcept { return places_; }
  [[nodiscard]] std::size_t placed() const noexcept { return placed_; }

 private:
  void place();
  bool place_group(std::size_t group);
  [[nodiscard]] bool fits(std::size_t group, std::size_t parameter, std::size_t place) const;

  std::vector<std::size_t> model_;                ///< shape class of each parameter of the model
  std::vector<std::vector<std::size_t>> groups_;  ///< and of each of the groups; kNone: not known
  std::vector<std::vector<std::size_t>> places_;
  std::vector<std::size_t> taken_by_;  ///< by place: the group
  std::size_t placed_ = 0;
  std::size_t steps_ = 0;
  bool possible_ = true;
};

}  // namespace sconce::model::training
