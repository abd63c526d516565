#include "model/training/layouts.h"

#include <algorithm>
#include <array>
#include <span>

#include "model/training/recognise.h"

namespace sconce::model::training {

struct LayoutKey {
  std::string_view key;
  PartKind kind;
};

struct LayoutRow {
  std::string_view name;
  std::array<std::string_view, 4> required;  ///< keys of the root, all of them
  std::array<std::string_view, 4> any;       ///< and one of these, where there are any
  std::string_view version;                  ///< key (or "dict.key") with the trainer's version
  std::span<const LayoutKey> keys;
};

namespace {

using enum PartKind;

// pytorch_lightning/trainer/connectors/checkpoint_connector.py (trainer/training_io.py before 1.0), 0.8 to 2.x.
constexpr LayoutKey kLightning[] = {{"state_dict", model},
                                    {"optimizer_states", optimizer},
                                    {"lr_schedulers", scheduler},
                                    {"hyper_parameters", hyper_parameters},
                                    {"hparams", hyper_parameters},
                                    {"datamodule_hyper_parameters", hyper_parameters},
                                    {"native_amp_scaling_state", scaler},
                                    {"amp_scaling_state", scaler},
                                    {"MixedPrecision", scaler},
                                    {"MixedPrecisionPlugin", scaler},
                                    {"NativeMixedPrecisionPlugin", scaler},
                                    {"loops", progress},
                                    {"callbacks", other}};
// timm/utils/checkpoint_saver.py; timm/utils/cuda.py has the names of the scalers' keys.
constexpr LayoutKey kTimm[] = {{"state_dict", model},  {"state_dict_ema", ema}, {"optimizer", optimizer},
                               {"amp_scaler", scaler}, {"amp", scaler},         {"args", hyper_parameters},
                               {"epoch", progress},    {"metric", progress}};
// mmengine/runner/runner.py save_checkpoint(); mmcv/runner/checkpoint.py.
constexpr LayoutKey kMmengine[] = {{"state_dict", model},
                                   {"ema_state_dict", ema},
                                   {"optimizer", optimizer},
                                   {"message_hub", progress},
                                   {"param_schedulers", scheduler}};
constexpr LayoutKey kMmcv[] = {{"state_dict", model}, {"optimizer", optimizer}};
// fairseq/trainer.py state_dict(); fairseq/checkpoint_utils.py has the forms before.
constexpr LayoutKey kFairseq[] = {{"model", model},
                                  {"args", hyper_parameters},
                                  {"cfg", hyper_parameters},
                                  {"last_optimizer_state", optimizer},
                                  {"optimizer_history", other},
                                  {"task_state", other},
                                  {"criterion", other}};
// ultralytics/engine/trainer.py save_model(); yolov5/train.py and yolov3/train.py.
constexpr LayoutKey kUltralytics[] = {{"model", model},           {"ema", ema},
                                      {"optimizer", optimizer},   {"scaler", scaler},
                                      {"epoch", progress},        {"best_fitness", progress},
                                      {"updates", progress},      {"train_args", hyper_parameters},
                                      {"opt", hyper_parameters},  {"train_metrics", progress},
                                      {"train_results", progress}};
// megatron/checkpointing.py, megatron/training/checkpointing.py.
constexpr LayoutKey kMegatron[] = {{"args", hyper_parameters},
                                   {"iteration", progress},
                                   {"model", model},
                                   {"optimizer", optimizer},
                                   {"opt_param_scheduler", scheduler},
                                   {"lr_scheduler", scheduler},
                                   {"rng_state", rng},
                                   {"random_rng_state", rng},
                                   {"np_rng_state", rng},
                                   {"torch_rng_state", rng},
                                   {"cuda_rng_state", rng},
                                   {"rng_tracker_states", rng},
                                   {"rerun_state_machine", other}};
// deepspeed/runtime/engine.py _save_checkpoint().
constexpr LayoutKey kDeepSpeed[] = {
    {"module", model},          {"optimizer", optimizer},     {"lr_scheduler", scheduler},
    {"data_sampler", data},     {"random_ltd", other},        {"ds_config", hyper_parameters},
    {"global_steps", progress}, {"global_samples", progress}, {"skipped_steps", progress}};
// accelerate/checkpointing.py; transformers/trainer.py _save_rng_state().
constexpr LayoutKey kRandom[] = {{"random_state", rng},
                                 {"numpy_random_seed", rng},
                                 {"torch_manual_seed", rng},
                                 {"torch_cuda_manual_seed", rng},
                                 {"step", progress},
                                 {"python", rng},
                                 {"numpy", rng},
                                 {"cpu", rng},
                                 {"cuda", rng}};
// torchvision references/*/train.py; examples/imagenet/main.py; "Saving & loading a general checkpoint" of PyTorch's
// tutorials; nanoGPT train.py; fvcore/common/checkpoint.py; composer/core/state.py.
constexpr LayoutKey kTorchvision[] = {
    {"model", model},   {"model_ema", ema},         {"optimizer", optimizer}, {"lr_scheduler", scheduler},
    {"scaler", scaler}, {"args", hyper_parameters}, {"epoch", progress}};
constexpr LayoutKey kImagenet[] = {{"state_dict", model},   {"optimizer", optimizer}, {"scheduler", scheduler},
                                   {"best_acc1", progress}, {"epoch", progress},      {"best_prec1", progress}};
constexpr LayoutKey kTutorial[] = {
    {"model_state_dict", model}, {"optimizer_state_dict", optimizer}, {"epoch", progress},
    {"loss", progress},          {"scheduler_state_dict", scheduler}, {"scaler_state_dict", scaler}};
constexpr LayoutKey kNanoGpt[] = {{"model", model},       {"optimizer", optimizer},    {"model_args", hyper_parameters},
                                  {"iter_num", progress}, {"best_val_loss", progress}, {"config", hyper_parameters}};
constexpr LayoutKey kFvcore[] = {
    {"model", model}, {"optimizer", optimizer}, {"scheduler", scheduler}, {"iteration", progress}};
constexpr LayoutKey kComposer[] = {{"rng", rng}};
constexpr LayoutKey kDino[] = {{"student", model},         {"teacher", ema},        {"optimizer", optimizer},
                               {"args", hyper_parameters}, {"fp16_scaler", scaler}, {"dino_loss", other},
                               {"epoch", progress}};

// In the order in which they are tried: of two that fit, the one that asks for more comes first.
constexpr LayoutRow kRows[] = {
    {"Lightning", {"pytorch-lightning_version"}, {}, "pytorch-lightning_version", kLightning},
    {"Lightning",
     {"pytorch-ligthning_version"},
     {},
     "pytorch-ligthning_version",
     kLightning},  // so spelt in 0.8 to 1.0
    {"Lightning before 0.8", {"state_dict", "optimizer_states", "lr_schedulers", "global_step"}, {}, {}, kLightning},
    {"fairseq", {"model", "optimizer_history", "extra_state"}, {}, {}, kFairseq},
    {"Megatron-LM", {"checkpoint_version", "iteration"}, {"model", "model0", "args"}, "checkpoint_version", kMegatron},
    {"DeepSpeed", {"module", "ds_config", "ds_version"}, {}, "ds_version", kDeepSpeed},
    {"DeepSpeed", {"module", "global_steps", "skipped_steps"}, {}, {}, kDeepSpeed},
    {"DeepSpeed ZeRO", {"optimizer_state_dict", "ds_version"}, {}, "ds_version", {}},
    {"MMEngine", {"meta", "state_dict", "message_hub"}, {}, "meta.mmengine_version", kMmengine},
    {"MMCV", {"meta", "state_dict"}, {}, "meta.mmcv_version", kMmcv},
    {"Ultralytics", {"model", "ema", "updates", "optimizer"}, {"train_args"}, "version", kUltralytics},
    {"YOLOv5", {"epoch", "best_fitness", "model"}, {"ema", "training_results", "optimizer"}, {}, kUltralytics},
    {"timm", {"state_dict", "arch", "version", "epoch"}, {}, {}, kTimm},
    {"PyTorch's ImageNet example", {"state_dict", "arch", "epoch", "optimizer"}, {}, {}, kImagenet},
    {"DINO", {"student", "teacher", "optimizer", "epoch"}, {}, {}, kDino},
    {"nanoGPT", {"model", "model_args", "iter_num", "best_val_loss"}, {}, {}, kNanoGpt},
    {"Composer", {"state", "rng"}, {}, "state.composer_version", kComposer},
    {"PyTorch's tutorial", {"model_state_dict", "optimizer_state_dict"}, {}, {}, kTutorial},
    {"torchvision's references", {"model", "optimizer", "lr_scheduler", "epoch"}, {}, {}, kTorchvision},
    {"fvcore (Detectron2)", {"model", "optimizer", "iteration"}, {"scheduler"}, {}, kFvcore},
    {"accelerate", {"random_state", "numpy_random_seed", "torch_manual_seed"}, {}, {}, kRandom},
    {"HF Trainer", {"python", "numpy", "cpu"}, {}, {}, kRandom},
};

/// A file of a folder, known by its name and what it must then hold.
struct FolderRow {
  std::string_view file;
  PartKind kind;
  std::string_view name;
};
constexpr FolderRow kFolders[] = {
    {"optimizer.pt", optimizer, "HF Trainer"},         {"scheduler.pt", scheduler, "HF Trainer"},
    {"scaler.pt", scaler, "HF Trainer or accelerate"}, {"optimizer.bin", optimizer, "accelerate"},
    {"scheduler.bin", scheduler, "accelerate"},        {"training_args.bin", hyper_parameters, "HF Trainer"},
};

NodeId at_dotted(const Document& document, NodeId root, std::string_view path) {
  const std::size_t dot = path.find('.');
  NodeId node = field(document, root, path.substr(0, dot));
  if (dot != std::string_view::npos && node != kNoNode) node = field(document, node, path.substr(dot + 1));
  return node;
}

bool fits(const Document& document, NodeId root, const LayoutRow& row) {
  const auto has = [&](std::string_view key) { return key.empty() || field(document, root, key) != kNoNode; };
  if (!std::ranges::all_of(row.required, has)) return false;
  return row.any[0].empty() ||
         std::ranges::any_of(row.any, [&](std::string_view key) { return !key.empty() && has(key); });
}

std::string evidence_of(const LayoutRow& row) {
  std::string text = "keys";
  for (const std::string_view key : row.required)
    if (!key.empty()) text += (text.size() == 4 ? " \"" : ", \"") + std::string(key) + "\"";
  return text;
}

/// What a version is written as: text, or a number.
std::string version_text(const Document& document, NodeId root, std::string_view path) {
  constexpr std::size_t kLongest = 40;
  if (path.empty()) return {};
  const NodeId node = at_dotted(document, root, path);
  if (node == kNoNode) return {};
  const std::string_view text = text_of(document, node);
  if (!text.empty()) return text.size() <= kLongest ? std::string(text) : std::string();
  if (document.kind(node) != Kind::floating && document.kind(node) != Kind::integer) return {};
  return Value(std::const_pointer_cast<Document>(document.shared_from_this()), node).to_text();
}

Layout folder_layout(const Document& document, NodeId root, std::string_view file_name) {
  const std::size_t slash = file_name.find_last_of("/\\");
  const std::string_view base = slash == std::string_view::npos ? file_name : file_name.substr(slash + 1);
  for (const FolderRow& row : kFolders) {
    if (row.file != base) continue;
    const auto is = recognise(document, root, {});
    if (is && is->kind == row.kind)
      return {std::string(row.name), "a file of that name and contents in a checkpoint's folder", nullptr};
  }
  return {};
}

/// skorch pickles its nets whole.
Layout object_layout(const Document& document, NodeId root) {
  const std::string name = document.class_name(root);
  if (name.starts_with("skorch.")) return {"skorch", "a pickled " + name, nullptr};
  if (name.starts_with("transformers.") && name.find("TrainingArguments") != std::string::npos)
    return {"HF Trainer", "a pickled " + name, nullptr};
  return {};
}

}  // namespace

std::optional<PartKind> Layout::kind_of(std::string_view key) const {
  if (row == nullptr) return std::nullopt;
  for (const LayoutKey& known : row->keys)
    if (known.key == key) return known.kind;
  return std::nullopt;
}

Layout find_layout(const Document& document, NodeId root, std::string_view file_name) {
  if (document.kind(root) == Kind::object) {
    Layout layout = object_layout(document, root);
    return layout.name.empty() ? folder_layout(document, root, file_name) : layout;
  }
  if (document.kind(root) != Kind::dict) return {};
  for (const LayoutRow& row : kRows) {
    if (!fits(document, root, row)) continue;
    Layout layout{std::string(row.name), evidence_of(row), &row};
    if (const std::string version = version_text(document, root, row.version); !version.empty()) {
      layout.name += ' ';
      layout.name += version;
    }
    return layout;
  }
  return folder_layout(document, root, file_name);
}

}  // namespace sconce::model::training
