// Persistent ids: how a PyTorch pickle names what lies outside of it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/torch_common/storage_classes.h"
#include "tree/document.h"

namespace sconce::formats::torch_common {

using tree::kNoNode;
using tree::NodeId;

/// A slice of another storage, as the legacy stream of PyTorch up to 0.3 has it. In elements of the class.
struct StorageView {
  NodeId key = kNoNode;
  std::uint64_t offset = 0;
  std::uint64_t numel = 0;
};

/// ('storage', class, key, location, numel[, view]).
struct StorageId {
  StorageClass cls;
  NodeId key = kNoNode;  ///< a str; equal keys are one node
  std::string_view key_text;
  std::string_view location;
  std::uint64_t numel = 0;  ///< of the root storage
  std::uint64_t nbytes = 0;
  std::optional<StorageView> view;
};

/// The one node of a storage key, whether it was pickled as text or as a Python 2 string; kNoNode where it is absurdly
/// long. `key` is a str.
[[nodiscard]] NodeId key_node(tree::Document& document, NodeId key);

/// Resolves persistent ids. Each container has its own way to find the bytes.
class PersistentLoader {
 public:
  virtual ~PersistentLoader() = default;
  /// The node that the id stands for. Errors: `damaged` for ids that PyTorch would refuse.
  [[nodiscard]] virtual NodeId load(std::uint64_t offset, NodeId id) = 0;
};

/// Ids that only the program that saved the file can resolve: kept as opaque objects. For bare pickles.
class ForeignIds final : public PersistentLoader {
 public:
  explicit ForeignIds(tree::Document& document) : document_(document) {}
  [[nodiscard]] NodeId load(std::uint64_t offset, NodeId id) override;

 private:
  tree::Document& document_;
};

/// Storage ids of the zip and legacy formats: parsed, checked for contradictions, and handed on once for each key.
class StorageLoader : public PersistentLoader {
 public:
  explicit StorageLoader(tree::Document& document) : document_(document) {}
  [[nodiscard]] NodeId load(std::uint64_t offset, NodeId id) override;

 protected:
  /// The number of the document's storage for an id that is met for the first time.
  [[nodiscard]] virtual std::uint32_t first_seen(const StorageId& id) = 0;
  /// Whether ids may name a part of a storage: those of a stream, which have six items for it.
  [[nodiscard]] virtual bool takes_views() const noexcept { return false; }
  /// An id that is no storage. The default refuses it.
  [[nodiscard]] virtual NodeId other(NodeId id, std::string_view tag);

  tree::Document& document_;

 private:
  struct Seen {
    DType dtype;
    bool typed;
    std::uint64_t numel;
    std::uint32_t storage;
    NodeId node;
    NodeId location;
  };
  struct View {
    NodeId node;
    std::uint32_t root;  ///< storage number
    StorageView place;
  };
  [[nodiscard]] StorageId parse(std::span<const NodeId> parts) const;
  void check_same(const Seen& seen, const StorageId& id, NodeId location) const;
  [[nodiscard]] NodeId view_of(const Seen& root, const StorageId& id);

  /// What is known of a key; null where it is new.
  [[nodiscard]] const Seen* find_key(NodeId key) const noexcept;
  const Seen& remember(const StorageId& id, const Seen& seen);

  std::deque<Seen> seen_;
  // Place in seen_ + 1, or 0. Keys are 0, 1, 2 … in every file since 1.9, which needs no hashing; others are found by
  // their node.
  std::vector<std::uint32_t> place_of_number_;
  std::unordered_map<NodeId, std::uint32_t> place_of_node_;
  std::unordered_map<NodeId, View> views_;  // by key
};

}  // namespace sconce::formats::torch_common
