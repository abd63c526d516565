// What a pickle would make Python do, gathered while it runs.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include <sconce/checkpoint.h>

#include "tree/document.h"

namespace sconce::formats::torch_common {

/// A listener of pickle::Machine: counts imports, calls and states by name, with the offset of the first of each.
class CallCounter {
 public:
  explicit CallCounter(const tree::Document& document) : document_(document) {}

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
  void count(CallFact::What what, std::uint64_t offset, tree::NodeId callable, bool effect);
  [[nodiscard]] CallFact::Effect effect_of(const Count& count) const;

  const tree::Document& document_;
  std::vector<Count> counts_;
  std::unordered_map<std::uint64_t, std::size_t> places_;  // (callable, what, effect) -> place in counts_
};

}  // namespace sconce::formats::torch_common
