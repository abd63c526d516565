// What a value is by what is in it, whatever it is called.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sconce/training.h>

#include "model/training/fields.h"

namespace sconce::model::training {

struct Recognised {
  PartKind kind = PartKind::other;
  std::string what;
};

/// What a value is for. Nothing where its contents do not say. An empty dict is nothing.
[[nodiscard]] std::optional<Recognised> recognise(const Document& document, NodeId id, std::string_view key);

/// The dict or object that has `param_groups`: the value itself, or what FP16 wrappers (apex, Megatron, fairseq,
/// DeepSpeed) keep inside. kNoNode where it is no optimizer.
[[nodiscard]] NodeId optimizer_inside(const Document& document, NodeId id);

/// "StepLR", "CosineAnnealingLR" …; "scheduler" where it is one that is not known; empty where it is none.
[[nodiscard]] std::string scheduler_name(const Document& document, NodeId id);

/// Whose random state it is: "Python, NumPy, torch"; empty where it is none. The 16 bytes of CUDA's alone could be
/// anything: there the key, or keys inside, must say so.
[[nodiscard]] std::string random_state(const Document& document, NodeId id, std::string_view key);

/// Whether a class is one of settings: argparse.Namespace, OmegaConf's, TrainingArguments …
[[nodiscard]] bool is_settings_class(std::string_view dotted);

}  // namespace sconce::model::training
