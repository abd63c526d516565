// What a scheduler saves, visited field by field under Python's names: written, checked, or taken.
//
// Source of names and kinds: torch/optim/lr_scheduler.py, and what PyTorch 1.7 to 2.14 saved
// (tests/fixtures/optimizers). For one call of state_dict() or load_state_dict(); no lifetime beyond it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sconce/libtorch/detail/findings.h>
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

}  // namespace sconce::inline v0::libtorch
