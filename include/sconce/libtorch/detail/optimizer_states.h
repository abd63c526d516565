// The state of one parameter: what visits the tables of optimizer_classes.h to read it from a file, and to write it.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/core/ScalarType.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sconce/libtorch/detail/findings.h>
#include <sconce/libtorch/tensor.h>
#include <sconce/value.h>

namespace sconce::inline v0::libtorch::detail {

/// Reads a parameter's entry into a state that nobody uses yet. Tensors become copies where the parameter is, of its
/// dtype if that is a floating one, as Optimizer.load_state_dict makes them.
class StateReader {
 public:
  /// `elements`: of all parameters together, for what LBFGS keeps flat.
  StateReader(const Value& entry, std::string path, const ::at::Tensor& parameter, std::int64_t elements,
              TensorMaker& make, Findings& findings)
      : entry_(entry),
        path_(std::move(path)),
        parameter_(parameter),
        elements_(elements),
        make_(make),
        findings_(findings) {}

  void step(std::string_view key, std::int64_t& into) {
    const auto value = find(key, true);
    if (!value) return;
    const auto number = whole_number_in(*value);
    if (!number) return expected(key, "a whole number of steps", *value);
    into = *number;
    ++(value->kind() == Kind::integer ? integer_steps_ : other_steps_);
  }
  void count(std::string_view key, std::int64_t& into) {
    const auto value = find(key, true);
    const auto number = value ? whole_number_in(*value) : std::nullopt;
    if (number) into = *number;
    if (value && !number) expected(key, "a whole number of at least 0", *value);
  }
  /// LBFGS's step length and loss: any number that is one, also where a tensor holds it.
  void real(std::string_view key, double& into) {
    const auto value = find(key, false);
    if (!value || value->is_none()) return;
    const auto number = number_in(*value);
    if (!number || !kFinite.holds(*number)) return expected(key, kFinite.words, *value);
    into = *number;
  }

  /// A tensor of the parameter's shape.
  void tensor(std::string_view key, ::at::Tensor& into, bool required) {
    const auto value = find_tensor(key, required);
    if (value && shape_is(key, value->as_tensor(), parameter_.sizes())) into = take(key, value->as_tensor());
  }
  /// A tensor that holds all parameters behind one another.
  void flat(std::string_view key, ::at::Tensor& into, bool required) {
    const auto value = find_tensor(key, required);
    if (value && shape_is(key, value->as_tensor(), elements_)) into = take(key, value->as_tensor());
  }
  /// A number that C++ keeps as a tensor.
  void number_tensor(std::string_view key, ::at::Tensor& into, bool required) {
    const auto value = find(key, required);
    if (!value || (value->is_none() && !required)) return;
    const auto number = number_in(*value);
    if (!number) return expected(key, "a number", *value);
    into = value->is_tensor() ? take(key, value->as_tensor()) : ::at::scalar_tensor(*number, parameter_.options());
  }
  void history(std::string_view key, std::deque<::at::Tensor>& into, bool is_flat) {
    const auto list = find_list(key);
    if (!list) return;
    for (const Value& value : list->elements()) {
      if (!value.is_tensor()) return expected(key, "a list of tensors", value);
      const Tensor tensor = value.as_tensor();
      if (is_flat ? !shape_is(key, tensor, elements_) : !single(key, tensor)) return;
      into.push_back(take(key, tensor));
    }
  }
  /// A list of `most` numbers at most, each of them a tensor or None.
  template <typename Optional>
  void maybe_tensors(std::string_view key, Optional& into, std::int64_t most) {
    if (!entry_.contains(key)) return;
    const auto list = find_list(key);
    if (!list) return;
    // C++ writes into it by position.
    if (static_cast<std::int64_t>(list->size()) != most)
      return findings_.wrong("wrong-state", child(path_, key),
                             "expected history_size values, found " + std::to_string(list->size()));
    std::vector<::at::Tensor> made;
    for (const Value& value : list->elements()) {
      if (!value.is_tensor() && !value.is_none()) return expected(key, "a list of tensors and None", value);
      if (value.is_tensor() && !single(key, value.as_tensor())) return;
      made.push_back(value.is_tensor() ? take(key, value.as_tensor()) : ::at::Tensor());
    }
    into = std::move(made);
  }
  void demand(bool holds, std::string_view key, std::string_view words) {
    if (!holds) findings_.wrong("wrong-state", child(path_, key), std::string(words));
  }

  /// What the entry has besides, in the order of the file: Python's optimizers carry it along.
  [[nodiscard]] std::vector<Literal::Entry> rest() const {
    std::vector<Literal::Entry> kept;
    for (const auto& [key, value] : entry_.items())
      if (key.kind() != Kind::str || std::find(asked_.begin(), asked_.end(), key.as_str()) == asked_.end())
        kept.emplace_back(key, value);
    return kept;
  }
  /// Steps that were saved as ints, and in other ways.
  [[nodiscard]] std::size_t integer_steps() const noexcept { return integer_steps_; }
  [[nodiscard]] std::size_t other_steps() const noexcept { return other_steps_; }

 private:
  std::optional<Value> find(std::string_view key, bool required) {
    asked_.emplace_back(key);
    auto value = entry_.find(key);
    if (!value && required) findings_.wrong("missing-entry", child(path_, key), "is missing");
    return value;
  }
  std::optional<Value> find_list(std::string_view key) {
    auto value = find(key, true);
    if (value && value->kind() != Kind::list && value->kind() != Kind::tuple) {
      expected(key, "a list", *value);
      return {};
    }
    return value;
  }
  std::optional<Value> find_tensor(std::string_view key, bool required) {
    auto value = find(key, required);
    if (!value || (value->is_none() && !required)) return {};
    if (!value->is_tensor()) {
      expected(key, "a tensor", *value);
      return {};
    }
    return value;
  }
  bool shape_is(std::string_view key, const Tensor& tensor, ::at::IntArrayRef wanted) {
    const auto shape = tensor.shape();
    if (::at::IntArrayRef(shape.data(), shape.size()) == wanted) return true;
    findings_.wrong("wrong-shape", child(path_, key),
                    "has shape " + text(::at::IntArrayRef(shape.data(), shape.size())) +
                        ", the optimizer's parameter asks for " + text(wanted));
    return false;
  }
  bool single(std::string_view key, const Tensor& tensor) {
    if (tensor.numel() == 1) return true;
    findings_.wrong("wrong-shape", child(path_, key),
                    "has " + std::to_string(tensor.numel()) + " elements where one is expected");
    return false;
  }
  static std::string text(::at::IntArrayRef sizes) {
    std::string text = "[";
    for (const std::int64_t size : sizes) text += (text.size() == 1 ? "" : ", ") + std::to_string(size);
    return text + "]";
  }

  ::at::Tensor take(std::string_view key, const Tensor& tensor) {
    try {
      // What has a storage of its own need not be remembered for those that share it.
      const bool alone = tensor.has_storage() && tensor.storage().nbytes() == tensor.nbytes();
      const ::at::Tensor made = alone ? to_tensor(tensor, Sharing::view) : make_(tensor);
      const auto type = parameter_.is_floating_point() ? parameter_.scalar_type() : made.scalar_type();
      return made.to(parameter_.device(), type, false, true);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::unsupported) throw;  // the file cannot be read: that is no misfit
      findings_.wrong("unsupported-tensor", child(path_, key), error.message());
      return {};
    } catch (const ::c10::Error& error) {  // types that libtorch cannot cast; a device that is full
      findings_.wrong("unsupported-tensor", child(path_, key), error.what_without_backtrace());
      return {};
    }
  }
  void expected(std::string_view key, std::string_view what, const Value& found) {
    findings_.wrong(key == "step" ? "bad-step" : "wrong-entry", child(path_, key),
                    "expected " + std::string(what) + ", found " + shown(found));
  }

  const Value& entry_;
  std::string path_;
  const ::at::Tensor& parameter_;
  std::int64_t elements_;
  TensorMaker& make_;
  Findings& findings_;
  std::vector<std::string> asked_;
  std::size_t integer_steps_ = 0, other_steps_ = 0;
};

/// Writes a state as Python's entry. Tensors share their memory with the optimizer.
class StateWriter {
 public:
  StateWriter(TensorReader& read, bool integer_steps) : read_(read), integer_steps_(integer_steps) {}

  void step(std::string_view key, std::int64_t& value) {
    if (integer_steps_) return put(key, static_cast<long long>(value));
    const auto number = static_cast<float>(value);
    put(key, Tensor::copy_of(DType::float32, std::as_bytes(std::span(&number, 1)), std::span<const std::int64_t>()));
  }
  void count(std::string_view key, std::int64_t& value) { put(key, static_cast<long long>(value)); }
  void real(std::string_view key, double& value) { put(key, value); }
  void tensor(std::string_view key, ::at::Tensor& value, bool) {
    if (value.defined()) put(key, read_(value.detach()));
  }
  void flat(std::string_view key, ::at::Tensor& value, bool required) { tensor(key, value, required); }
  void number_tensor(std::string_view key, ::at::Tensor& value, bool required) { tensor(key, value, required); }
  void history(std::string_view key, std::deque<::at::Tensor>& value, bool) { put(key, list(value)); }
  template <typename Optional>
  void maybe_tensors(std::string_view key, Optional& value, std::int64_t) {
    if (value) put(key, list(*value));
  }
  void demand(bool, std::string_view, std::string_view) {}

  [[nodiscard]] std::vector<Literal::Entry> finish() { return std::move(entries_); }

 private:
  void put(std::string_view key, Literal value) { entries_.emplace_back(Literal(key), std::move(value)); }
  template <typename Tensors>
  Literal list(const Tensors& tensors) {
    std::vector<Literal> items;
    for (const ::at::Tensor& tensor : tensors)
      items.push_back(tensor.defined() ? Literal(read_(tensor.detach())) : Literal(nullptr));
    return Literal::list(std::move(items));
  }

  TensorReader& read_;
  bool integer_steps_;
  std::vector<Literal::Entry> entries_;
};

}  // namespace sconce::inline v0::libtorch::detail
