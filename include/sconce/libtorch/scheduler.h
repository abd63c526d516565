// Learning rate schedulers that go on where Python's stopped, and the other way round.
//
// libtorch has StepLR and (from 2.x on) ReduceLROnPlateauScheduler. Neither shows its settings or can be told where it
// is, and its StepLR counts otherwise: the first step() in C++ is what Python does in the constructor, so every decay
// comes one step later. These classes do what Python's do, operation by operation, so that learning rates are the same
// to the last bit, and have Python's state_dict() and load_state_dict() of PyTorch 1.0 … 2.14.
//
//   sconce::libtorch::StepLR scheduler(optimizer, 30, 0.1);
//   load_into(optimizer, checkpoint["optimizer"]);
//   scheduler.load_state_dict(checkpoint["scheduler"]);
//
// As in Python, make the scheduler before the optimizer is loaded: the constructor sets the first learning rates.
//
// Lifetime: the optimizer must outlive its scheduler. Thread rule: one thread at a time for an optimizer and its
// schedulers. Source: torch/optim/lr_scheduler.py of 1.13 and 2.13, which agree in every formula used here.
#pragma once

#include <torch/optim/optimizer.h>
#include <torch/optim/schedulers/step_lr.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include <sconce/error.h>
#include <sconce/libtorch/scheduler_base.h>

namespace sconce::inline v0::libtorch {

/// Times `gamma` every `step_size` epochs.
class StepLR final : public LRScheduler {
 public:
  StepLR(::torch::optim::Optimizer& optimizer, std::int64_t step_size, double gamma = 0.1)
      : LRScheduler("StepLR", optimizer), step_size_(step_size), gamma_(gamma) {
    demand(step_size >= 1, "step_size is at least 1");
    initial_step();
  }

 private:
  std::vector<double> get_lr() const override {
    return last_epoch_ == 0 || last_epoch_ % step_size_ != 0 ? current() : scaled(gamma_);
  }
  void visit_settings(detail::SchedulerFields& fields) override {
    fields.integer("step_size", step_size_, 1);
    fields.number("gamma", gamma_);
  }
  std::int64_t step_size_;
  double gamma_;
};

/// Times `gamma` at each of the milestones.
class MultiStepLR final : public LRScheduler {
 public:
  MultiStepLR(::torch::optim::Optimizer& optimizer, const std::vector<std::int64_t>& milestones, double gamma = 0.1)
      : LRScheduler("MultiStepLR", optimizer), gamma_(gamma) {
    for (const std::int64_t epoch : milestones) ++milestones_[epoch];
    initial_step();
  }

 private:
  std::vector<double> get_lr() const override {
    const auto found = milestones_.find(last_epoch_);
    if (found == milestones_.end()) return current();
    return scaled(std::pow(gamma_, static_cast<double>(found->second)));
  }
  void visit_settings(detail::SchedulerFields& fields) override {
    fields.counter("milestones", milestones_);
    fields.number("gamma", gamma_);
  }
  std::map<std::int64_t, std::int64_t> milestones_;
  double gamma_;
};

/// Times `gamma` every epoch.
class ExponentialLR final : public LRScheduler {
 public:
  ExponentialLR(::torch::optim::Optimizer& optimizer, double gamma)
      : LRScheduler("ExponentialLR", optimizer), gamma_(gamma) {
    initial_step();
  }

 private:
  std::vector<double> get_lr() const override { return last_epoch_ == 0 ? current() : scaled(gamma_); }
  void visit_settings(detail::SchedulerFields& fields) override { fields.number("gamma", gamma_); }
  double gamma_;
};

/// Times `factor` until `total_iters` epochs are over.
class ConstantLR final : public LRScheduler {
 public:
  explicit ConstantLR(::torch::optim::Optimizer& optimizer, double factor = 1.0 / 3, std::int64_t total_iters = 5)
      : LRScheduler("ConstantLR", optimizer), factor_(factor), total_iters_(total_iters) {
    initial_step();
  }

 private:
  std::vector<double> get_lr() const override {
    if (last_epoch_ == 0) return scaled(factor_);
    return last_epoch_ == total_iters_ ? scaled(1.0 / factor_) : current();
  }
  void visit_settings(detail::SchedulerFields& fields) override {
    fields.number("factor", factor_);
    fields.integer("total_iters", total_iters_, 0);
  }
  double factor_;
  std::int64_t total_iters_;
};

/// From `start_factor` to `end_factor` in `total_iters` epochs, in a straight line: the usual warm-up.
class LinearLR final : public LRScheduler {
 public:
  explicit LinearLR(::torch::optim::Optimizer& optimizer, double start_factor = 1.0 / 3, double end_factor = 1.0,
                    std::int64_t total_iters = 5)
      : LRScheduler("LinearLR", optimizer), start_(start_factor), end_(end_factor), total_iters_(total_iters) {
    initial_step();
  }

 private:
  std::vector<double> get_lr() const override {
    if (last_epoch_ == 0) return scaled(start_);
    if (last_epoch_ > total_iters_) return current();
    const double before =
        static_cast<double>(total_iters_) * start_ + static_cast<double>(last_epoch_ - 1) * (end_ - start_);
    return scaled(1.0 + (end_ - start_) / before);
  }
  void visit_settings(detail::SchedulerFields& fields) override {
    fields.number("start_factor", start_);
    fields.number("end_factor", end_);
    fields.integer("total_iters", total_iters_, 0);
  }
  double start_, end_;
  std::int64_t total_iters_;
};

/// To zero in `total_iters` epochs, by a polynomial.
class PolynomialLR final : public LRScheduler {
 public:
  explicit PolynomialLR(::torch::optim::Optimizer& optimizer, std::int64_t total_iters = 5, double power = 1.0)
      : LRScheduler("PolynomialLR", optimizer), total_iters_(total_iters), power_(power) {
    initial_step();
  }

 private:
  std::vector<double> get_lr() const override {
    if (last_epoch_ == 0 || last_epoch_ > total_iters_) return current();
    const auto total = static_cast<double>(total_iters_), epoch = static_cast<double>(last_epoch_);
    return scaled(std::pow((1.0 - epoch / total) / (1.0 - (epoch - 1) / total), power_));
  }
  void visit_settings(detail::SchedulerFields& fields) override {
    fields.integer("total_iters", total_iters_, 0);
    fields.number("power", power_);
  }
  std::int64_t total_iters_;
  double power_;
};

/// Half a cosine from the first learning rate to `eta_min` in `T_max` epochs, and back.
class CosineAnnealingLR final : public LRScheduler {
 public:
  CosineAnnealingLR(::torch::optim::Optimizer& optimizer, std::int64_t T_max, double eta_min = 0)
      : LRScheduler("CosineAnnealingLR", optimizer), t_max_(T_max), eta_min_(eta_min) {
    demand(T_max >= 1, "T_max is at least 1");
    initial_step();
  }

 private:
  std::vector<double> get_lr() const override {
    std::vector<double> rates = current();
    if (last_epoch_ == 0) return rates;
    const auto whole = static_cast<double>(t_max_), epoch = static_cast<double>(last_epoch_);
    for (std::size_t at = 0; at < rates.size(); ++at) {
      if (step_count_ == 1)
        rates[at] = eta_min_ + (base_lrs_[at] - eta_min_) * (1 + std::cos(epoch * std::numbers::pi / whole)) / 2;
      else if ((last_epoch_ - 1 - t_max_) % (2 * t_max_) == 0)
        rates[at] = rates[at] + (base_lrs_[at] - eta_min_) * (1 - std::cos(std::numbers::pi / whole)) / 2;
      else
        rates[at] = (1 + std::cos(std::numbers::pi * epoch / whole)) /
                        (1 + std::cos(std::numbers::pi * (epoch - 1) / whole)) * (rates[at] - eta_min_) +
                    eta_min_;
    }
    return rates;
  }
  void visit_settings(detail::SchedulerFields& fields) override {
    fields.integer("T_max", t_max_, 1);
    fields.number("eta_min", eta_min_);
  }
  std::int64_t t_max_;
  double eta_min_;
};

/// Half a cosine again and again, each time `T_mult` times as long; the first takes `T_0` epochs.
class CosineAnnealingWarmRestarts final : public LRScheduler {
 public:
  CosineAnnealingWarmRestarts(::torch::optim::Optimizer& optimizer, std::int64_t T_0, std::int64_t T_mult = 1,
                              double eta_min = 0)
      : LRScheduler("CosineAnnealingWarmRestarts", optimizer),
        t_0_(T_0),
        t_i_(T_0),
        t_mult_(T_mult),
        eta_min_(eta_min) {
    demand(T_0 >= 1 && T_mult >= 1, "T_0 and T_mult are at least 1");
    initial_step();
    step_count_ = 0;  // Python's never counts
  }

  void step() override {
    ++last_epoch_;
    if (++t_cur_ >= static_cast<double>(t_i_)) {
      t_cur_ -= static_cast<double>(t_i_);
      t_i_ = std::min(t_i_, kLongest / t_mult_) * t_mult_;
    }
    set(get_lr());
  }

 private:
  std::vector<double> get_lr() const override {
    std::vector<double> rates = base_lrs_;
    const double wave = 1 + std::cos(std::numbers::pi * t_cur_ / static_cast<double>(t_i_));
    for (double& rate : rates) rate = eta_min_ + (rate - eta_min_) * wave / 2;
    return rates;
  }
  void visit_settings(detail::SchedulerFields& fields) override {
    fields.integer("T_0", t_0_, 1);
    fields.integer("T_i", t_i_, 1);
    fields.integer("T_mult", t_mult_, 1);
    fields.number("eta_min", eta_min_);
    fields.number("T_cur", t_cur_);
  }
  static constexpr std::int64_t kLongest = std::int64_t{1} << 53;  // of a hostile file; epochs never come so far
  std::int64_t t_0_, t_i_, t_mult_;
  double eta_min_, t_cur_ = 0;
};

/// Functions of the epoch that the first learning rates are multiplied by. A file cannot hold them: give the same ones.
class LambdaLR final : public LRScheduler {
 public:
  using Function = std::function<double(std::int64_t epoch)>;
  LambdaLR(::torch::optim::Optimizer& optimizer, const Function& lr_lambda)
      : LambdaLR(optimizer, std::vector<Function>(optimizer.param_groups().size(), lr_lambda)) {}
  /// One for each group. Errors: `invalid_argument` where they are not as many.
  LambdaLR(::torch::optim::Optimizer& optimizer, std::vector<Function> lr_lambdas)
      : LRScheduler("LambdaLR", optimizer), functions_(std::move(lr_lambdas)) {
    demand(functions_.size() == groups(), "there is one function for each parameter group");
    initial_step();
  }

 private:
  std::vector<double> get_lr() const override {
    std::vector<double> rates = base_lrs_;
    for (std::size_t at = 0; at < rates.size(); ++at) rates[at] *= functions_[at](last_epoch_);
    return rates;
  }
  void visit_settings(detail::SchedulerFields& fields) override {
    fields.constant("lr_lambdas", Literal::list(std::vector<Literal>(functions_.size())));
  }
  std::vector<Function> functions_;
};

/// Times `factor` when a metric has not become better for `patience` epochs.
class ReduceLROnPlateau final : public SchedulerState {
 public:
  /// Python's arguments, by their names.
  struct Options {
    std::string mode = "min";  ///< or "max"
    double factor = 0.1;
    std::int64_t patience = 10;
    double threshold = 1e-4;
    std::string threshold_mode = "rel";  ///< or "abs"
    std::int64_t cooldown = 0;
    std::vector<double> min_lr;  ///< one for each group; empty: 0 for all
    double eps = 1e-8;
  };
  /// Errors: `invalid_argument` where Python raises ValueError.
  explicit ReduceLROnPlateau(::torch::optim::Optimizer& optimizer, Options options)
      : SchedulerState("ReduceLROnPlateau", optimizer), options_(std::move(options)) {
    if (options_.min_lr.empty()) options_.min_lr.assign(groups(), 0.0);
    demand(options_.mode == "min" || options_.mode == "max", "mode is \"min\" or \"max\"");
    demand(options_.threshold_mode == "rel" || options_.threshold_mode == "abs",
           "threshold_mode is \"rel\" or \"abs\"");
    demand(options_.factor < 1.0, "factor is below 1");
    demand(options_.min_lr.size() == groups(), "there is one min_lr for each parameter group");
    best_ = worst();
  }
  explicit ReduceLROnPlateau(::torch::optim::Optimizer& optimizer) : ReduceLROnPlateau(optimizer, Options()) {}

  void step(double metric) {
    ++last_epoch_;
    if (is_better(metric)) {
      best_ = metric;
      bad_epochs_ = 0;
    } else {
      ++bad_epochs_;
    }
    if (cooldown_counter_ > 0) {
      --cooldown_counter_;
      bad_epochs_ = 0;
    }
    if (bad_epochs_ > options_.patience) {
      reduce();
      cooldown_counter_ = options_.cooldown;
      bad_epochs_ = 0;
    }
    last_lr_ = current();
  }

 private:
  [[nodiscard]] double worst() const {
    const double infinity = std::numeric_limits<double>::infinity();
    return options_.mode == "min" ? infinity : -infinity;
  }
  [[nodiscard]] bool is_better(double metric) const {
    const bool relative = options_.threshold_mode == "rel";
    if (options_.mode == "min")
      return metric < (relative ? best_ * (1.0 - options_.threshold) : best_ - options_.threshold);
    return metric > (relative ? best_ * (options_.threshold + 1.0) : best_ + options_.threshold);
  }
  void reduce() {
    std::vector<double> rates = current();
    for (std::size_t at = 0; at < rates.size(); ++at) {
      const double next = std::max(rates[at] * options_.factor, options_.min_lr[at]);
      if (rates[at] - next > options_.eps) rates[at] = next;
    }
    set(rates);
  }
  void visit(detail::SchedulerFields& fields) override {
    fields.number("factor", options_.factor, {-HUGE_VAL, 1.0, "a number below 1"});
    const auto& least = options_.min_lr;
    const bool zeros = std::all_of(least.begin(), least.end(), [](double rate) { return rate == 0; });
    fields.constant("default_min_lr", zeros ? Literal(0) : Literal(nullptr));
    fields.numbers("min_lrs", options_.min_lr, groups());
    fields.integer("patience", options_.patience, 0);
    fields.integer("cooldown", options_.cooldown, 0);
    fields.number("eps", options_.eps);
    fields.integer("last_epoch", last_epoch_, -1);
    fields.numbers("_last_lr", last_lr_, groups(), true);
    fields.constant("mode_worse", worst());
    fields.word("mode", options_.mode, {"min", "max"});
    fields.number("threshold", options_.threshold);
    fields.word("threshold_mode", options_.threshold_mode, {"rel", "abs"});
    fields.number("best", best_, detail::kAnyNumber);
    fields.integer("cooldown_counter", cooldown_counter_, 0);
    fields.integer("num_bad_epochs", bad_epochs_, 0);
  }

  Options options_;
  double best_;
  std::int64_t cooldown_counter_ = 0;
  std::int64_t bad_epochs_ = 0;
};

namespace detail {
struct StepCount : ::torch::optim::StepLR {
  static unsigned& of(::torch::optim::LRScheduler& scheduler) { return scheduler.*(&StepCount::step_count_); }
};
}  // namespace detail

/// Python's `last_epoch` of libtorch's own schedulers, whose first step() is epoch 0; -1 before it.
[[nodiscard]] inline std::int64_t last_epoch(::torch::optim::LRScheduler& scheduler) {
  return static_cast<std::int64_t>(detail::StepCount::of(scheduler)) - 1;
}
/// Makes libtorch's own scheduler go on after that epoch of Python's: `checkpoint["scheduler"]["last_epoch"]`. Its
/// settings are those that it was made with. Errors: `invalid_argument` below -1.
inline void set_last_epoch(::torch::optim::LRScheduler& scheduler, std::int64_t epoch) {
  if (epoch < -1 || epoch >= std::numeric_limits<unsigned>::max())
    throw Error(ErrorCode::invalid_argument, "no epoch: " + std::to_string(epoch));
  detail::StepCount::of(scheduler) = static_cast<unsigned>(epoch + 1);
}

}  // namespace sconce::inline v0::libtorch
