// What a pickle would make Python do, gathered while it runs.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sconce/checkpoint.h>

#include "formats/torch_common/known_names.h"
#include "tree/document.h"

namespace sconce::formats::torch_common {

/// A listener of pickle::Machine: counts imports, calls and states by name, with the offset of the first of each.
class CallCounter {
 public:
  /// The document's budget is charged for each new name.
  explicit CallCounter(tree::Document& document) : document_(document) {}

  void imported(std::uint64_t offset, tree::NodeId global) { count(CallFact::What::import, offset, global, false); }
  void called(std::uint64_t offset, tree::NodeId callable, tree::NodeId args);
  void state_set(std::uint64_t offset, tree::NodeId target, tree::NodeId state);
  void persistent(std::uint64_t /*offset*/, tree::NodeId /*id*/) {}

  /// In order of the first offset. `record`: the entry of the archive whose stream this was.
  [[nodiscard]] std::vector<CallFact> facts(const std::string& record) const;

 private:
  struct Count {
    CallFact::What what;
    tree::NodeId callable;
    std::uint64_t offset;
    std::uint64_t count;
    bool effect;
  };
  [[nodiscard]] bool is_known(tree::NodeId callable, Known known) const;
  void count(CallFact::What what, std::uint64_t offset, tree::NodeId callable, bool effect);
  [[nodiscard]] std::string name_of(tree::NodeId callable) const;
  [[nodiscard]] CallFact::Effect effect_of(const Count& count) const;

  tree::Document& document_;
  std::vector<Count> counts_;
  std::unordered_map<std::uint64_t, std::size_t> places_;  // (callable, what, effect) -> place in counts_
};

/// The calls of a file's pickles, each name once.
class CallLog {
 public:
  void add(std::vector<CallFact> facts);
  [[nodiscard]] std::vector<CallFact> take() { return std::move(facts_); }
  [[nodiscard]] const std::vector<CallFact>& facts() const noexcept { return facts_; }

 private:
  std::vector<CallFact> facts_;
  std::unordered_map<std::string, std::size_t> places_;
};

}  // namespace sconce::formats::torch_common
