// Does the C++ module compute what the Python model computed? Inputs and outputs that Python recorded lie in a small
// .pt beside the model; one call replays them:
//
//   const auto report = sconce::libtorch::check_outputs(model, "model.outputs.pt");
//   if (!report.passed()) std::cerr << report.to_text();
//
// In Python, with the model in eval mode:
//
//   x = torch.randn(4, 3, 32, 32)
//   with torch.no_grad():
//       torch.save({"inputs": [x], "outputs": [model(x)]}, "model.outputs.pt")
//
// or {"cases": [{"name": "zeros", "inputs": [...], "outputs": [...]}, ...]}. A tensor may stand for a list of one.
// Numbers "rtol" and "atol" beside them are the tolerances, unless the caller gives some.
#pragma once

#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <sconce/checkpoint.h>
#include <sconce/error.h>
#include <sconce/libtorch/detail/findings.h>
#include <sconce/libtorch/save.h>
#include <sconce/libtorch/tensor.h>
#include <sconce/value.h>

namespace sconce::inline v0::libtorch {

struct CheckOutputsOptions {
  /// |found - recorded| <= atol + rtol * |recorded|. Unset: those of the file, else as torch.testing.assert_close has
  /// them for the dtype (float32: 1.3e-6 and 1e-5; float64: 1e-7 and 1e-7; integers: 0).
  std::optional<double> rtol, atol;
  /// Put the module into eval mode while it is asked (and back, each submodule as it was).
  bool eval = true;
};

/// One output beside what was recorded.
struct OutputDifference {
  std::string name;                       ///< "case 0, output 0", or with the name that the file gives the case
  double max_absolute = 0;                ///< infinity where one side is NaN or infinite and the other is not
  double max_relative = 0;                ///< of elements whose recorded value is not 0
  std::int64_t elements = 0, beyond = 0;  ///< how many there are, and how many are beyond the tolerance
  std::string problem;  ///< another shape or count of outputs, or what the module threw; empty otherwise

  [[nodiscard]] bool passed() const noexcept { return problem.empty() && beyond == 0; }
};

struct OutputReport {
  std::vector<OutputDifference> outputs;

  [[nodiscard]] bool passed() const noexcept {
    return !outputs.empty() &&
           std::all_of(outputs.begin(), outputs.end(), [](const auto& one) { return one.passed(); });
  }
  /// A line for each output.
  [[nodiscard]] std::string to_text() const {
    std::ostringstream text;
    for (const OutputDifference& one : outputs) {
      text << one.name << ": ";
      if (!one.problem.empty()) {
        text << "FAILED: " << one.problem << "\n";
        continue;
      }
      text << (one.passed() ? "ok" : "FAILED") << ", largest difference " << one.max_absolute << " absolute, "
           << one.max_relative << " relative";
      if (one.beyond != 0) text << ", " << one.beyond << " of " << one.elements << " elements beyond the tolerance";
      text << "\n";
    }
    return text.str();
  }
};

namespace detail {

inline void gather(std::vector<::at::Tensor>& into, const ::at::Tensor& one) { into.push_back(one); }
inline void gather(std::vector<::at::Tensor>& into, const std::vector<::at::Tensor>& several) {
  into.insert(into.end(), several.begin(), several.end());
}
template <typename... Several>
void gather(std::vector<::at::Tensor>& into, const std::tuple<Several...>& several) {
  std::apply([&](const auto&... one) { (gather(into, one), ...); }, several);
}

/// Calls with as many tensors as there are, where the callable takes that many; else with the vector of them. (In this
/// order: forward() of Sequential is a template that seems to take anything.)
template <typename Call>
std::vector<::at::Tensor> outputs_of(Call& call, const std::vector<::at::Tensor>& in) {
  using T = const ::at::Tensor&;
  std::vector<::at::Tensor> out;
  const auto with_all = [&] {
    if constexpr (std::invocable<Call&, const std::vector<::at::Tensor>&>)
      gather(out, call(in));
    else
      throw Error(ErrorCode::invalid_argument,
                  "the model takes another number of inputs than the " + std::to_string(in.size()) + " recorded");
  };
  if (in.size() == 1) {
    if constexpr (std::invocable<Call&, T>)
      gather(out, call(in[0]));
    else
      with_all();
  } else if (in.size() == 2) {
    if constexpr (std::invocable<Call&, T, T>)
      gather(out, call(in[0], in[1]));
    else
      with_all();
  } else if (in.size() == 3) {
    if constexpr (std::invocable<Call&, T, T, T>)
      gather(out, call(in[0], in[1], in[2]));
    else
      with_all();
  } else {
    with_all();
  }
  return out;
}

/// As torch.testing.assert_close: rtol, atol.
inline std::pair<double, double> tolerances_of(::at::ScalarType type) {
  switch (type) {
    case ::at::kHalf: return {1e-3, 1e-5};
    case ::at::kBFloat16: return {1.6e-2, 1e-5};
    case ::at::kFloat:
    case ::at::kComplexFloat: return {1.3e-6, 1e-5};
    case ::at::kDouble:
    case ::at::kComplexDouble: return {1e-7, 1e-7};
    default: return {0, 0};
  }
}

inline void compare(OutputDifference& into, const ::at::Tensor& found, const ::at::Tensor& recorded, double rtol,
                    double atol) {
  if (found.sizes() != recorded.sizes()) {
    std::ostringstream text;
    text << "has shape " << found.sizes() << ", recorded is " << recorded.sizes();
    into.problem = text.str();
    return;
  }
  // A complex number would lose its other half in the comparison, without a word.
  if (found.scalar_type() != recorded.scalar_type()) {
    into.problem = std::string("is of type ") + ::c10::toString(found.scalar_type()) + ", recorded is " +
                   ::c10::toString(recorded.scalar_type());
    return;
  }
  into.elements = recorded.numel();
  if (into.elements == 0) return;
  const auto type = recorded.is_complex() ? ::at::kComplexDouble : ::at::kDouble;
  const ::at::Tensor a = found.detach().to(::at::kCPU).to(type), b = recorded.to(type), size = b.abs();
  ::at::Tensor difference = (a - b).abs();
  difference = difference.masked_fill(difference.isnan(), HUGE_VAL);
  difference = difference.masked_fill(a.eq(b).logical_or(a.isnan().logical_and(b.isnan())), 0);
  into.beyond = difference.gt(size.nan_to_num(0, 0, 0) * rtol + atol).sum().item<std::int64_t>();
  into.max_absolute = difference.max().item<double>();
  into.max_relative = (difference / size)
                          .masked_fill(size.eq(0).logical_or(size.isnan()).logical_or(size.isinf()), 0)
                          .max()
                          .item<double>();
}

/// A list of tensors, or a tensor for a list of one.
inline std::vector<::at::Tensor> tensors_in(const Value& value) {
  std::vector<::at::Tensor> tensors;
  if (value.is_tensor()) return {to_tensor(value.as_tensor(), Sharing::copy)};
  for (const Value& element : value.elements()) tensors.push_back(to_tensor(element.as_tensor(), Sharing::copy));
  return tensors;
}

/// Replays one case.
template <typename Call>
void check_case(OutputReport& report, const std::string& name, const Value& recorded, Call& call, ::at::Device device,
                const CheckOutputsOptions& options) {
  const auto tolerance = [&](std::string_view key) {
    return recorded.contains(key) ? number_in(recorded[key]) : std::nullopt;
  };
  const std::vector<::at::Tensor> expected = tensors_in(recorded["outputs"]);
  std::vector<::at::Tensor> inputs = tensors_in(recorded["inputs"]), found;
  for (::at::Tensor& input : inputs) input = input.to(device);
  OutputDifference whole;
  whole.name = name;
  try {
    found = outputs_of(call, inputs);
    if (found.size() != expected.size())
      whole.problem = std::to_string(found.size()) + " outputs, recorded are " + std::to_string(expected.size());
  } catch (const ::c10::Error& error) {
    whole.problem = error.what_without_backtrace();
  } catch (const std::exception& error) {
    whole.problem = error.what();
  }
  if (!whole.problem.empty()) {
    report.outputs.push_back(std::move(whole));
    return;
  }
  for (std::size_t at = 0; at < found.size(); ++at) {
    OutputDifference one;
    one.name = name + ", output " + std::to_string(at);
    const auto [rtol, atol] = tolerances_of(expected[at].scalar_type());
    compare(one, found[at], expected[at], options.rtol.value_or(tolerance("rtol").value_or(rtol)),
            options.atol.value_or(tolerance("atol").value_or(atol)));
    report.outputs.push_back(std::move(one));
  }
}

template <typename Call>
OutputReport check_outputs(const Checkpoint& recorded, Call& call, ::at::Device device,
                           const CheckOutputsOptions& options) {
  ::at::NoGradGuard no_grad;
  OutputReport report;
  const Value root = recorded.root();
  const auto cases = root.find("cases");
  if (!cases) {
    check_case(report, "case 0", root, call, device, options);
    return report;
  }
  std::size_t number = 0;
  for (const Value& one : cases->elements()) {
    const auto name = one.find("name");
    check_case(report,
               name && name->kind() == Kind::str ? std::string(name->as_str()) : "case " + std::to_string(number), one,
               call, device, options);
    ++number;
  }
  return report;
}

/// Puts a module into eval mode for as long as it lives.
class EvalMode {
 public:
  EvalMode(::torch::nn::Module& module, bool wanted)
      : module_(module), wanted_(wanted), was_training_(module.is_training()) {
    if (!wanted_) return;
    for (const auto& inner : module_.modules(/*include_self=*/false)) inner_.emplace_back(inner, inner->is_training());
    module_.eval();
  }
  ~EvalMode() {
    if (!wanted_) return;
    module_.train(was_training_);
    for (const auto& [inner, training] : inner_) inner->train(training);
  }
  EvalMode(const EvalMode&) = delete;
  EvalMode& operator=(const EvalMode&) = delete;

 private:
  ::torch::nn::Module& module_;
  bool wanted_, was_training_;
  std::vector<std::pair<std::shared_ptr<::torch::nn::Module>, bool>> inner_;  // parents before children
};

}  // namespace detail

/// Replays what was recorded through a module, on the device of its first parameter. A difference, a wrong shape or a
/// forward() that throws is in the report. Errors: those of load() and of a file of another form (`not_found`,
/// `wrong_type`).
template <ModuleLike Model>
[[nodiscard]] OutputReport check_outputs(Model& model, const std::string& path,
                                         const CheckOutputsOptions& options = {}) {
  auto& module = [&]() -> auto& {
    if constexpr (std::derived_from<Model, ::torch::nn::Module>)
      return model;
    else
      return *model;
  }
  ();
  const detail::EvalMode mode(module, options.eval);
  const auto parameters = module.parameters();
  const auto call = [&](const auto&... inputs) -> decltype(module.forward(inputs...)) {
    return module.forward(inputs...);
  };
  return detail::check_outputs(load(path), call,
                               parameters.empty() ? ::at::Device(::at::kCPU) : parameters.front().device(), options);
}

/// The same through any function of one to three tensors, or of a vector of them, that returns a tensor, a tuple or a
/// vector of them.
template <typename Call>
requires(!ModuleLike<std::remove_cvref_t<Call>>) [[nodiscard]] OutputReport
    check_outputs(Call&& call, const std::string& path, const CheckOutputsOptions& options = {}) {
  return detail::check_outputs(load(path), call, ::at::Device(::at::kCPU), options);
}

}  // namespace sconce::inline v0::libtorch
