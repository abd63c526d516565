#include "model/training/recognise.h"

#include <algorithm>
#include <array>

#include "model/model_shape.h"
#include "model/training/adapters.h"

namespace sconce::model::training {

namespace {

bool is_list_of_dicts(const Document& document, NodeId id) {
  if (id == kNoNode || !tree::is_sequence(document.kind(id))) return false;
  const auto elements = document.elements(id);
  return std::ranges::all_of(elements, [&](NodeId element) { return document.kind(element) == Kind::dict; });
}

/// A dict or object with `param_groups`. `state` may be missing: distributed optimizers keep it in other files.
bool has_groups(const Document& document, NodeId id) {
  const Kind kind = document.kind(id);
  if (kind != Kind::dict && kind != Kind::object) return false;
  if (kind == Kind::dict && document.dict_record(id).count > 32) return false;
  return is_list_of_dicts(document, field(document, id, "param_groups"));
}

/// fastai's Optimizer.state_dict(): lists of hyper-parameters by group and of states by parameter.
bool is_fastai_optimizer(const Document& document, NodeId id) {
  return document.kind(id) == Kind::dict && document.dict_record(id).count == 2 &&
         is_list_of_dicts(document, document.dict_get(id, "hypers")) &&
         is_list_of_dicts(document, document.dict_get(id, "state"));
}

std::optional<Recognised> recognise_scaler(const Document& document, NodeId id) {
  if (document.kind(id) == Kind::object) {
    const std::string name = document.class_name(id);
    if (name.ends_with(".GradScaler") || name.ends_with("LossScaler"))
      return Recognised{PartKind::scaler, name.substr(name.rfind('.') + 1)};
    return std::nullopt;
  }
  if (document.kind(id) != Kind::dict) return std::nullopt;
  const auto has = [&](std::string_view key) { return document.dict_get(id, key) != kNoNode; };
  if (has("scale") && has("growth_factor") && has("backoff_factor")) return Recognised{PartKind::scaler, "GradScaler"};
  if (has("scale") && has("growth_tracker")) return Recognised{PartKind::scaler, "GradScaler (Megatron)"};
  const NodeId apex = document.dict_get(id, "loss_scaler0");
  if (apex != kNoNode && field(document, apex, "loss_scale") != kNoNode)
    return Recognised{PartKind::scaler, "apex.amp"};
  return std::nullopt;
}

/// Averages as torch_ema, diffusers and timm's older forms keep them, and torch's AveragedModel.
std::optional<Recognised> recognise_ema(const Document& document, NodeId id) {
  const NodeId shadow = field(document, id, "shadow_params");
  if (shadow != kNoNode && document.kind(shadow) == Kind::list && !document.elements(shadow).empty() &&
      is_tensor(document, document.elements(shadow)[0]))
    return Recognised{PartKind::ema,
                      "moving averages of " + std::to_string(document.elements(shadow).size()) + " parameters"};
  const NodeId count = document.kind(id) == Kind::dict ? document.dict_get(id, "n_averaged") : kNoNode;
  if (count != kNoNode && is_tensor(document, count) && model::is_state_dict(document, id))
    return Recognised{PartKind::ema, "AveragedModel"};
  return std::nullopt;
}

/// torchdata's StatefulDataLoader and torch's samplers.
bool is_loader_state(const Document& document, NodeId id) {
  if (document.kind(id) == Kind::object) {
    const std::string name = document.class_name(id);
    return name.starts_with("torch.utils.data.dataloader.") || name.starts_with("torch.utils.data.sampler.") ||
           name.starts_with("torchdata.");
  }
  if (document.kind(id) != Kind::dict) return false;
  const auto has = [&](std::string_view key) { return document.dict_get(id, key) != kNoNode; };
  return has("_snapshot") || (has("_num_yielded") && has("_sampler_iter_state")) ||
         (has("_sampler_iter_yielded") && has("_num_yielded"));
}

bool is_array(const Document& document, NodeId id) {
  return document.kind(id) == Kind::tensor && document.tensor_record(id).numpy;
}

/// A dict of few numbers or NumPy arrays: means and deviations of a normaliser, not a model.
bool is_handful_of_numbers(const Document& document, NodeId id) {
  if (document.kind(id) != Kind::dict) return false;
  const tree::DictRecord& dict = document.dict_record(id);
  if (dict.count > 8) return false;
  for (std::size_t at = 0; at < dict.count; ++at)
    if (!is_number(document, dict.pairs[2 * at + 1]) && !is_array(document, dict.pairs[2 * at + 1])) return false;
  return true;
}

std::string model_text(const Document& document, NodeId id, std::size_t adapters) {
  if (document.kind(id) == Kind::object) return "module " + document.class_name(id);
  std::string text = "state_dict";
  if (adapters != 0) text += " with " + std::to_string(adapters) + " tensors of LoRA";
  return text;
}

}  // namespace

NodeId optimizer_inside(const Document& document, NodeId id) {
  if (has_groups(document, id)) return id;
  if (document.kind(id) != Kind::dict) return kNoNode;
  // Sources: apex/fp16_utils/fp16_optimizer.py, megatron/optimizer/optimizer.py,
  // deepspeed/runtime/zero/stage_1_and_2.py and fp16/fused_optimizer.py: the optimizer, its scaler, and 32-bit copies
  // of the parameters.
  constexpr std::array<std::string_view, 3> kInner = {"optimizer_state_dict", "optimizer", "base_optimizer_state"};
  constexpr std::array<std::string_view, 9> kBeside = {
      "fp32_from_fp16", "fp32_from_fp16_params", "fp32_groups_flat", "single_partition_of_fp32_groups", "grad_scaler",
      "loss_scaler",    "dynamic_loss_scale",    "fp32_params",      "param_state_sharding_type"};
  const auto has = [&](std::string_view key) { return document.dict_get(id, key) != kNoNode; };
  if (std::ranges::none_of(kBeside, has)) return kNoNode;
  for (const std::string_view name : kInner)
    if (const NodeId inner = document.dict_get(id, name); inner != kNoNode && has_groups(document, inner)) return inner;
  return kNoNode;
}

bool is_settings_class(std::string_view dotted) {
  constexpr std::array<std::string_view, 18> kNames = {"argparse.Namespace",
                                                       "types.SimpleNamespace",
                                                       "omegaconf.dictconfig.DictConfig",
                                                       "omegaconf.listconfig.ListConfig",
                                                       "pytorch_lightning.utilities.parsing.AttributeDict",
                                                       "lightning.pytorch.utilities.parsing.AttributeDict",
                                                       "lightning.fabric.utilities.data.AttributeDict",
                                                       "lightning_fabric.utilities.data.AttributeDict",
                                                       "easydict.EasyDict",
                                                       "ml_collections.config_dict.config_dict.ConfigDict",
                                                       "munch.Munch",
                                                       "munch.munch_.Munch",
                                                       "addict.addict.Dict",
                                                       "mmcv.utils.config.ConfigDict",
                                                       "mmengine.config.config.ConfigDict",
                                                       "yacs.config.CfgNode",
                                                       "box.box.Box",
                                                       "transformers.training_args.TrainingArguments"};
  if (std::ranges::find(kNames, dotted) != kNames.end()) return true;
  const std::string_view last = dotted.substr(dotted.rfind('.') == std::string_view::npos ? 0 : dotted.rfind('.') + 1);
  constexpr std::array<std::string_view, 12> kEnds = {"Config",  "Args",    "Arguments", "Params",
                                                      "HParams", "Hparams", "CfgNode",   "Settings",
                                                      "Options", "Cfg",     "Namespace", "AttributeDict"};
  return std::ranges::any_of(kEnds, [&](std::string_view end) { return last.ends_with(end); });
}

std::optional<Recognised> recognise(const Document& document, NodeId id, std::string_view key) {
  const Kind kind = document.kind(id);
  if (kind == Kind::tensor || tree::is_sequence(kind) || kind == Kind::dict)
    if (std::string whose = random_state(document, id, key); !whose.empty()) return Recognised{PartKind::rng, whose};
  if (kind != Kind::dict && kind != Kind::object) return std::nullopt;
  if (optimizer_inside(document, id) != kNoNode || is_fastai_optimizer(document, id))
    return Recognised{PartKind::optimizer, "optimizer"};
  if (std::string name = scheduler_name(document, id); !name.empty()) return Recognised{PartKind::scheduler, name};
  if (auto scaler = recognise_scaler(document, id)) return scaler;
  if (is_loader_state(document, id)) return Recognised{PartKind::data, "DataLoader or sampler"};
  if (auto ema = recognise_ema(document, id)) return ema;
  if (!is_handful_of_numbers(document, id) && model::is_model(document, id)) {
    const AdapterCount adapters = count_adapters(document, id);
    if (adapters.all()) return Recognised{PartKind::adapter, adapters.what};
    return Recognised{PartKind::model, model_text(document, id, adapters.tensors)};
  }
  if (kind == Kind::object && is_settings_class(document.class_name(id)))
    return Recognised{PartKind::hyper_parameters, document.class_name(id)};
  return std::nullopt;
}

}  // namespace sconce::model::training
