// Where C++ names its layers otherwise than Python: a map between the two.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sconce::inline v0::libtorch {

/// Names of modules (or of single tensors) in C++ and what they are called in Python, and so in a checkpoint: a nested
/// Sequential that is flat there, an AnyModule, members that somebody called differently.
///
///     NameMap names{{"features.0", "conv1"}, {"features.1", "bn1"}, {"head", "classifier.fc"}};
///
/// "features.0.weight" becomes "conv1.weight". The longest entry that is the name, or ends at one of its dots, counts;
/// names without an entry stay. "" is the root: {"", "model"} puts "model." before what no other entry names, and
/// {"net", ""} takes "net." off. Plain value.
class NameMap {
 public:
  struct Entry {
    std::string cpp;
    std::string python;
  };
  NameMap() = default;
  NameMap(std::initializer_list<Entry> entries) : entries_(entries) {}
  explicit NameMap(std::vector<Entry> entries) : entries_(std::move(entries)) {}

  void add(std::string cpp, std::string python) { entries_.push_back({std::move(cpp), std::move(python)}); }
  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

  [[nodiscard]] std::string to_python(std::string_view cpp) const { return renamed(cpp, &Entry::cpp, &Entry::python); }
  [[nodiscard]] std::string to_cpp(std::string_view python) const {
    return renamed(python, &Entry::python, &Entry::cpp);
  }

 private:
  std::string renamed(std::string_view name, std::string Entry::*from, std::string Entry::*to) const {
    const Entry* best = nullptr;
    for (const Entry& entry : entries_)
      if (begins(name, entry.*from) && (best == nullptr || (entry.*from).size() > (best->*from).size())) best = &entry;
    if (best == nullptr) return std::string(name);
    std::string_view rest = name.substr((best->*from).size());
    if (rest.starts_with('.')) rest.remove_prefix(1);
    const std::string& head = best->*to;
    if (head.empty() || rest.empty()) return head.empty() ? std::string(rest) : head;
    return head + "." + std::string(rest);
  }

  static bool begins(std::string_view name, std::string_view with) {
    if (with.empty()) return true;
    return name.starts_with(with) && (name.size() == with.size() || name[with.size()] == '.');
  }

  std::vector<Entry> entries_;
};

}  // namespace sconce::inline v0::libtorch
