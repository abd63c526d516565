// The optimizers that C++ has, each as a table: what a group and a parameter's state hold, under Python's names and in
// Python's order. Readers and writers are visitors of these tables.
//
// Source of the names and defaults: torch/optim/*.py of 1.7, 1.13, 2.6, 2.13 and 2.14, and what those versions saved
// (tests/fixtures/optimizers).
#pragma once

#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/lbfgs.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

#include <cstdint>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>

#include <sconce/error.h>
#include <sconce/libtorch/detail/findings.h>

namespace sconce::inline v0::libtorch::detail {

/// A setting that Python's class has and C++'s has not, with Python's default.
struct PythonSetting {
  enum class Default : std::uint8_t { none, no, yes };
  std::string_view key;
  Default value;
};
inline constexpr auto kNone = PythonSetting::Default::none;
inline constexpr auto kNo = PythonSetting::Default::no;
inline constexpr auto kYes = PythonSetting::Default::yes;

template <typename Optimizer>
struct OptimizerClass;  // no definition: C++ has no such optimizer

template <>
struct OptimizerClass<::torch::optim::SGD> {
  using Options = ::torch::optim::SGDOptions;
  using State = ::torch::optim::SGDParamState;
  static constexpr std::string_view kName = "SGD";
  static constexpr PythonSetting kPythonOnly[] = {
      {"maximize", kNo}, {"foreach", kNone}, {"differentiable", kNo}, {"fused", kNone}};

  template <typename Fields>
  static void group(Options& options, Fields& fields) {
    fields.number("lr", options.lr(), kNotNegative);
    fields.number("momentum", options.momentum(), kNotNegative);
    fields.number("dampening", options.dampening(), kFinite);
    fields.number("weight_decay", options.weight_decay(), kNotNegative);
    fields.flag("nesterov", options.nesterov(), false);
    fields.demand(!options.nesterov() || (options.momentum() > 0 && options.dampening() == 0), "nesterov",
                  "needs a momentum, and no dampening");
  }
  template <typename Fields>
  static void state(State& state, const Options&, Fields& fields) {
    fields.tensor("momentum_buffer", state.momentum_buffer(), false);
  }
  /// Whether C++ would have made this state: a step without momentum leaves none, where 1.13 saves None.
  static bool exists(const State& state) { return state.momentum_buffer().defined(); }
};

/// Adam and AdamW, which differ in nothing that is saved but `decoupled_weight_decay` (from 2.7 on).
template <typename AdamOptions, typename AdamState>
struct AdamClass {
  using Options = AdamOptions;
  using State = AdamState;

  template <typename Fields>
  static void group(Options& options, Fields& fields) {
    fields.number("lr", options.lr(), kNotNegative);
    fields.numbers("betas", options.betas(), kFraction);
    fields.number("eps", options.eps(), kNotNegative);
    fields.number("weight_decay", options.weight_decay(), kNotNegative);
    fields.flag("amsgrad", options.amsgrad(), false);
  }
  template <typename Fields>
  static void state(State& state, const Options& options, Fields& fields) {
    fields.step("step", state.step());
    fields.tensor("exp_avg", state.exp_avg(), true);
    fields.tensor("exp_avg_sq", state.exp_avg_sq(), true);
    fields.tensor("max_exp_avg_sq", state.max_exp_avg_sq(), options.amsgrad());
  }
  static bool exists(const State&) { return true; }
};

template <>
struct OptimizerClass<::torch::optim::Adam> : AdamClass<::torch::optim::AdamOptions, ::torch::optim::AdamParamState> {
  static constexpr std::string_view kName = "Adam";
  static constexpr PythonSetting kPythonOnly[] = {{"maximize", kNo},   {"foreach", kNone},
                                                  {"capturable", kNo}, {"differentiable", kNo},
                                                  {"fused", kNone},    {"decoupled_weight_decay", kNo}};
};

template <>
struct OptimizerClass<::torch::optim::AdamW>
    : AdamClass<::torch::optim::AdamWOptions, ::torch::optim::AdamWParamState> {
  static constexpr std::string_view kName = "AdamW";
  static constexpr PythonSetting kPythonOnly[] = {{"maximize", kNo},   {"foreach", kNone},
                                                  {"capturable", kNo}, {"differentiable", kNo},
                                                  {"fused", kNone},    {"decoupled_weight_decay", kYes}};
};

template <>
struct OptimizerClass<::torch::optim::RMSprop> {
  using Options = ::torch::optim::RMSpropOptions;
  using State = ::torch::optim::RMSpropParamState;
  static constexpr std::string_view kName = "RMSprop";
  static constexpr PythonSetting kPythonOnly[] = {
      {"capturable", kNo}, {"foreach", kNone}, {"maximize", kNo}, {"differentiable", kNo}};

  template <typename Fields>
  static void group(Options& options, Fields& fields) {
    fields.number("lr", options.lr(), kNotNegative);
    fields.number("momentum", options.momentum(), kNotNegative, 0.0);
    fields.number("alpha", options.alpha(), kNotNegative);
    fields.number("eps", options.eps(), kNotNegative);
    fields.flag("centered", options.centered(), false);
    fields.number("weight_decay", options.weight_decay(), kNotNegative);
  }
  template <typename Fields>
  static void state(State& state, const Options& options, Fields& fields) {
    fields.step("step", state.step());
    fields.tensor("square_avg", state.square_avg(), true);
    fields.tensor("momentum_buffer", state.momentum_buffer(), options.momentum() > 0);
    fields.tensor("grad_avg", state.grad_avg(), options.centered());
  }
  static bool exists(const State&) { return true; }
};

template <>
struct OptimizerClass<::torch::optim::Adagrad> {
  using Options = ::torch::optim::AdagradOptions;
  using State = ::torch::optim::AdagradParamState;
  static constexpr std::string_view kName = "Adagrad";
  static constexpr PythonSetting kPythonOnly[] = {
      {"foreach", kNone}, {"maximize", kNo}, {"differentiable", kNo}, {"fused", kNone}};

  template <typename Fields>
  static void group(Options& options, Fields& fields) {
    fields.number("lr", options.lr(), kNotNegative);
    fields.number("lr_decay", options.lr_decay(), kNotNegative);
    fields.number("eps", options.eps(), kNotNegative, 1e-10);
    fields.number("weight_decay", options.weight_decay(), kNotNegative);
    fields.number("initial_accumulator_value", options.initial_accumulator_value(), kNotNegative, 0.0);
  }
  template <typename Fields>
  static void state(State& state, const Options&, Fields& fields) {
    fields.step("step", state.step());
    fields.tensor("sum", state.sum(), true);
  }
  static bool exists(const State&) { return true; }
};

template <>
struct OptimizerClass<::torch::optim::LBFGS> {
  using Options = ::torch::optim::LBFGSOptions;
  using State = ::torch::optim::LBFGSParamState;
  static constexpr std::string_view kName = "LBFGS";
  static constexpr std::span<const PythonSetting> kPythonOnly{};

  template <typename Fields>
  static void group(Options& options, Fields& fields) {
    fields.number("lr", options.lr(), kNotNegative);
    fields.integer("max_iter", options.max_iter());
    fields.maybe_integer("max_eval", options.max_eval());
    fields.number("tolerance_grad", options.tolerance_grad(), kFinite);
    fields.number("tolerance_change", options.tolerance_change(), kFinite);
    fields.integer("history_size", options.history_size());
    fields.maybe_text("line_search_fn", options.line_search_fn(), "strong_wolfe");
  }
  /// The one state of all parameters, which hangs at the first.
  template <typename Fields>
  static void state(State& state, const Options& options, Fields& fields) {
    fields.count("func_evals", state.func_evals());
    fields.count("n_iter", state.n_iter());
    fields.maybe_tensors("al", state.al(), options.history_size());
    const bool begun = state.n_iter() > 0;
    fields.flat("d", state.d(), begun);
    fields.real("t", state.t());
    fields.history("old_dirs", state.old_dirs(), true);
    fields.history("old_stps", state.old_stps(), true);
    fields.history("ro", state.ro(), false);
    fields.demand(state.old_dirs().size() == state.old_stps().size() && state.old_dirs().size() == state.ro().size(),
                  "old_dirs", "has another length than old_stps or ro");
    fields.demand(static_cast<std::int64_t>(state.old_dirs().size()) <= options.history_size(), "old_dirs",
                  "is longer than history_size");
    fields.number_tensor("H_diag", state.H_diag(), begun);
    fields.flat("prev_flat_grad", state.prev_flat_grad(), begun);
    fields.real("prev_loss", state.prev_loss());
  }
  static bool exists(const State&) { return true; }
};

template <typename Optimizer>
inline constexpr bool kIsLbfgs = std::is_same_v<Optimizer, ::torch::optim::LBFGS>;

template <typename Class, typename Given>
auto* as_class(Given& optimizer) {
  return dynamic_cast<std::conditional_t<std::is_const_v<Given>, const Class, Class>*>(&optimizer);
}

/// Calls `visit(optimizer, OptimizerClass)` with the optimizer as what it is. Errors: `unsupported` for a class of the
/// caller's that is derived from none of them.
template <typename Given, typename Visit>
decltype(auto) with_optimizer_class(Given& optimizer, Visit&& visit) {
  namespace optim = ::torch::optim;
  if (auto* it = as_class<optim::Adam>(optimizer)) return visit(*it, OptimizerClass<optim::Adam>());
  if (auto* it = as_class<optim::AdamW>(optimizer)) return visit(*it, OptimizerClass<optim::AdamW>());
  if (auto* it = as_class<optim::SGD>(optimizer)) return visit(*it, OptimizerClass<optim::SGD>());
  if (auto* it = as_class<optim::RMSprop>(optimizer)) return visit(*it, OptimizerClass<optim::RMSprop>());
  if (auto* it = as_class<optim::Adagrad>(optimizer)) return visit(*it, OptimizerClass<optim::Adagrad>());
  if (auto* it = as_class<optim::LBFGS>(optimizer)) return visit(*it, OptimizerClass<optim::LBFGS>());
  throw Error(ErrorCode::unsupported,
              std::string("no way is known to save or load a C++ optimizer of type ") + typeid(optimizer).name(), {},
              "SGD, Adam, AdamW, RMSprop, Adagrad, LBFGS, and classes that are derived from them, are supported");
}

/// The key under which an optimizer keeps the state of a parameter: text of the address in 1.13, the address later.
template <typename Optimizer>
auto state_key(const Optimizer& optimizer, const ::at::Tensor& parameter) {
  using Key = typename std::decay_t<decltype(optimizer.state())>::key_type;
  if constexpr (std::is_same_v<Key, std::string>) {
    std::ostringstream text;
    text << parameter.unsafeGetTensorImpl();
    return text.str();
  } else {
    return static_cast<Key>(parameter.unsafeGetTensorImpl());
  }
}

/// Which optimizer of PyTorch a saved group is of, by keys that no other has; empty where several fit.
inline std::string_view optimizer_by_keys(const Value& group) {
  struct Sign {
    std::string_view key, name;
  };
  static constexpr Sign kSigns[] = {
      {"momentum_decay", "NAdam"}, {"rho", "Adadelta"},          {"lambd", "ASGD"},
      {"etas", "Rprop"},           {"beta2_decay", "Adafactor"}, {"ns_steps", "Muon"},
      {"history_size", "LBFGS"},   {"lr_decay", "Adagrad"},      {"centered", "RMSprop"},
      {"dampening", "SGD"},        {"amsgrad", "Adam or AdamW"},
  };
  for (const Sign& sign : kSigns)
    if (group.contains(sign.key)) return sign.name;
  if (!group.contains("betas")) return {};
  if (!group.contains("weight_decay")) return "SparseAdam";
  // Adam before 0.4 had no `amsgrad` either, but nothing newer than that.
  for (const std::string_view later : {"maximize", "foreach", "capturable", "differentiable"})
    if (group.contains(later)) return "Adamax or RAdam";
  return {};
}

/// The same, where the states have to tell.
inline std::string_view optimizer_of_group(const Value& group, const Value& states) {
  const std::string_view by_keys = optimizer_by_keys(group);
  if ((!by_keys.empty() && by_keys != "Adamax or RAdam") || !states.is_dict()) return by_keys;
  for (const auto& [id, state] : states.items()) {
    if (!state.is_dict() || state.size() == 0) continue;
    if (state.contains("exp_inf")) return "Adamax";
    return !by_keys.empty() && state.contains("exp_avg_sq") ? "RAdam" : by_keys;
  }
  return by_keys;
}

}  // namespace sconce::inline v0::libtorch::detail
