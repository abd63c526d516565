// A whole training state in one call, in the shape that Python's users save and load:
//
//   sconce::libtorch::save("run.pt", {{"model", model}, {"optimizer", optimizer}, {"scheduler", scheduler},
//                                     {"rng_state", sconce::libtorch::rng_state()}, {"epoch", 3}});
//
// torch.load("run.pt", weights_only=True) gives a plain dict, whose parts go into load_state_dict() of the same
// classes. What needs more (another order, extras of an optimizer) is written by hand: `fresh["model"] =
// state_dict(model)`.
#pragma once

#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

#include <concepts>
#include <string>
#include <utility>
#include <vector>

#include <sconce/checkpoint.h>
#include <sconce/libtorch/module.h>
#include <sconce/libtorch/optimizer.h>
#include <sconce/libtorch/scheduler.h>
#include <sconce/libtorch/tensor.h>
#include <sconce/save.h>
#include <sconce/value.h>

namespace sconce::inline v0::libtorch {

/// One entry of a training state. Modules, optimizers and schedulers are taken as their state_dict; tensors of libtorch
/// share their memory; everything else is what a tree can hold.
struct TrainingEntry {
  std::string name;
  Literal value;

  template <ModuleLike Model>
  TrainingEntry(std::string key, const Model& model) : name(std::move(key)), value(state_dict(module_of(model))) {}
  TrainingEntry(std::string key, const ::torch::optim::Optimizer& optimizer, const OptimizerExtras& extras = {})
      : name(std::move(key)), value(state_dict(optimizer, extras)) {}
  TrainingEntry(std::string key, const SchedulerState& scheduler)
      : name(std::move(key)), value(scheduler.state_dict()) {}
  TrainingEntry(std::string key, const ::at::Tensor& tensor)
      : name(std::move(key)), value(from_tensor(tensor.detach())) {}
  TrainingEntry(std::string key, Literal literal) : name(std::move(key)), value(std::move(literal)) {}
};

/// The entries as a dict, to be looked at, changed or saved.
[[nodiscard]] inline Checkpoint training_checkpoint(std::vector<TrainingEntry> entries) {
  std::vector<Literal::Entry> items;
  for (TrainingEntry& entry : entries) items.emplace_back(Literal(std::move(entry.name)), std::move(entry.value));
  Checkpoint made;
  made.set_root(Literal::dict(std::move(items)));
  return made;
}

/// Writes a dict of the entries, in their order. Errors: those of sconce::save().
inline SaveReport save(const std::string& path, std::vector<TrainingEntry> entries, const SaveOptions& options = {}) {
  return sconce::save(training_checkpoint(std::move(entries)), path, options);
}

/// Writes a module's state_dict, as `torch.save(model.state_dict(), path)`.
template <ModuleLike Model>
SaveReport save(const Model& model, const std::string& path, const SaveOptions& options = {}) {
  Checkpoint made;
  made.set_root(state_dict(module_of(model)));
  return sconce::save(made, path, options);
}

/// Writes {"model": …, "optimizer": …}, with the extras that load_into() gave.
template <ModuleLike Model>
SaveReport save(const Model& model, const ::torch::optim::Optimizer& optimizer, const std::string& path,
                const OptimizerExtras& extras = {}, const SaveOptions& options = {}) {
  return save(path, {{"model", model}, {"optimizer", optimizer, extras}}, options);
}

/// Writes {"model": …, "optimizer": …, "scheduler": …}; the groups have `initial_lr`, as Python's schedulers leave it.
template <ModuleLike Model>
SaveReport save(const Model& model, const ::torch::optim::Optimizer& optimizer, const LRScheduler& scheduler,
                const std::string& path, OptimizerExtras extras = {}, const SaveOptions& options = {}) {
  scheduler.note_initial_lr(extras);
  return save(path, {{"model", model}, {"optimizer", optimizer, extras}, {"scheduler", scheduler}}, options);
}

}  // namespace sconce::inline v0::libtorch
