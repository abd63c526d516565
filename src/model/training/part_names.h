// What keys say of what is under them.
#pragma once

#include <optional>
#include <string_view>

#include <sconce/training.h>

namespace sconce::model::training {

/// The kind of part that people keep under a key of this name: "optimizer_G", "lr_schedulers", "train_args" …
[[nodiscard]] std::optional<PartKind> kind_by_name(std::string_view key);

/// Whether a number under this key says how far training was: "epoch", "global_step", "best_acc1" …
[[nodiscard]] bool is_progress_name(std::string_view key);

/// Whether a model under this path follows another one: some step of it says "ema", "swa" …
[[nodiscard]] bool is_average_name(std::string_view path);

}  // namespace sconce::model::training
