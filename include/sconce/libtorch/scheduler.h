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

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <numbers>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sconce/checkpoint.h>
#include <sconce/libtorch/detail/cycles.h>
#include <sconce/libtorch/detail/findings.h>
#include <sconce/libtorch/optimizer.h>
#include <sconce/value.h>

namespace sconce::inline v0::libtorch {

namespace detail {

/// Visits what a scheduler saves: writes it, checks what a file has, or takes it. Checking comes before taking, so that
/// a state that does not fit changes nothing.
class SchedulerFields {
 public:
  enum class Task : std::uint8_t { write, check, take };

  SchedulerFields(Task task, std::optional<Value> saved) : task_(task), saved_(std::move(saved)) {}

  void number(std::string_view key, double& value, const Range& range = kFinite) {
    if (task_ == Task::write) return put(key, same(key, value) ? Literal(*saved_->find(key)) : Literal(value));
    const auto found = find(key);
    const auto number = found ? number_in(*found) : std::nullopt;
    if (found && (!number || !range.holds(*number))) return expected(key, range.words, *found);
    if (found && task_ == Task::take) value = *number;
  }
  void integer(std::string_view key, std::int64_t& value, std::int64_t least, bool may_lack = false) {
    if (task_ == Task::write) return put(key, static_cast<long long>(value));
    const auto found = find(key, may_lack);
    const auto number = found ? whole_number_in(*found, least) : std::nullopt;
    if (found && !number) return expected(key, "a whole number of at least " + std::to_string(least), *found);
    if (found && task_ == Task::take) value = *number;
  }
  /// `count` numbers; where older files have none, `value` stays.
  void numbers(std::string_view key, std::vector<double>& value, std::size_t count, bool may_lack = false) {
    if (task_ == Task::write) return put(key, Literal(value));
    const auto found = find(key, may_lack);
    if (!found) return;
    if ((found->kind() != Kind::list && found->kind() != Kind::tuple) || found->size() != count)
      return expected(key, "a list of " + std::to_string(count) + " numbers, one for each parameter group", *found);
    std::vector<double> numbers;
    for (const Value& element : found->elements()) {
      const auto number = number_in(element);
      if (!number || !kFinite.holds(*number)) return expected(key, kFinite.words, element);
      numbers.push_back(*number);
    }
    if (task_ == Task::take) value = std::move(numbers);
  }
  /// One of a few words.
  void word(std::string_view key, std::string& value, std::initializer_list<std::string_view> words) {
    if (task_ == Task::write) return put(key, std::string_view(value));
    const auto found = find(key);
    if (!found) return;
    if (found->kind() != Kind::str || std::find(words.begin(), words.end(), found->as_str()) == words.end())
      return expected(key, "'" + std::string(*words.begin()) + "' or '" + std::string(*(words.end() - 1)) + "'",
                      *found);
    if (task_ == Task::take) value = std::string(found->as_str());
  }
  /// Python's Counter of epochs; a list in files before 1.2.
  void counter(std::string_view key, std::map<std::int64_t, std::int64_t>& value) {
    std::map<std::int64_t, std::int64_t> counts;
    if (task_ == Task::write) {
      // What was a Counter stays one.
      if (const auto kept = saved_ ? saved_->find(key) : std::nullopt;
          kept && read_counter(*kept, counts) && counts == value)
        return put(key, *kept);
      std::vector<Literal::Entry> entries;
      for (const auto& [epoch, times] : value)
        entries.emplace_back(static_cast<long long>(epoch), static_cast<long long>(times));
      return put(key, Literal::dict(std::move(entries)));
    }
    const auto found = find(key);
    if (found && !read_counter(*found, counts)) return expected(key, "epochs and how often each counts", *found);
    if (found && task_ == Task::take) value = std::move(counts);
  }
  /// What Python keeps for itself: for states that no Python has seen. Its versions do not agree on these.
  void constant(std::string_view key, Literal value) {
    if (task_ == Task::write && !saved_) put(key, std::move(value));
  }
  [[nodiscard]] Findings& findings() noexcept { return findings_; }
  /// All that was written, and what else the file had.
  [[nodiscard]] Literal finish() {
    if (saved_)
      for (const auto& [key, value] : saved_->items())
        if (key.kind() == Kind::str && std::find(keys_.begin(), keys_.end(), key.as_str()) == keys_.end())
          put(key.as_str(), value);
    return Literal::dict(std::move(entries_));
  }

 private:
  std::optional<Value> find(std::string_view key, bool may_lack = false) {
    auto found = saved_->find(key);
    if (!found && !may_lack) findings_.wrong("missing-entry", std::string(key), "is missing");
    return found;
  }
  void expected(std::string_view key, std::string_view what, const Value& found) {
    findings_.wrong("bad-setting", std::string(key), "expected " + std::string(what) + ", found " + shown(found));
  }
  [[nodiscard]] bool same(std::string_view key, double value) const {
    const auto kept = saved_ ? saved_->find(key) : std::nullopt;
    return kept && number_in(*kept) == value;
  }
  static bool read_counter(const Value& from, std::map<std::int64_t, std::int64_t>& into) {
    if (from.kind() == Kind::list || from.kind() == Kind::tuple) {
      for (const Value& epoch : from.elements()) {
        const auto number = whole_number_in(epoch);
        if (!number) return false;
        ++into[*number];
      }
      return true;
    }
    if (!from.is_dict()) return false;
    for (const auto& [key, times] : from.items()) {
      const auto epoch = whole_number_in(key), count = whole_number_in(times);
      if (!epoch || !count) return false;
      into[*epoch] = *count;
    }
    return true;
  }
  void put(std::string_view key, Literal value) {
    keys_.emplace_back(key);
    entries_.emplace_back(Literal(key), std::move(value));
  }

  Task task_;
  std::optional<Value> saved_;
  Findings findings_;
  std::vector<std::string> keys_;
  std::vector<Literal::Entry> entries_;
};

}  // namespace detail

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

/// Python's state_dict() of a scheduler, beside those of modules and optimizers.
[[nodiscard]] inline Value state_dict(const SchedulerState& scheduler) { return scheduler.state_dict(); }
inline void load_into(SchedulerState& scheduler, const Value& saved) { scheduler.load_state_dict(saved); }

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
