// Schedulers, by the attributes that their state_dict() gives.
#include <algorithm>
#include <array>

#include "model/training/recognise.h"

namespace sconce::model::training {

namespace {

struct Row {
  std::string_view what;
  std::array<std::string_view, 2> keys;
};

// Sources: torch/optim/lr_scheduler.py and swa_utils.py, 1.7 to 2.14 (state_dict() is __dict__ without the optimizer);
// Megatron-LM optimizer_param_scheduler.py and learning_rates.py; mmengine/optim/scheduler/param_scheduler.py;
// pytorch-gradual-warmup-lr. Of two rows that fit, the first is right.
constexpr Row kRows[] = {
    {"OneCycleLR", {"total_steps", "base_lrs"}},
    {"CosineAnnealingWarmRestarts", {"T_0", "T_mult"}},
    {"CosineAnnealingLR", {"T_max", "eta_min"}},
    {"SequentialLR", {"_schedulers", "_milestones"}},
    {"ChainedScheduler", {"_schedulers", "_schedulers"}},
    {"MultiStepLR", {"milestones", "gamma"}},
    {"StepLR", {"step_size", "gamma"}},
    {"CyclicLR", {"total_size", "step_ratio"}},
    {"LinearLR", {"start_factor", "end_factor"}},
    {"PolynomialLR", {"total_iters", "power"}},
    {"ConstantLR", {"factor", "total_iters"}},
    {"ReduceLROnPlateau", {"patience", "num_bad_epochs"}},
    {"SWALR", {"anneal_epochs", "anneal_strategy"}},
    {"SWALR", {"anneal_epochs", "_anneal_strategy"}},
    {"GradualWarmupScheduler", {"multiplier", "after_scheduler"}},
    {"ExponentialLR", {"gamma", "base_lrs"}},
    {"LambdaLR or MultiplicativeLR", {"lr_lambdas", "base_lrs"}},
    {"OptimizerParamScheduler (Megatron)", {"num_steps", "max_lr"}},
    {"AnnealingLR (Megatron)", {"num_iters", "decay_style"}},
};

/// What every scheduler's state has, so that settings of the same names are not taken for one.
bool looks_like_one(const Document& document, NodeId id) {
  const auto has = [&](std::string_view key) { return field(document, id, key) != kNoNode; };
  return (has("last_epoch") && (has("_step_count") || has("base_lrs") || has("num_bad_epochs") || has("_last_lr"))) ||
         (has("last_step") && has("base_values")) || has("_schedulers") ||
         (has("num_steps") && has("max_lr") && has("min_lr")) || (has("num_iters") && has("decay_style"));
}

}  // namespace

std::string scheduler_name(const Document& document, NodeId id) {
  constexpr std::string_view kModule = "torch.optim.lr_scheduler.";
  if (document.kind(id) == Kind::object) {
    const std::string name = document.class_name(id);
    if (name.starts_with(kModule)) return name.substr(kModule.size());
    if (name.find("lr_scheduler.") == std::string::npos) return {};
    return name.substr(name.rfind('.') + 1);
  }
  if (document.kind(id) != Kind::dict || !looks_like_one(document, id)) return {};
  for (const Row& row : kRows)
    if (std::ranges::all_of(row.keys, [&](std::string_view key) { return document.dict_get(id, key) != kNoNode; }))
      return std::string(row.what);
  return "scheduler";
}

}  // namespace sconce::model::training
