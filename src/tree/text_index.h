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
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::size_t at = hash & mask; slots_[at].node != kNoNode; at = (at + 1) & mask)
      if (slots_[at].tag == tag && is(slots_[at].node)) return slots_[at].node;
    return kNoNode;
  }

  /// Adds a node that is not there yet. The low half of the hash is kept in the node's slot order only, so growing
  /// needs the texts again: `hash_of(node)` gives a node's hash.
  template <typename HashOf>
  void insert(std::uint64_t hash, NodeId node, const HashOf& hash_of) {
    if (2 * (count_ + 1) > slots_.size()) grow(hash_of);
    put(hash, node);
    ++count_;
  }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    NodeId node = kNoNode;
  };

  void put(std::uint64_t hash, NodeId node) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    while (slots_[at].node != kNoNode) at = (at + 1) & mask;
    slots_[at] = {static_cast<std::uint32_t>(hash >> 32), node};
  }

  template <typename HashOf>
  void grow(const HashOf& hash_of) {
    const std::size_t size = slots_.empty() ? 64 : slots_.size() * 2;
    budget_->charge((size - slots_.size()) * sizeof(Slot));
    std::vector<Slot> old(size);
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.node != kNoNode) put(hash_of(slot.node), slot.node);
  }

  MemoryBudget* budget_;
  std::uint64_t seed_;
  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

}  // namespace sconce::tree
