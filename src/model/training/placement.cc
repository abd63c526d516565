#include "model/training/placement.h"

#include <map>
#include <span>

namespace sconce::model::training {

namespace {

constexpr std::size_t kMostRounds = 8;          // of groups taking places from one another
constexpr std::size_t kMostSteps = 50'000'000;  // of laying groups over a model

/// Shapes as numbers: equal ones are equal numbers.
class ShapeClasses {
 public:
  std::size_t of(std::span<const std::int64_t> shape) {
    return classes_.try_emplace(std::vector<std::int64_t>(shape.begin(), shape.end()), classes_.size()).first->second;
  }

 private:
  std::map<std::vector<std::int64_t>, std::size_t> classes_;
};

}  // namespace

Placement::Placement(const ReadOptimizer& optimizer, const ModelParameters& model, const Document& document) {
  ShapeClasses classes;
  for (const ModelParameter& parameter : model.parameters)
    model_.push_back(classes.of(shape_of(document, parameter.tensor)));
  std::size_t at = 0;
  for (const ParameterGroup& group : optimizer.state.groups) {
    groups_.emplace_back();
    for (std::size_t each = 0; each < group.ids.size(); ++each, ++at) {
      const auto& shape = optimizer.state.parameters[at].shape;
      groups_.back().push_back(shape ? classes.of(*shape) : kNone);
    }
  }
  taken_by_.assign(model_.size(), kNone);
  place();
}

void Placement::place() {
  for (const auto& group : groups_) places_.emplace_back(group.size(), kNone);
  for (std::size_t round = 0; round < kMostRounds; ++round) {
    const std::size_t before = placed_;
    for (std::size_t group = 0; group < groups_.size(); ++group) {
      // What was placed so far is right; the rest stays without names.
      if (steps_ > kMostSteps) return;
      if (!place_group(group)) {
        possible_ = false;
        return;
      }
    }
    if (placed_ == before) return;
  }
}

bool Placement::fits(std::size_t group, std::size_t parameter, std::size_t place) const {
  if (taken_by_[place] != kNone && taken_by_[place] != group) return false;
  const std::size_t fixed = places_[group][parameter];
  if (fixed != kNone) return fixed == place;
  return groups_[group][parameter] == kNone || groups_[group][parameter] == model_[place];
}

bool Placement::place_group(std::size_t group) {
  const std::size_t count = groups_[group].size();
  std::vector<std::size_t> first(count);
  std::size_t place = 0;
  for (std::size_t at = 0; at < count; ++at, ++place) {
    while (place < model_.size() && !fits(group, at, place)) ++place, ++steps_;
    if (place == model_.size()) return false;
    first[at] = place;
  }
  place = model_.size();
  for (std::size_t at = count; at-- > 0;) {
    do {
      if (place == 0) return false;
      --place;
      ++steps_;
    } while (!fits(group, at, place));
    if (place != first[at] || places_[group][at] != kNone) continue;
    places_[group][at] = place;
    taken_by_[place] = group;
    ++placed_;
  }
  return true;
}

}  // namespace sconce::model::training
