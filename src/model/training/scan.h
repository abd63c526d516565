// How much is inside a part: tensors, bytes, and whether it contains itself.
#pragma once

#include <cstdint>
#include <vector>

#include "model/training/fields.h"

namespace sconce::model::training {

struct Extent {
  std::uint64_t tensors = 0;
  std::uint64_t bytes = 0;  ///< of storages that no scan of this Scanner met before
  bool cyclic = false;      ///< dicts, lists and tuples that contain themselves; objects may, and often do
};

/// Counts what is inside of values. One container is looked at once in a scan, whatever number of paths lead to it.
/// Not thread-safe.
class Scanner {
 public:
  explicit Scanner(const Document& document)
      : document_(document),
        counted_(document.storage_count(), false),
        seen_(document.node_count(), 0),
        steps_left_(1'000'000 + std::uint64_t{4} * document.node_count()) {}

  [[nodiscard]] Extent scan(NodeId root);
  /// False where one was cut short: many parts over one large tree.
  [[nodiscard]] bool complete() const noexcept { return steps_left_ != 0; }

 private:
  struct Frame {
    NodeId node = kNoNode;
    std::size_t at = 0;
    std::size_t first = 0;  ///< of its children in children_
    std::size_t count = 0;
  };
  void enter(NodeId node, Extent& extent);
  void meet(NodeId node, Extent& extent);
  void count_storage(std::uint32_t number, Extent& extent);

  const Document& document_;
  std::vector<bool> counted_;        ///< by number of the storage
  std::vector<std::uint32_t> seen_;  ///< 2 * scan: on the path; 2 * scan + 1: done
  std::uint32_t scan_ = 0;
  std::uint64_t steps_left_;
  std::size_t objects_open_ = 0;
  std::vector<Frame> frames_;
  std::vector<NodeId> children_;
};

}  // namespace sconce::model::training
