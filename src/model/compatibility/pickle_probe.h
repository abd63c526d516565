// Runs a pickle once more, for what it says about who can read it.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/byte_reader.h"
#include "model/compatibility/features.h"
#include "pickle/machine.h"
#include "tree/document.h"

namespace sconce::model::compatibility {

/// A resolver of pickle::Machine: everything that is no plain value becomes an object that remembers what made it, and
/// what matters for other readers goes into the features.
class PickleProbe {
 public:
  using NodeId = tree::NodeId;

  PickleProbe(tree::Document& document, Features& features, bool legacy)
      : document_(document), features_(features), legacy_(legacy) {}

  /// Runs the pickle at the reader's position; the reader stands behind it afterwards. `main`: the object itself, not
  /// one of the small pickles around it.
  NodeId run(ByteReader& reader, bool main);

  // For the machine.
  NodeId global(std::uint64_t offset, std::string_view module, std::string_view name, int protocol);
  NodeId reduce(std::uint64_t offset, NodeId callable, NodeId args);
  NodeId new_object(std::uint64_t offset, NodeId cls, NodeId args, NodeId kwargs);
  NodeId instance(std::uint64_t offset, NodeId cls, NodeId args);
  NodeId build(std::uint64_t offset, NodeId target, NodeId state);
  void append(std::uint64_t offset, NodeId target, std::span<const NodeId> items, bool several);
  void set_items(std::uint64_t offset, NodeId target, std::span<const NodeId> pairs);
  void add_items(std::uint64_t offset, NodeId target, std::span<const NodeId> items);
  NodeId persistent(std::uint64_t offset, NodeId id);
  NodeId extension(std::uint64_t offset, std::uint32_t code);
  NodeId buffer(std::uint64_t offset);

  /// Of the listener: every opcode, with the end of its argument.
  void opcode(std::uint64_t offset, std::uint8_t code, std::uint64_t end);

 private:
  [[nodiscard]] NodeId made(tree::ObjectRecord::How how, NodeId callable, NodeId args) const;
  /// Dotted name of what made an object, or of a global; empty where there is none.
  [[nodiscard]] std::string_view class_of(NodeId node) const;
  void called_with(std::uint64_t offset, std::string_view name, NodeId args);
  void called_rebuild_from_type(std::uint64_t offset, std::span<const NodeId> args);
  void storage_id(std::uint64_t offset, std::span<const NodeId> parts);
  void look_at_values();
  void look_at_keys(NodeId dict);

  tree::Document& document_;
  Features& features_;
  bool legacy_;
  std::unordered_map<NodeId, std::size_t> name_at_;  // global -> place in features_.names
  std::unordered_set<NodeId> storage_keys_;          // met so far
  std::size_t unknown_names_ = 0;
};

}  // namespace sconce::model::compatibility
