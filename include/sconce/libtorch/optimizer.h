// Optimizers of libtorch, saved as Python saves them and loaded from what Python saved (PyTorch 0.4 … 2.14): SGD, Adam,
// AdamW, RMSprop, Adagrad, LBFGS.
//
//   auto extras = sconce::libtorch::load_into(optimizer, checkpoint["optimizer"]);
//   ...
//   fresh["optimizer"] = sconce::libtorch::state_dict(optimizer, extras);
//
// The layout is that of Python's Optimizer.state_dict(): {'state': {0: {...}}, 'param_groups': [{..., 'params': [0,
// 1]}]}, where a parameter's number is its place in all groups together. Thread rule: as libtorch's own: one thread at
// a time for one optimizer.
#pragma once

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sconce/checkpoint.h>
#include <sconce/libtorch/detail/cycles.h>
#include <sconce/libtorch/detail/findings.h>
#include <sconce/libtorch/detail/optimizer_classes.h>
#include <sconce/libtorch/detail/optimizer_groups.h>
#include <sconce/libtorch/detail/optimizer_states.h>
#include <sconce/training.h>
#include <sconce/value.h>

namespace sconce::inline v0::libtorch {

/// What a saved optimizer holds that C++ has no place for: `initial_lr`, `foreach`, `maximize`, `param_names`, keys of
/// the user's own. Plain data; hand it to state_dict() so that Python finds it again. Empty for an optimizer that was
/// made in C++. It holds the values' document, and so an open file where they contain tensors.
struct OptimizerExtras {
  std::vector<std::optional<Value>> groups;  ///< for each group: all that it had, without "params"
  std::map<std::size_t, std::vector<Literal::Entry>>
      parameters;  ///< more entries of a parameter's state, by its number
  /// Whole entries of parameters that C++ keeps no state for: {'momentum_buffer': None}, of SGD without momentum. They
  /// go back unless there is a state by then.
  std::map<std::size_t, std::vector<Literal::Entry>> stateless;
  std::vector<Literal::Entry> state;  ///< entries of "state" that belong to no parameter
  std::vector<Literal::Entry> top;    ///< what stands beside "state" and "param_groups"
  /// Steps are written as ints, as PyTorch did before 1.12 and as everything reads; else as float32 tensors. Set where
  /// the file had it so.
  bool integer_steps = false;
};

struct OptimizerLoadOptions {
  /// Go on where the file asks for what C++ optimizers cannot do (`maximize`; `decoupled_weight_decay` in Adam): the
  /// training will differ from Python's.
  bool ignore_settings = false;
};

/// What load_into() would do.
struct OptimizerReport {
  std::string optimizer;                  ///< C++'s class: "Adam"
  std::string saved;                      ///< the class that wrote the file, where its keys tell; "" where several fit
  std::vector<TrainingFinding> findings;  ///< `wrong` ones stand against loading; at most 64 are listed
  std::size_t wrong = 0;                  ///< how many there are in all
  std::size_t parameters = 0;             ///< of the optimizer
  std::size_t states = 0;                 ///< parameters that get a state

  [[nodiscard]] bool fits() const noexcept { return wrong == 0; }
};

namespace detail {

/// Everything that a load will put into the optimizer, made and checked before it is touched.
template <typename Optimizer>
class OptimizerLoad {
  using Class = OptimizerClass<Optimizer>;
  using Options = typename Class::Options;
  using States = std::decay_t<decltype(std::declval<::torch::optim::Optimizer&>().state())>;

 public:
  OptimizerLoad(const Optimizer& optimizer, const Value& saved, const OptimizerLoadOptions& options)
      : optimizer_(optimizer), settings_(options) {
    report_.optimizer = Class::kName;
    for (const auto& group : optimizer.param_groups())
      for (const ::at::Tensor& parameter : group.params())
        parameters_.push_back(&parameter), elements_ += parameter.numel();
    report_.parameters = parameters_.size();
    if (const auto cycle = find_cycle(saved)) {
      findings_.wrong("cycle", *cycle, "leads back to what contains it");
    } else if (const auto groups = layout(saved)) {
      read_groups(*groups, saved["state"]);
      // Without all ids, states would only seem to belong to nobody.
      if (ids_are_known_) read_states(saved["state"]);
    }
    report_.findings = findings_.list();
    report_.wrong = findings_.wrong_count();
    report_.states = states_.size();
  }

  [[nodiscard]] OptimizerReport& report() noexcept { return report_; }

  /// Errors: one, with all findings; `unsupported` where an optimizer wrote the file that C++ has not.
  [[nodiscard]] OptimizerExtras commit(Optimizer& optimizer) {
    if (!report_.fits()) {
      const bool other = !report_.saved.empty() && !accepts(report_.saved);
      refuse("this state does not fit C++'s " + report_.optimizer, report_.findings, report_.wrong,
             other ? ErrorCode::unsupported : ErrorCode::invalid_argument);
    }
    for (std::size_t at = 0; at < options_.size(); ++at)
      static_cast<Options&>(optimizer.param_groups()[at].options()) = options_[at];
    optimizer.state().swap(states_);
    return std::move(extras_);
  }

 private:
  static bool accepts(std::string_view saved) {
    return saved == Class::kName || (saved == "Adam or AdamW" && Class::kName.starts_with("Adam"));
  }

  std::optional<Value> layout(const Value& saved) {
    const auto groups = saved.is_dict() ? saved.find("param_groups") : std::nullopt;
    const auto state = saved.is_dict() ? saved.find("state") : std::nullopt;
    if (!groups || !state) {
      findings_.wrong(
          "wrong-state", "",
          "expected an optimizer's state_dict, a dict with 'state' and 'param_groups', found " + shown(saved));
      return {};
    }
    if (groups->kind() != Kind::list && groups->kind() != Kind::tuple)
      findings_.wrong("no-groups", "param_groups", "expected a list, found " + shown(*groups));
    if (!state->is_dict()) findings_.wrong("wrong-state", "state", "expected a dict, found " + shown(*state));
    if (findings_.any_wrong()) return {};
    for (const auto& [key, value] : saved.items())
      if (!value.is(*groups) && !value.is(*state)) extras_.top.emplace_back(key, value);
    return groups;
  }

  void read_groups(const Value& groups, const Value& states) {
    const auto& own = optimizer_.param_groups();
    ids_are_known_ = groups.size() == own.size();
    if (!ids_are_known_)
      return findings_.wrong(
          "wrong-groups", "param_groups",
          "has " + count(groups.size(), "group") + ", the optimizer has " + std::to_string(own.size()));
    std::size_t first = 0;
    for (std::size_t at = 0; at < own.size(); ++at) {
      const Value group = groups[static_cast<std::int64_t>(at)];
      const std::string path = "param_groups." + std::to_string(at);
      options_.push_back(static_cast<const Options&>(own[at].options()));
      if (!group.is_dict()) {
        ids_are_known_ = false;
        findings_.wrong("wrong-groups", path, "expected a dict, found " + shown(group));
      } else if (is_of_this_class(group, states, path)) {
        read_options(group, path, options_.back());
        read_ids(group, path, first, own[at].params().size());
        keep_group(group);
      } else {
        ids_are_known_ = false;
      }
      first += own[at].params().size();
    }
  }

  bool is_of_this_class(const Value& group, const Value& states, const std::string& path) {
    const std::string_view saved = optimizer_of_group(group, states);
    report_.saved = saved;
    if (saved.empty() || accepts(saved)) return true;
    const bool cpp_has =
        saved == "SGD" || saved == "RMSprop" || saved == "Adagrad" || saved == "LBFGS" || saved.starts_with("Adam or");
    findings_.wrong("other-optimizer", path,
                    "this is the state of " + std::string(saved) +
                        (cpp_has ? ", not of " + std::string(Class::kName) : ", which C++ has no class for"));
    return false;
  }

  void read_options(const Value& group, const std::string& path, Options& options) {
    GroupReader reader(group, path, findings_);
    Class::group(options, reader);
    double weight_decay = 0;
    if constexpr (requires { options.weight_decay(); }) weight_decay = options.weight_decay();
    check_python_settings(group, path, Class::kName, weight_decay, !settings_.ignore_settings, findings_);
  }

  /// Ids are numbers from 0 on since 1.6, addresses before, names in files of FSDP: only their order counts.
  void read_ids(const Value& group, const std::string& path, std::size_t first, std::size_t wanted) {
    const auto ids = group.find("params");
    const auto wrong = [&](std::string_view kind, const std::string& message) {
      ids_are_known_ = false;
      findings_.wrong(kind, path + ".params", message);
    };
    if (!ids) return wrong("group-without-parameters", "is missing: the group has no parameters");
    if (ids->kind() != Kind::list && ids->kind() != Kind::tuple)
      return wrong("group-without-parameters", "expected a list of parameter ids, found " + shown(*ids));
    if (ids->size() != wanted)
      return wrong(ids->size() == 0 ? "group-without-parameters" : "wrong-parameters",
                   (ids->size() == 0 ? std::string("is empty: the group has no parameters")
                                     : "has " + count(ids->size(), "parameter")) +
                       ", the optimizer's group has " + std::to_string(wanted));
    for (std::size_t at = 0; at < wanted; ++at) {
      const Value id = (*ids)[static_cast<std::int64_t>(at)];
      const auto name = id_of(id);
      if (!name) {
        wrong("wrong-id", "expected a parameter id, found " + shown(id));
      } else if (!numbers_.emplace(*name, first + at).second) {
        wrong("duplicate-id", "names parameter " + shown(id) + " a second time");
      }
    }
  }

  void keep_group(const Value& group) {
    std::vector<Literal::Entry> kept;
    for (const auto& [key, value] : group.items())
      if (key.kind() != Kind::str || key.as_str() != "params") kept.emplace_back(key, value);
    Checkpoint holder;
    holder.set_root(Literal::dict(std::move(kept)));
    extras_.groups.emplace_back(holder.root());
  }

  void read_states(const Value& saved) {
    ::at::NoGradGuard no_grad;
    for (const auto& [key, entry] : saved.items()) {
      const auto name = id_of(key);
      const auto number = name ? numbers_.find(*name) : numbers_.end();
      const std::string path = child("state", shown(key));
      if (number != numbers_.end()) {
        read_state(entry, path, number->second);
      } else if (key.kind() == Kind::str) {
        extras_.state.emplace_back(key, entry);  // Python carries it along
      } else {
        findings_.wrong("state-of-no-group", path, "belongs to no parameter of any group");
      }
    }
    if constexpr (std::is_same_v<Optimizer, ::torch::optim::Adagrad>) demand_all_states();
    extras_.integer_steps = integer_steps_ > 0 && other_steps_ == 0;
  }

  void read_state(const Value& entry, const std::string& path, std::size_t number) {
    if (!entry.is_dict()) return findings_.wrong("wrong-state", path, "expected a dict, found " + shown(entry));
    if (entry.size() == 0) return;
    if (kIsLbfgs<Optimizer> && number != 0)
      return findings_.wrong("wrong-state", path, "LBFGS keeps the state of all parameters at the first");
    auto state = std::make_unique<typename Class::State>();
    const ::at::Tensor& parameter = *parameters_[number];
    StateReader reader(entry, path, parameter, elements_, make_, findings_);
    Class::state(*state, options_of(number), reader);
    if (auto rest = reader.rest(); !rest.empty()) extras_.parameters.emplace(number, std::move(rest));
    integer_steps_ += reader.integer_steps();
    other_steps_ += reader.other_steps();
    if (Class::exists(*state))
      states_[state_key(optimizer_, parameter)] = std::move(state);
    else
      keep_whole(entry, number);
  }

  /// Of what C++ would have no state.
  void keep_whole(const Value& entry, std::size_t number) {
    std::vector<Literal::Entry>& kept = extras_.stateless[number];
    for (const auto& [key, value] : entry.items()) kept.emplace_back(key, value);
  }

  /// Adagrad has a state for every parameter from the beginning, and counts on it.
  void demand_all_states() {
    for (const auto& [name, number] : numbers_)
      if (states_.find(state_key(optimizer_, *parameters_[number])) == states_.end())
        findings_.wrong("missing-entry", child("state", name.substr(1)),
                        "is missing: Adagrad has a state for every parameter");
  }

  const Options& options_of(std::size_t number) const {
    std::size_t at = 0;
    for (const auto& group : optimizer_.param_groups()) {
      if (number < group.params().size()) break;
      number -= group.params().size();
      ++at;
    }
    return options_[at];
  }

  /// Ints and texts apart: Python's dict would not take one for the other.
  static std::optional<std::string> id_of(const Value& id) {
    if (id.kind() == Kind::integer) return "#" + id.to_text();
    if (id.kind() == Kind::str) return "'" + std::string(id.as_str());
    return std::nullopt;
  }
  static std::string count(std::size_t number, std::string_view what) {
    return std::to_string(number) + " " + std::string(what) + (number == 1 ? "" : "s");
  }

  const Optimizer& optimizer_;
  OptimizerLoadOptions settings_;
  OptimizerReport report_;
  Findings findings_;
  TensorMaker make_{Sharing::view};
  std::vector<const ::at::Tensor*> parameters_;
  std::int64_t elements_ = 0;
  std::map<std::string, std::size_t> numbers_;  // of parameters, by their ids in the file
  bool ids_are_known_ = true;
  std::vector<Options> options_;
  States states_;
  OptimizerExtras extras_;
  std::size_t integer_steps_ = 0, other_steps_ = 0;
};

/// Python's state_dict, as one literal.
template <typename Optimizer>
class OptimizerSave {
  using Class = OptimizerClass<Optimizer>;

 public:
  OptimizerSave(const Optimizer& optimizer, const OptimizerExtras& extras) : optimizer_(optimizer), extras_(extras) {}

  [[nodiscard]] Literal run() {
    // A tensor that stands twice has one number, as in Python: that of the first time.
    for (const auto& group : optimizer_.param_groups())
      for (const ::at::Tensor& parameter : group.params())
        numbers_.emplace(parameter.unsafeGetTensorImpl(), next_++), parameters_.push_back(&parameter);
    std::vector<Literal::Entry> entries{{"state", states()}, {"param_groups", groups()}};
    entries.insert(entries.end(), extras_.top.begin(), extras_.top.end());
    return Literal::dict(std::move(entries));
  }

 private:
  Literal groups() {
    std::vector<Literal> groups;
    for (const auto& group : optimizer_.param_groups()) {
      auto options = static_cast<const typename Class::Options&>(group.options());
      const std::size_t at = groups.size();
      GroupWriter writer(at < extras_.groups.size() ? extras_.groups[at] : std::nullopt);
      Class::group(options, writer);
      std::vector<Literal> params;
      for (const ::at::Tensor& parameter : group.params())
        params.emplace_back(static_cast<long long>(numbers_.at(parameter.unsafeGetTensorImpl())));
      groups.push_back(writer.finish(Class::kPythonOnly, Literal::list(std::move(params))));
    }
    return Literal::list(std::move(groups));
  }

  Literal states() {
    std::vector<Literal::Entry> states;
    for (std::size_t number = 0; number < parameters_.size(); ++number) {
      if (numbers_.at(parameters_[number]->unsafeGetTensorImpl()) != number) continue;
      std::vector<Literal::Entry> entries = state_of(*parameters_[number]);
      if (const auto whole = extras_.stateless.find(number); entries.empty() && whole != extras_.stateless.end())
        entries = whole->second;
      else if (const auto more = extras_.parameters.find(number); more != extras_.parameters.end())
        entries.insert(entries.end(), more->second.begin(), more->second.end());
      if (!entries.empty())
        states.emplace_back(Literal(static_cast<long long>(number)), Literal::dict(std::move(entries)));
    }
    states.insert(states.end(), extras_.state.begin(), extras_.state.end());
    return Literal::dict(std::move(states));
  }

  std::vector<Literal::Entry> state_of(const ::at::Tensor& parameter) {
    const auto found = optimizer_.state().find(state_key(optimizer_, parameter));
    if (found == optimizer_.state().end() || !found->second) return {};
    auto state = static_cast<const typename Class::State&>(*found->second);
    StateWriter writer(read_, extras_.integer_steps);
    // Any options will do: the writer leaves out what is not there.
    const auto& options = static_cast<const typename Class::Options&>(optimizer_.param_groups().front().options());
    Class::state(state, options, writer);
    return writer.finish();
  }

  const Optimizer& optimizer_;
  const OptimizerExtras& extras_;
  TensorReader read_;
  std::size_t next_ = 0;
  std::map<const ::c10::TensorImpl*, std::size_t> numbers_;
  std::vector<const ::at::Tensor*> parameters_;
};

}  // namespace detail

/// Python's Optimizer.state_dict() of a C++ optimizer. Its tensors share their memory with the optimizer: save it, or
/// copy it, before the next step. `extras`: what load_into() gave. Errors: `unsupported` for a class of the caller's.
[[nodiscard]] inline Value state_dict(const ::torch::optim::Optimizer& optimizer, const OptimizerExtras& extras = {}) {
  Checkpoint holder;
  holder.set_root(detail::with_optimizer_class(optimizer, [&](const auto& it, auto) {
    return detail::OptimizerSave<std::decay_t<decltype(it)>>(it, extras).run();
  }));
  return holder.root();
}

/// What loading would do, and what stands against it. Changes nothing. Errors: `unsupported` for a class of the
/// caller's, and those of reading tensors.
[[nodiscard]] inline OptimizerReport check_load(const ::torch::optim::Optimizer& optimizer, const Value& saved,
                                                const OptimizerLoadOptions& options = {}) {
  return detail::with_optimizer_class(optimizer, [&](const auto& it, auto) {
    return std::move(detail::OptimizerLoad<std::decay_t<decltype(it)>>(it, saved, options).report());
  });
}

/// Python's Optimizer.load_state_dict(): the groups' settings and all state become those of `saved`, which Python or
/// state_dict() made. Tensors are copied to where their parameter is. All or nothing.
///
/// Errors: `invalid_argument` with everything that does not fit (groups, ids, shapes, settings, missing entries),
/// `unsupported` where another kind of optimizer was saved, and those of reading tensors.
inline OptimizerExtras load_into(::torch::optim::Optimizer& optimizer, const Value& saved,
                                 const OptimizerLoadOptions& options = {}) {
  return detail::with_optimizer_class(optimizer, [&](auto& it, auto) {
    return detail::OptimizerLoad<std::decay_t<decltype(it)>>(it, saved, options).commit(it);
  });
}

}  // namespace sconce::inline v0::libtorch
