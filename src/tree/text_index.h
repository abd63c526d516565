// Which node holds a given text.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/budget.h"
#include "base/hash.h"
#include "tree/node_id.h"

namespace sconce::tree {

/// An open-addressing table from text to node, seeded, so that chosen names cannot make it slow. Texts live elsewhere;
/// `text_at(node)` finds them.
class TextIndex {
 public:
  explicit TextIndex(MemoryBudget& budget) : budget_(&budget), seed_(process_seed()) {}

  [[nodiscard]] std::uint64_t hash(std::uint32_t kind, std::string_view text) const noexcept {
    return hash_bytes(text, seed_ + kind);
  }

  /// The node for which `is(node)` holds among those of this hash; kNoNode where there is none.
  template <typename Is>
  [[nodiscard]] NodeId find(std::uint64_t hash, const Is& is) const {
    if (slots_.empty()) return kNoNode;
    const std::size_t mask = slots_.size() - 1;
    const auto kept = static_cast<std::uint32_t>(hash);
    for (std::size_t at = kept & mask; slots_[at].node != kNoNode; at = (at + 1) & mask)
      if (slots_[at].hash == kept && is(slots_[at].node)) return slots_[at].node;
    return kNoNode;
  }

  /// Adds a node that is not there yet.
  void insert(std::uint64_t hash, NodeId node) {
    if (2 * (count_ + 1) > slots_.size()) grow();
    put({static_cast<std::uint32_t>(hash), node});
    ++count_;
  }

 private:
  struct Slot {
    std::uint32_t hash = 0;  ///< its low half: enough to place the slot again, and to pass over most other texts
    NodeId node = kNoNode;
  };

  void put(const Slot& slot) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = slot.hash & mask;
    while (slots_[at].node != kNoNode) at = (at + 1) & mask;
    slots_[at] = slot;
  }

  void grow() {
    const std::size_t size = slots_.empty() ? 64 : slots_.size() * 2;
    budget_->charge((size - slots_.size()) * sizeof(Slot));
    std::vector<Slot> old(size);
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.node != kNoNode) put(slot);
  }

  MemoryBudget* budget_;
  std::uint64_t seed_;
  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

}  // namespace sconce::tree
