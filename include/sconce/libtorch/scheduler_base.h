// What all schedulers of scheduler.h have in common: a place in the run, learning rates, and Python's state_dict.
//
// A scheduler of your own derives from LRScheduler: get_lr() gives the learning rates of the next step from
// `last_epoch_` and current(), visit_settings() names what is saved, and its constructor ends with initial_step().
//
// Lifetime: the optimizer must outlive its scheduler. Thread rule: one thread at a time for an optimizer and its
// schedulers. Learning rates are one for each parameter group, in the order of the groups; epochs are counted in calls
// of step(). Source: torch/optim/lr_scheduler.py of 1.13 and 2.13.
#pragma once

#include <torch/optim/optimizer.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sconce/checkpoint.h>
#include <sconce/libtorch/detail/cycles.h>
#include <sconce/libtorch/detail/scheduler_fields.h>
#include <sconce/libtorch/optimizer.h>
#include <sconce/value.h>

namespace sconce::inline v0::libtorch {

/// What all schedulers have: a state that Python's class of the same name understands.
class SchedulerState {
 public:
  virtual ~SchedulerState() = default;
  SchedulerState(const SchedulerState&) = delete;
  SchedulerState& operator=(const SchedulerState&) = delete;

  /// How often it was stepped: 0 after construction.
  [[nodiscard]] std::int64_t last_epoch() const noexcept { return last_epoch_; }
  /// The learning rate of each group, as last set.
  [[nodiscard]] const std::vector<double>& get_last_lr() const noexcept { return last_lr_; }

  /// Python's state_dict(): the settings, where it is, and what the loaded file had besides.
  [[nodiscard]] Value state_dict() const {
    detail::SchedulerFields fields(detail::SchedulerFields::Task::write, kept_);
    const_cast<SchedulerState*>(this)->visit(fields);  // writing changes nothing
    Checkpoint holder;
    holder.set_root(fields.finish());
    return holder.root();
  }

  /// Python's load_state_dict(): settings and place become those of the file; learning rates are the optimizer's, which
  /// is loaded by itself. All or nothing. Errors: `invalid_argument` with everything that does not fit.
  void load_state_dict(const Value& saved) {
    detail::Findings findings;
    if (!saved.is_dict()) {
      findings.wrong("wrong-state", "", "expected a scheduler's state_dict, found " + detail::shown(saved));
    } else if (const auto cycle = detail::find_cycle(saved)) {
      findings.wrong("cycle", *cycle, "leads back to what contains it");
    } else {
      detail::SchedulerFields check(detail::SchedulerFields::Task::check, saved);
      visit(check);
      findings = check.findings();
    }
    if (findings.any_wrong())
      detail::refuse("this state does not fit " + name_, findings.list(), findings.wrong_count(),
                     ErrorCode::invalid_argument, "load it into the class that saved it");
    Checkpoint holder;
    holder.set_root(saved);
    Value kept = holder.root();
    detail::SchedulerFields take(detail::SchedulerFields::Task::take, kept);
    visit(take);
    kept_ = std::move(kept);
  }

 protected:
  SchedulerState(std::string name, ::torch::optim::Optimizer& optimizer)
      : optimizer_(&optimizer), last_lr_(current()), name_(std::move(name)) {}

  virtual void visit(detail::SchedulerFields& fields) = 0;

  [[nodiscard]] std::vector<double> current() const {
    std::vector<double> rates;
    for (const auto& group : optimizer_->param_groups()) rates.push_back(group.options().get_lr());
    return rates;
  }
  void set(const std::vector<double>& rates) {
    auto& groups = optimizer_->param_groups();
    for (std::size_t at = 0; at < groups.size() && at < rates.size(); ++at) groups[at].options().set_lr(rates[at]);
    last_lr_ = current();
  }
  [[nodiscard]] std::size_t groups() const noexcept { return optimizer_->param_groups().size(); }
  /// Of the arguments of constructors, where Python raises ValueError.
  void demand(bool holds, std::string_view what) const {
    if (!holds) throw Error(ErrorCode::invalid_argument, name_ + ": " + std::string(what));
  }

  ::torch::optim::Optimizer* optimizer_;
  std::int64_t last_epoch_ = 0;
  std::vector<double> last_lr_;

 private:
  std::string name_;
  std::optional<Value> kept_;  // as it was loaded
};

/// Schedulers that are stepped without a metric: torch.optim.lr_scheduler.LRScheduler.
class LRScheduler : public SchedulerState {
 public:
  /// After the optimizer's step(), once an epoch or batch.
  virtual void step() {
    ++step_count_;
    ++last_epoch_;
    set(get_lr());
  }
  /// The learning rates from which it started, one for each group.
  [[nodiscard]] const std::vector<double>& base_lrs() const noexcept { return base_lrs_; }

  /// Writes them into the groups' `initial_lr`, as Python's schedulers do: for state_dict(optimizer, extras).
  void note_initial_lr(OptimizerExtras& extras) const {
    extras.groups.resize(std::max(extras.groups.size(), base_lrs_.size()));
    for (std::size_t at = 0; at < base_lrs_.size(); ++at) {
      auto& group = extras.groups[at];
      if (!group) {
        Checkpoint holder;
        holder.set_root(Literal::dict());
        group = holder.root();
      }
      if (!group->contains("initial_lr")) group->set("initial_lr", base_lrs_[at]);
    }
  }

 protected:
  LRScheduler(std::string name, ::torch::optim::Optimizer& optimizer)
      : SchedulerState(std::move(name), optimizer), base_lrs_(current()) {}

  /// Of the next step, from `last_epoch_` and the current learning rates.
  [[nodiscard]] virtual std::vector<double> get_lr() const = 0;
  virtual void visit_settings(detail::SchedulerFields& fields) = 0;

  /// Python's constructor ends with a first step, which is epoch 0. To be called by the constructors of final classes.
  void initial_step() {
    step_count_ = 1;
    set(get_lr());
  }
  /// The current learning rates, each times `factor`.
  [[nodiscard]] std::vector<double> scaled(double factor) const {
    std::vector<double> rates = current();
    for (double& rate : rates) rate *= factor;
    return rates;
  }

  void visit(detail::SchedulerFields& fields) override {
    visit_settings(fields);
    fields.numbers("base_lrs", base_lrs_, groups());
    fields.integer("last_epoch", last_epoch_, -1);
    fields.integer("_step_count", step_count_, 0, true);
    fields.constant("_is_initial", false);
    fields.constant("_get_lr_called_within_step", false);
    fields.numbers("_last_lr", last_lr_, groups(), true);
  }

  std::vector<double> base_lrs_;
  std::int64_t step_count_ = 0;
};

/// Python's state_dict() of a scheduler, beside those of modules and optimizers.
[[nodiscard]] inline Value state_dict(const SchedulerState& scheduler) { return scheduler.state_dict(); }
/// Python's load_state_dict(). All or nothing. Errors: `invalid_argument` with everything that does not fit.
inline void load_into(SchedulerState& scheduler, const Value& saved) { scheduler.load_state_dict(saved); }

}  // namespace sconce::inline v0::libtorch
