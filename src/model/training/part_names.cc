#include "model/training/part_names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace sconce::model::training {

namespace {

using enum PartKind;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

/// Whether `word` stands in `text` between its ends, dots, dashes and underscores.
bool has_word(std::string_view text, std::string_view word) {
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const auto edge = [&](std::size_t where) {
      return where >= text.size() || text[where] == '.' || text[where] == '_' || text[where] == '-';
    };
    if ((at == 0 || edge(at - 1)) && edge(at + word.size())) return true;
  }
  return false;
}

struct NameRow {
  std::string_view part;  ///< of the key, in lower case
  PartKind kind;
};

// What a key contains; the first that fits is right: "lr_scheduler_state" is no optimizer's, "grad_scaler" no
// gradient's.
constexpr NameRow kContained[] = {
    {"scheduler", scheduler},
    {"optimizer", optimizer},
    {"grad_scaler", scaler},
    {"gradscaler", scaler},
    {"amp_scal", scaler},
    {"loss_scaler", scaler},
    {"rng_state", rng},
    {"random_state", rng},
    {"dataloader", data},
    {"data_loader", data},
    {"sampler", data},
    {"train_iterator", data},
    {"hyper_param", hyper_parameters},
    {"hyperparam", hyper_parameters},
    {"hparams", hyper_parameters},
    {"train_args", hyper_parameters},
    {"training_args", hyper_parameters},
    {"model_args", hyper_parameters},
};

constexpr NameRow kExact[] = {
    {"optim", optimizer},
    {"optims", optimizer},
    {"optim_state", optimizer},
    {"optim_dict", optimizer},
    {"optim_state_dict", optimizer},
    {"scaler", scaler},
    {"amp", scaler},
    {"scaler_state_dict", scaler},
    {"rng", rng},
    {"rng_states", rng},
    {"args", hyper_parameters},
    {"arguments", hyper_parameters},
    {"cfg", hyper_parameters},
    {"config", hyper_parameters},
    {"configs", hyper_parameters},
    {"conf", hyper_parameters},
    {"opt", hyper_parameters},
    {"opts", hyper_parameters},
    {"options", hyper_parameters},
    {"settings", hyper_parameters},
    {"params", hyper_parameters},
    {"model_config", hyper_parameters},
    {"net_config", hyper_parameters},
    {"ds_config", hyper_parameters},
    {"kwargs", hyper_parameters},
    {"model_kwargs", hyper_parameters},
    {"flags", hyper_parameters},
};

constexpr std::string_view kProgress[] = {
    "epoch",
    "epochs",
    "current_epoch",
    "last_epoch",
    "start_epoch",
    "epoch_num",
    "num_epoch",
    "epochs_run",
    "epochs_trained",
    "epoch_idx",
    "ep",
    "iter",
    "iters",
    "iteration",
    "iterations",
    "n_iter",
    "num_iter",
    "num_iters",
    "iter_num",
    "cur_iter",
    "current_iter",
    "it",
    "step",
    "steps",
    "global_step",
    "global_steps",
    "current_step",
    "num_steps",
    "train_step",
    "train_steps",
    "step_count",
    "total_steps",
    "trainer_step",
    "n_steps",
    "num_updates",
    "updates",
    "batch_idx",
    "batch_number",
    "batch_offset",
    "iterations_in_epoch",
    "tokens_seen",
    "num_tokens",
    "consumed_train_samples",
    "consumed_valid_samples",
    "consumed_samples",
    "num_timesteps",
    "total_timesteps",
    "total_env_steps",
    "episode",
    "episodes",
    "num_episodes",
    "best",
    "metric",
    "metrics",
    "loss",
    "losses",
    "train_loss",
    "val_loss",
    "valid_loss",
    "test_loss",
    "min_loss",
    "acc",
    "accuracy",
    "val_acc",
    "test_acc",
    "train_acc",
    "map",
    "miou",
    "psnr",
    "fid",
    "score",
    "fitness",
    "current_score",
    "wall_time",
    "previous_training_time",
    "global_samples",
    "skipped_steps",
    "global_iteration",
    "samples_seen",
};

}  // namespace

std::optional<PartKind> kind_by_name(std::string_view key) {
  const std::string name = lower(key);
  if (name.ends_with("_history")) return std::nullopt;
  for (const NameRow& row : kContained)
    if (name.find(row.part) != std::string::npos) return row.kind;
  for (const NameRow& row : kExact)
    if (name == row.part) return row.kind;
  return std::nullopt;
}

bool is_progress_name(std::string_view key) {
  if (key.size() > 64) return false;
  const std::string name = lower(key);
  if (std::ranges::find(kProgress, name) != std::end(kProgress)) return true;
  return name.starts_with("best_") || name.ends_with("_epoch") || name.ends_with("_step") || name.ends_with("_iter") ||
         name.ends_with("_loss") || name.ends_with("_acc");
}

bool is_average_name(std::string_view path) {
  const std::string name = lower(path);
  constexpr std::string_view kWords[] = {"ema", "swa", "averaged", "average", "shadow", "polyak"};
  return std::ranges::any_of(kWords, [&](std::string_view word) { return has_word(name, word); }) ||
         name.find("averaged_model") != std::string::npos || name.find("modelema") != std::string::npos;
}

}  // namespace sconce::model::training
