// Leaves as the public walk shows them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sconce/checkpoint.h>

#include "tree/walk.h"

namespace sconce::model {

/// A bare storage as a tensor of one dimension; uint8 where it is untyped.
[[nodiscard]] Tensor storage_as_tensor(const tree::Document& document, tree::NodeId node);

/// Whether a walk with these options shows the leaf. Empty containers are never shown.
[[nodiscard]] bool wanted(const WalkOptions& options, const tree::Document& document, const tree::Walker& walker,
                          bool tensor);

/// The leaf at which a walker stands. Where a file holds several objects, names begin with the object's number.
class TreeLeaf final : public Leaf {
 public:
  TreeLeaf(std::shared_ptr<tree::Document> document, const tree::Walker& walker, std::optional<std::size_t> root)
      : document_(std::move(document)), walker_(walker), root_(root) {}

  [[nodiscard]] std::string_view name() const override;
  [[nodiscard]] Path path() const override;
  [[nodiscard]] Kind kind() const override { return document_->kind(walker_.node()); }
  [[nodiscard]] Value value() const override { return {document_, walker_.node()}; }
  [[nodiscard]] Tensor tensor() const override;
  [[nodiscard]] bool is_tensor() const override { return kind() == Kind::tensor || kind() == Kind::storage; }
  [[nodiscard]] std::optional<std::uint64_t> storage_number() const override;

 private:
  std::shared_ptr<tree::Document> document_;
  const tree::Walker& walker_;
  std::optional<std::size_t> root_;
  mutable std::string prefixed_;
};

}  // namespace sconce::model
