#include <sconce/rewrite.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/fail.h"
#include "base/text.h"
#include "model/compatibility/obstacles.h"
#include "model/hostile.h"
#include "model/rewrite/changes.h"
#include "model/rewrite/class_names.h"
#include "model/rewrite/plain.h"
#include "model/rewrite/target.h"
#include "model/rewrite/tensor_forms.h"
#include "model/rewrite/values.h"
#include "model/state.h"

namespace sconce {
inline namespace v0 {

namespace {

using model::rewrite::Changes;
using model::rewrite::kCastWouldDo;
using model::rewrite::Target;

constexpr TorchVersion kOldest{0, 4};
constexpr TorchVersion kWeightsOnly{1, 13};
/// From here on weights_only takes all of Python's small values; plain files are made for this and later.
constexpr TorchVersion kPlain{2, 6};
constexpr std::size_t kMostObstacles = 200;

void check_options(const RewriteOptions& options) {
  const std::string name = "PyTorch " + to_string(options.version);
  if (options.version < kOldest)
    fail(ErrorCode::invalid_argument, name + " is older than what files can be written for", {},
         "the oldest is PyTorch 0.4");
  if (options.weights_only && options.version < kWeightsOnly)
    fail(ErrorCode::invalid_argument, name + " has no weights_only", {}, "it came with PyTorch 1.13");
}

[[noreturn]] void refuse(const Checkpoint::State& state, const Target& target, const RewriteOptions& options,
                         const RewriteReport& report) {
  ErrorPlace place;
  place.file = state.facts.name;
  const bool castable = std::ranges::any_of(
      report.remaining, [](const std::string& line) { return line.find(kCastWouldDo) != std::string::npos; });
  std::string advice;
  if (!options.plain && target.weights_only) advice = "let plain values take the place of objects (--plain)";
  if (castable) advice += std::string(advice.empty() ? "" : ", or ") + "let dtypes be cast (--cast)";
  if (advice.empty()) advice = "take the parts out that are needed (--part), or choose a newer PyTorch";
  fail(ErrorCode::unsupported, "it cannot be written for " + target.name() + ": " + listed(report.remaining),
       std::move(place), std::move(advice));
}

/// What the table of facts still finds in the file that would be written, beyond what was told already.
void look_again(const Checkpoint& checkpoint, const Target& target, SaveOptions save, RewriteReport& report) {
  if (save.format.empty()) save.format = "pytorch-zip";
  save.drop = true;  // what the format cannot hold is the save's business
  const auto features = model::compatibility::features_of_plan(checkpoint, save);
  const TorchMode mode = target.weights_only ? TorchMode::weights_only : TorchMode::plain;
  for (const auto& obstacle : model::compatibility::obstacles(*features, target.version, mode)) {
    if (!obstacle.stops) continue;
    report.remaining.push_back(obstacle.why);
    if (report.remaining.size() > kMostObstacles) return;
  }
}

}  // namespace

RewriteReport rewrite_for(Checkpoint& checkpoint, const RewriteOptions& options, SaveOptions& save) {
  check_options(options);
  Checkpoint::State& state = *checkpoint.state();
  model::refuse_hostile(state);
  const Target target{options.version, options.weights_only};
  Changes changes;
  if (options.plain) model::rewrite::make_objects_plain(state, changes);
  if (options.weights_only)
    model::rewrite::rewrite_values(state, target, options.plain, changes);
  else if (options.plain)
    model::rewrite::rewrite_values(state, {std::max(kPlain, target.version), true}, true, changes);
  model::rewrite::rewrite_tensor_forms(state, target, save, changes);
  model::rewrite::rewrite_dtypes(state, target, options.cast, changes);
  model::rewrite::rewrite_class_names(state, target, changes);
  changes.name(state);
  if (!target.zip()) {
    save.format = "pytorch-legacy";
    changes.add(Changes::Fate::changed, "the file is a stream, since " + target.name() + " reads no zip archives");
  }
  RewriteReport report = changes.report();
  if (report.remaining.empty()) look_again(checkpoint, target, save, report);
  if (!report.remaining.empty()) refuse(state, target, options, report);
  return report;
}

RewriteReport make_plain(Checkpoint& checkpoint) {
  Checkpoint::State& state = *checkpoint.state();
  model::refuse_hostile(state);
  Changes changes;
  model::rewrite::make_objects_plain(state, changes);
  const Target target{kPlain, true};
  model::rewrite::rewrite_values(state, target, true, changes);
  RewriteReport report = changes.report();
  // Some dtypes came after 2.6: the newest release has all.
  if (report.remaining.empty()) look_again(checkpoint, {known_torch_versions().back(), true}, {}, report);
  return report;
}

}  // namespace v0
}  // namespace sconce
