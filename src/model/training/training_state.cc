// The parts of a run that a checkpoint holds, put together.
#include <sconce/training.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/fail.h"
#include "base/text.h"
#include "model/training/find_parts.h"
#include "model/training/findings.h"
#include "model/training/hyper_parameters.h"
#include "model/training/model_parameters.h"
#include "model/training/optimizer_state.h"
#include "model/training/parameter_names.h"

namespace sconce {
inline namespace v0 {

namespace {

using namespace model::training;  // NOLINT(google-build-using-namespace): this file is that room's front

struct KindName {
  PartKind kind;
  std::string_view name;
};
constexpr std::array<KindName, 11> kKindNames = {{{PartKind::model, "model"},
                                                  {PartKind::ema, "ema"},
                                                  {PartKind::adapter, "adapter"},
                                                  {PartKind::optimizer, "optimizer"},
                                                  {PartKind::scheduler, "scheduler"},
                                                  {PartKind::scaler, "scaler"},
                                                  {PartKind::rng, "rng"},
                                                  {PartKind::data, "data"},
                                                  {PartKind::progress, "progress"},
                                                  {PartKind::hyper_parameters, "hyper_parameters"},
                                                  {PartKind::other, "other"}}};

constexpr std::size_t kMostListed = 400'000;                    // parameters and entries of state, of all optimizers
constexpr std::size_t kMostNameBytes = std::size_t{128} << 20;  // of the models' parameters
constexpr std::size_t kMostSettings = 5'000;
constexpr std::size_t kMostModels = 16;  // that are tried for the names of an optimizer, and whose names are checked

class Assembler {
 public:
  explicit Assembler(const Checkpoint& checkpoint) : state_(*checkpoint.state()) {}

  TrainingState run() {
    found_ = find_parts(state_);
    result_.layout = found_.layout.name;
    result_.layout_evidence = found_.layout.evidence;
    for (const FoundPart& found : found_.parts) part(found);
    for (const FoundProgress& number : found_.progress)
      result_.progress.emplace_back(number.path, Value(state_.document, number.node));
    if (!found_.complete)
      result_.findings.push_back(
          {"too-much", "", "the file has more values than are looked at; some parts are missing", false});
    optimizers();
    for (FoundPart& found : found_.parts) result_.parts.push_back(std::move(found.part));
    return std::move(result_);
  }

 private:
  void part(const FoundPart& found) {
    if (found.cyclic && found.part.kind != PartKind::hyper_parameters && found.part.kind != PartKind::other)
      result_.findings.push_back({"cycle", found.part.path, "it contains itself", true});
    if (found.part.kind == PartKind::hyper_parameters)
      flatten(state_.document, found.node, found.part.path, kMostSettings, result_.hyper_parameters);
    const bool model =
        found.part.kind == PartKind::model || found.part.kind == PartKind::ema || found.part.kind == PartKind::adapter;
    if (!model || ++models_checked_ > kMostModels) return;
    check_names(state_, found.node, found.part.path, result_.findings);
    note_average(*state_.document, found.node, found.part.path, result_.findings);
  }

  /// What optimizers may be of: models; averages of them and adapters only where there is none.
  std::vector<NamedModel> models() const {
    std::vector<NamedModel> named;
    std::size_t room = kMostNameBytes;
    for (const PartKind kind : {PartKind::model, PartKind::adapter, PartKind::ema}) {
      for (const FoundPart& found : found_.parts)
        if (found.part.kind == kind && named.size() < kMostModels)
          named.push_back({found.part.path, model_parameters(state_, found.node, room)});
      if (!named.empty()) break;
    }
    return named;
  }

  void optimizers() {
    const auto is_optimizer = [](const FoundPart& found) { return found.part.kind == PartKind::optimizer; };
    if (std::ranges::none_of(found_.parts, is_optimizer)) return;
    const std::vector<NamedModel> of = models();
    std::size_t room = kMostListed;
    for (FoundPart& found : found_.parts) {
      if (!is_optimizer(found)) continue;
      ReadOptimizer read = read_optimizer(state_.document, found.node, found.part.path, room, result_.findings);
      if (read.state.groups.empty() && read.state.parameters.empty()) continue;
      name_parameters(read, of, *state_.document, result_.findings);
      check_settings(read.state, result_.findings);
      name_by_layout(read.state);
      if (!read.state.algorithm.empty()) found.part.what = read.state.algorithm;
      if (!read.state.form.empty()) found.part.what += ", " + read.state.form;
      result_.optimizers.push_back(std::move(read.state));
    }
  }

  /// fairseq writes the class beside the state (fairseq/trainer.py): "FairseqAdam"; "FP16Optimizer" says nothing.
  void name_by_layout(OptimizerState& optimizer) const {
    constexpr std::string_view kPrefix = "Fairseq";
    if (result_.layout != "fairseq") return;
    const NodeId history = field(*state_.document, state_.roots.front(), "optimizer_history");
    if (history == kNoNode || !tree::is_sequence(state_.document->kind(history))) return;
    const auto entries = state_.document->elements(history);
    if (entries.empty()) return;
    const std::string_view name = text_of(*state_.document, field(*state_.document, entries.back(), "optimizer_name"));
    if (!name.starts_with(kPrefix) || name.size() > 64) return;
    optimizer.algorithm = name.substr(kPrefix.size());
    optimizer.algorithm_inferred = false;
    optimizer.algorithm_evidence = "optimizer_history has " + std::string(name);
  }

  const Checkpoint::State& state_;
  FoundParts found_;
  TrainingState result_;
  std::size_t models_checked_ = 0;
};

}  // namespace

std::string_view to_string(PartKind kind) noexcept {
  const auto found = std::ranges::find(kKindNames, kind, &KindName::kind);
  return found != kKindNames.end() ? found->name : "other";
}

PartKind part_kind_from_text(std::string_view text) {
  const auto found = std::ranges::find(kKindNames, text, &KindName::name);
  if (found != kKindNames.end()) return found->kind;
  std::string names;
  for (const KindName& known : kKindNames) names += (names.empty() ? "" : ", ") + std::string(known.name);
  fail(ErrorCode::invalid_argument, "there is no kind of part called \"" + std::string(text) + "\"", {},
       "one of " + names);
}

std::string_view to_string(KnownBy by) noexcept {
  switch (by) {
    case KnownBy::layout: return "layout";
    case KnownBy::name: return "name";
    case KnownBy::structure: return "structure";
  }
  return "structure";
}

std::uint64_t TrainingState::bytes_of(PartKind kind) const noexcept {
  std::uint64_t bytes = 0;
  for (const TrainingPart& part : parts)
    if (part.kind == kind) bytes += part.bytes;
  return bytes;
}

bool TrainingState::has_training() const noexcept {
  return std::ranges::any_of(
      parts, [](const TrainingPart& part) { return part.kind != PartKind::model && part.kind != PartKind::other; });
}

TrainingState training_state(const Checkpoint& checkpoint) { return Assembler(checkpoint).run(); }

}  // namespace v0
}  // namespace sconce
