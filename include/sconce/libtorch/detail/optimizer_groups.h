// Parameter groups: what visits the tables of optimizer_classes.h to read one from a file, and to write one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <sconce/libtorch/detail/findings.h>
#include <sconce/libtorch/detail/optimizer_classes.h>
#include <sconce/value.h>

namespace sconce::inline v0::libtorch::detail {

/// Reads a group of a file into options that nobody uses yet.
class GroupReader {
 public:
  GroupReader(const Value& group, std::string path, Findings& findings)
      : group_(group), path_(std::move(path)), findings_(findings) {}

  /// `fill`: what PyTorch puts where older files have nothing.
  void number(std::string_view key, double& into, const Range& range, std::optional<double> fill = {}) {
    const auto value = find(key, fill.has_value());
    if (!value) {
      into = fill.value_or(into);
      return;
    }
    const auto number = number_in(*value);
    if (!number || !range.holds(*number)) return expected(key, range.words, *value);
    into = *number;
  }

  void numbers(std::string_view key, std::tuple<double, double>& into, const Range& range) {
    const auto value = find(key, false);
    if (!value) return;
    const bool sequence = value->kind() == Kind::tuple || value->kind() == Kind::list;
    const auto first = sequence && value->size() == 2 ? number_in((*value)[0]) : std::nullopt;
    const auto second = first ? number_in((*value)[1]) : std::nullopt;
    if (!second || !range.holds(*first) || !range.holds(*second))
      return expected(key, "two numbers, each " + std::string(range.words.substr(2)), *value);
    into = {*first, *second};
  }

  void flag(std::string_view key, bool& into, bool fill) {
    const auto value = find(key, true);
    const auto flag = value ? flag_in(*value) : fill;
    if (!flag) return expected(key, "True or False", *value);
    into = *flag;
  }

  void integer(std::string_view key, std::int64_t& into) {
    const auto value = find(key, false);
    if (!value) return;
    const auto number = whole_number_in(*value);
    if (!number) return expected(key, "a whole number of at least 0", *value);
    into = *number;
  }

  template <typename Optional>
  void maybe_integer(std::string_view key, Optional& into) {
    const auto value = find(key, false);
    if (!value) return;
    if (value->is_none()) return into.reset();
    const auto number = whole_number_in(*value);
    if (!number) return expected(key, "None or a whole number of at least 0", *value);
    into = *number;
  }

  /// None, or the only text that PyTorch knows there.
  template <typename Optional>
  void maybe_text(std::string_view key, Optional& into, std::string_view only) {
    const auto value = find(key, false);
    if (!value) return;
    if (value->is_none()) return into.reset();
    if (value->kind() != Kind::str || value->as_str() != only)
      return expected(key, "None or '" + std::string(only) + "'", *value);
    into = std::string(only);
  }

  void demand(bool holds, std::string_view key, std::string_view words) {
    if (!holds) findings_.wrong("bad-setting", child(path_, key), std::string(words));
  }

 private:
  std::optional<Value> find(std::string_view key, bool may_lack) {
    auto value = group_.find(key);
    if (!value && !may_lack) findings_.wrong("missing-entry", child(path_, key), "is missing");
    return value;
  }
  void expected(std::string_view key, std::string_view what, const Value& found) {
    findings_.wrong(key == "lr" ? "bad-learning-rate" : "bad-setting", child(path_, key),
                    "expected " + std::string(what) + ", found " + shown(found));
  }

  const Value& group_;
  std::string path_;
  Findings& findings_;
};

/// What a group of the file asks of the optimizer that C++'s cannot do.
inline void check_python_settings(const Value& group, const std::string& path, std::string_view optimizer,
                                  double weight_decay, bool refuse_what_differs, Findings& findings) {
  const auto is_set = [&](std::string_view key) {
    const auto value = group.find(key);
    return value && flag_in(*value).value_or(false);
  };
  const auto differs = [&](std::string_view key, std::string message) {
    if (refuse_what_differs) return findings.wrong("unsupported-setting", child(path, key), std::move(message));
    findings.note("unsupported-setting", child(path, key), std::move(message));
  };
  if (is_set("maximize")) differs("maximize", "is True: C++ optimizers only minimize");
  if (optimizer == "Adam" && is_set("decoupled_weight_decay") && weight_decay != 0)
    differs("decoupled_weight_decay", "is True, with a weight_decay: load it into AdamW");
  for (const std::string_view key : {"capturable", "differentiable", "foreach", "fused"})
    if (is_set(key))
      findings.note("unused-setting", child(path, key), "is True: kept for Python, without effect in C++");
}

/// Writes options as Python's group, without "params". What was in the file stays as it was written where it means the
/// same: an int for a whole number, a tensor for a learning rate.
class GroupWriter {
 public:
  explicit GroupWriter(std::optional<Value> kept) : kept_(std::move(kept)) {}

  void number(std::string_view key, double& value, const Range&, std::optional<double> = {}) {
    const auto before = kept_ ? kept_->find(key) : std::nullopt;
    if (before && number_in(*before) == value) return put(key, *before);
    put(key, value);
  }
  void numbers(std::string_view key, std::tuple<double, double>& value, const Range&) {
    put(key, Literal::tuple({std::get<0>(value), std::get<1>(value)}));
  }
  void flag(std::string_view key, bool& value, bool) { put(key, value); }
  void integer(std::string_view key, std::int64_t& value) { put(key, static_cast<long long>(value)); }
  template <typename Optional>
  void maybe_integer(std::string_view key, Optional& value) {
    put(key, value ? Literal(static_cast<long long>(*value)) : Literal(nullptr));
  }
  template <typename Optional>
  void maybe_text(std::string_view key, Optional& value, std::string_view) {
    put(key, value ? Literal(std::string_view(*value)) : Literal(nullptr));
  }
  void demand(bool, std::string_view, std::string_view) {}

  /// What only Python has, then all else that the file had, and the parameters as Python has them: last.
  [[nodiscard]] Literal finish(std::span<const PythonSetting> python_only, Literal params) {
    // A group that came from Python goes back as it came: PyTorch fills in what its version had not yet.
    if (!kept_ || !kept_->contains("lr"))
      for (const PythonSetting& setting : python_only)
        put(setting.key, setting.value == kNone ? Literal(nullptr) : Literal(setting.value == kYes));
    if (kept_)
      for (const auto& [key, value] : kept_->items())
        if (key.kind() == Kind::str && !written(key.as_str())) put(key.as_str(), value);
    put("params", std::move(params));
    return Literal::dict(std::move(entries_));
  }

 private:
  void put(std::string_view key, Literal value) {
    keys_.emplace_back(key);
    entries_.emplace_back(Literal(key), std::move(value));
  }
  [[nodiscard]] bool written(std::string_view key) const {
    return std::find(keys_.begin(), keys_.end(), key) != keys_.end();
  }

  std::optional<Value> kept_;
  std::vector<std::string> keys_;
  std::vector<Literal::Entry> entries_;
};

}  // namespace sconce::inline v0::libtorch::detail
