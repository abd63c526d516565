// What a checkpoint holds besides weights: optimizers, schedulers, scaler, EMA, random state, progress, settings.
//
// Found in any tree, whichever trainer wrote it. Nothing is guessed without saying so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sconce/checkpoint.h>
#include <sconce/export.h>
#include <sconce/value.h>

namespace sconce {
inline namespace v0 SCONCE_API {

/// What a part of a checkpoint is for.
enum class PartKind : std::uint8_t {
  model,    ///< a state_dict or a whole module
  ema,      ///< a second model that follows the first
  adapter,  ///< LoRA and its like
  optimizer,
  scheduler,         ///< of learning rates, momentum …
  scaler,            ///< torch.amp's GradScaler, apex
  rng,               ///< random state: Python, NumPy, torch, CUDA
  data,              ///< samplers, DataLoaders
  progress,          ///< epoch, step, best metric
  hyper_parameters,  ///< arguments and settings
  other,
};
[[nodiscard]] std::string_view to_string(PartKind kind) noexcept;
/// The kind of that name ("model", "optimizer" …). Errors: `invalid_argument` with the names.
[[nodiscard]] PartKind part_kind_from_text(std::string_view text);

/// How it is known what a part is.
enum class KnownBy : std::uint8_t {
  layout,     ///< the trainer's layout was recognised
  name,       ///< the key says it, and the contents do not contradict
  structure,  ///< only the contents say it
};
[[nodiscard]] std::string_view to_string(KnownBy by) noexcept;

/// A part of the tree with one purpose.
struct TrainingPart {
  PartKind kind = PartKind::other;
  std::string path;  ///< name of the value as inspect shows it; "" for the root
  std::string what;  ///< "Adam", "StepLR", "torch generator", "state_dict of 160 tensors"
  KnownBy by = KnownBy::structure;
  std::uint64_t tensors = 0;
  std::uint64_t bytes = 0;  ///< of distinct storages; one that parts share counts in the first
};

/// State of one parameter in an optimizer.
struct ParameterState {
  std::string id;                                      ///< key in `state`: "0", an old id, a name
  std::optional<std::size_t> index;                    ///< running number over param_groups
  std::string name;                                    ///< of the parameter in the model; empty where not known
  std::string why_unnamed;                             ///< what is ambiguous or missing
  std::vector<std::pair<std::string, Value>> entries;  ///< "exp_avg" …, "step"
  std::optional<double> step;                      ///< whether int or tensor; a group's own where the state has none
  std::optional<std::vector<std::int64_t>> shape;  ///< of the parameter, as its state says
  std::string device;                              ///< of its state, as saved; empty where there is none
};

struct ParameterGroup {
  std::vector<std::pair<std::string, Value>> settings;  ///< "lr", "betas" … in the order of the file, without "params"
  std::vector<std::string> ids;                         ///< "params"
};

struct OptimizerState {
  std::string path;
  std::string algorithm;           ///< "Adam", "SGD" …; "" where the state does not say
  bool algorithm_inferred = true;  ///< by keys of groups and states; false where the file names the class
  std::string algorithm_evidence;  ///< "state has exp_avg, exp_avg_sq; groups have betas, eps"
  std::string form;                ///< "8-bit", "capturable", "fused", "FP16 with master weights" …; empty for plain
  std::vector<ParameterGroup> groups;
  std::vector<ParameterState> parameters;  ///< in the order of the groups; then state that belongs to no group
  std::string named_by;  ///< how names were found: "names in the groups", "order", "shapes" …; or empty
};

/// Something that does not fit, with where it is.
struct TrainingFinding {
  std::string kind;  ///< "wrong-shape", "duplicate-id" …: names in docs/training.md
  std::string path;
  std::string message;
  bool wrong = true;  ///< false: only worth knowing
};

/// Everything about a run that a checkpoint holds. A view: values are handles into the checkpoint's document.
struct TrainingState {
  std::string layout;           ///< "Lightning 2.x", "HF Trainer", "plain" …; "" where only structure was to go by
  std::string layout_evidence;  ///< what it was recognised by
  std::vector<TrainingPart> parts;  ///< in the order of the tree
  std::vector<OptimizerState> optimizers;
  std::vector<std::pair<std::string, Value>> progress;          ///< "epoch", "global_step", "best_acc" …
  std::vector<std::pair<std::string, Value>> hyper_parameters;  ///< flattened, objects of classes shown as their fields
  std::vector<TrainingFinding> findings;

  [[nodiscard]] std::uint64_t bytes_of(PartKind kind) const noexcept;
  /// Whether there is more than a model.
  [[nodiscard]] bool has_training() const noexcept;
};

/// Find them. Reads no tensor data but tensors of one element (`step`, a best accuracy). Lists are bounded: a finding
/// `too-much` says where one was cut. Errors: none for what is in a file. Thread rule: const use.
[[nodiscard]] TrainingState training_state(const Checkpoint& checkpoint);

/// A new checkpoint with that part only: as its root where it is one, else a dict of all of that kind by their paths
/// (progress always is). `path` names one of several, as `TrainingPart::path` has it. Storages are shared; what the
/// file would call stays known, so that a hostile one is refused as before. Errors: `not_found` with what there is.
/// Thread rule: const use.
[[nodiscard]] Checkpoint take_part(const Checkpoint& checkpoint, PartKind kind, std::string_view path = {});

}  // namespace SCONCE_API
}  // namespace sconce
