#include "model/training/algorithm_of.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <vector>

#include "base/text.h"

namespace sconce::model::training {

namespace {

struct Row {
  std::string_view name;
  std::array<std::string_view, 3> groups;   ///< keys that a group must have
  std::array<std::string_view, 2> states;   ///< keys that a state must have, where there are states
  std::array<std::string_view, 2> without;  ///< keys that neither may have
};

// Sources: torch/optim/*.py 1.7 to 2.14 (the dict `defaults` and what step() puts into `state`); transformers
// optimization.py; fairseq/optim/adafactor.py; bitsandbytes/optim/*.py; apex/optimizers/*.py; timm/optim/*.py; the
// authors' own repositories of Lion, AdaBelief, Prodigy, Sophia, Schedule-Free, Adan. Of two rows that fit, the first
// is right: rows that ask for more come before those that ask for less.
constexpr Row kRows[] = {
    {"LBFGS", {"history_size", "max_iter", "line_search_fn"}, {}, {}},
    {"Muon", {"ns_coefficients", "ns_steps"}, {}, {}},
    {"Muon", {"ns_steps", "momentum"}, {}, {}},
    {"Muon", {"use_muon"}, {}, {}},
    {"Rprop", {"etas", "step_sizes"}, {}, {}},
    {"ASGD", {"lambd", "t0", "alpha"}, {}, {}},
    {"Adadelta", {"rho", "eps"}, {}, {"hessian_power", "update_period"}},
    {"Adagrad", {"lr_decay", "initial_accumulator_value"}, {}, {}},
    {"Adagrad", {"lr_decay"}, {"sum"}, {}},
    {"Adafactor", {"beta2_decay", "d"}, {}, {}},
    {"Adafactor (fairseq, transformers)", {"clip_threshold", "decay_rate", "scale_parameter"}, {}, {}},
    {"NAdam", {"momentum_decay", "betas"}, {}, {}},
    {"NAdam", {"schedule_decay", "betas"}, {}, {}},
    {"Prodigy", {"d0", "d_coef", "betas"}, {}, {}},
    {"D-Adaptation", {"d", "growth_rate", "betas"}, {}, {"d_coef"}},
    {"Schedule-Free AdamW", {"weight_lr_power", "warmup_steps", "betas"}, {}, {}},
    {"Schedule-Free SGD", {"weight_lr_power", "warmup_steps", "momentum"}, {}, {}},
    {"Sophia", {"rho", "betas"}, {"hessian"}, {}},
    {"Adan", {"betas"}, {"exp_avg_diff"}, {}},
    {"AdaBelief", {"betas"}, {"exp_avg_var"}, {}},
    {"AdaBound", {"final_lr", "gamma", "betas"}, {}, {}},
    {"Yogi", {"betas", "initial_accumulator"}, {}, {}},
    {"RAdam", {"betas", "N_sma_threshhold"}, {}, {}},
    {"Adamax", {"betas"}, {"exp_inf"}, {}},
    {"LAMB", {"betas", "max_grad_norm", "grad_averaging"}, {}, {}},
    {"LAMB", {"betas", "trust_clip"}, {}, {}},
    {"LARS", {"momentum", "trust_coefficient"}, {}, {}},
    {"FusedAdam (apex)", {"betas", "bias_correction"}, {}, {"max_grad_norm", "grad_averaging"}},
    {"AdamW (transformers)", {"betas", "correct_bias"}, {}, {}},
    {"RMSprop (TensorFlow's form)", {"alpha", "lr_in_momentum"}, {}, {}},
    {"RMSprop", {"alpha", "centered", "momentum"}, {}, {}},
    {"RMSprop", {"alpha", "eps"}, {"square_avg"}, {}},
    {"SparseAdam", {"betas", "eps"}, {"exp_avg", "exp_avg_sq"}, {"amsgrad", "weight_decay"}},
    {"SGD", {"momentum", "dampening", "nesterov"}, {}, {}},
};

bool has(const std::set<std::string_view>& keys, std::string_view key) { return keys.contains(key); }

struct Keys {
  std::vector<std::string_view> group;  // in order
  std::set<std::string_view> groups;
  std::set<std::string_view> states;

  explicit Keys(const OptimizerState& optimizer) {
    if (!optimizer.groups.empty())
      for (const auto& [name, value] : optimizer.groups.front().settings) group.push_back(name);
    groups.insert(group.begin(), group.end());
    for (const ParameterState& state : optimizer.parameters)
      for (const auto& [name, value] : state.entries) states.insert(name);
  }
};

bool fits(const Row& row, const Keys& keys) {
  const auto wanted = [](std::span<const std::string_view> names, const std::set<std::string_view>& there) {
    return std::ranges::all_of(names, [&](std::string_view name) { return name.empty() || there.contains(name); });
  };
  const auto unwanted = [&](std::string_view name) {
    return !name.empty() && (has(keys.groups, name) || has(keys.states, name));
  };
  return wanted(row.groups, keys.groups) && wanted(row.states, keys.states) &&
         std::ranges::none_of(row.without, unwanted);
}

std::optional<bool> flag(const OptimizerState& optimizer, std::string_view name) {
  for (const ParameterGroup& group : optimizer.groups)
    for (const auto& [key, value] : group.settings)
      if (key == name && value.kind() == Kind::boolean) return value.as_bool();
  return std::nullopt;
}

std::size_t place_of(const Keys& keys, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::find(keys.group, name) - keys.group.begin());
}

/// Adam and AdamW have the same state. PyTorch from 2.6 on says which it is; from 1.12 to 2.5 their groups have the
/// same keys in another order (adam.py: maximize before foreach; adamw.py: foreach before maximize). Before, nothing
/// does.
Algorithm adam(const OptimizerState& optimizer, const Keys& keys) {
  if (const auto decoupled = flag(optimizer, "decoupled_weight_decay"))
    return {*decoupled ? "AdamW" : "Adam",
            *decoupled ? "decoupled_weight_decay is true" : "decoupled_weight_decay is false"};
  if (has(keys.groups, "foreach") && has(keys.groups, "maximize")) {
    const bool first = place_of(keys, "maximize") < place_of(keys, "foreach");
    return {first ? "Adam" : "AdamW",
            first ? "groups have maximize before foreach" : "groups have foreach before maximize"};
  }
  return {"Adam or AdamW", "states have exp_avg and exp_avg_sq; nothing says how weights decay"};
}

/// bitsandbytes: state1 and state2, whose meaning the group tells.
Algorithm bitsandbytes(const Keys& keys) {
  const std::string evidence = "states have state1, as bitsandbytes keeps them";
  if (has(keys.groups, "alpha") && !has(keys.states, "state2"))
    return {"bitsandbytes: RMSprop, Adagrad, SGD or Lion", evidence};
  if (has(keys.states, "state2")) return {"bitsandbytes: Adam, AdamW or LAMB", evidence};
  return {"bitsandbytes: SGD, RMSprop, Adagrad or Lion", evidence};
}

Algorithm betas_only(const OptimizerState& optimizer, const Keys& keys) {
  const bool moments = keys.states.empty() || (has(keys.states, "exp_avg") && has(keys.states, "exp_avg_sq"));
  if (has(keys.groups, "amsgrad") && moments) return adam(optimizer, keys);
  if (moments && !keys.states.empty() && has(keys.groups, "eps"))
    return has(keys.groups, "foreach") || has(keys.groups, "decoupled_weight_decay")
               ? Algorithm{"RAdam", "states of Adam in groups without amsgrad"}
               : Algorithm{"Adam, AdamW or RAdam", "states have exp_avg and exp_avg_sq"};
  if (has(keys.states, "exp_avg") && !has(keys.states, "exp_avg_sq") && !has(keys.groups, "eps"))
    return {"Lion", "states have exp_avg alone; groups have betas and no eps"};
  return {};
}

std::string listed_keys(std::span<const std::string_view> names) {
  std::string text;
  for (const std::string_view name : names)
    if (!name.empty()) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

Algorithm of_row(const Row& row) {
  std::string evidence = "groups have " + listed_keys(row.groups);
  if (!row.states[0].empty()) evidence += "; states have " + listed_keys(row.states);
  return {std::string(row.name), std::move(evidence)};
}

}  // namespace

Algorithm algorithm_of(const OptimizerState& optimizer) {
  const Keys keys(optimizer);
  if (has(keys.states, "state1")) return bitsandbytes(keys);
  for (const Row& row : kRows)
    if (fits(row, keys)) return of_row(row);
  if (has(keys.groups, "betas")) return betas_only(optimizer, keys);
  if (keys.states.size() == 1 && has(keys.states, "momentum_buffer"))
    return {"SGD", "states have momentum_buffer alone"};
  return {};
}

std::string form_of(const OptimizerState& optimizer) {
  std::string text;
  const auto add = [&](std::string_view word) { text += (text.empty() ? "" : ", ") + std::string(word); };
  bool eight_bit = false;
  bool master = false;
  for (const ParameterState& state : optimizer.parameters)
    for (const auto& [name, value] : state.entries) {
      const bool quantised = name == "state1" || name.starts_with("qmap");
      eight_bit = eight_bit || (quantised && value.is_tensor() && value.as_tensor().dtype() == DType::uint8);
      master = master || name == "master_param" || name == "master_params";
    }
  if (eight_bit) add("8-bit");
  if (master) add("with master weights");
  for (const std::string_view name : {"capturable", "fused", "amsgrad", "nesterov", "maximize", "centered"})
    if (flag(optimizer, name).value_or(false)) add(name);
  return text;
}

}  // namespace sconce::model::training
