// What of a tree PyTorch's formats cannot hold.
#pragma once

#include <string>
#include <vector>

#include "formats/torch_common/encode.h"
#include "formats/torch_common/encode_storages.h"

namespace sconce::formats::torch_common {

class EncodeLimits {
 public:
  /// Looks at every node once. `root`: what is written.
  EncodeLimits(const tree::Document& document, tree::NodeId root, const StorageUses& uses,
               const EncodeOptions& options);

  /// By node: must not be written. Empty where everything can be.
  [[nodiscard]] const std::vector<bool>& left_out() const noexcept { return left_out_; }
  /// Why a node is left out, for people; "" for one that can be written.
  [[nodiscard]] std::string why_not(tree::NodeId node) const;
  /// 2; or 4 where a class has a name that protocol 2 has no spelling for.
  [[nodiscard]] int protocol() const noexcept { return protocol_; }

 private:
  [[nodiscard]] std::string why_no_tensor(const tree::TensorRecord& record) const;
  [[nodiscard]] std::string why_no_parts(const tree::TensorRecord& record) const;
  [[nodiscard]] std::string why_no_object(const tree::ObjectRecord& record) const;
  [[nodiscard]] bool is_out(tree::NodeId node) const { return !left_out_.empty() && left_out_[node]; }

  const tree::Document& document_;
  const StorageUses& uses_;
  const EncodeOptions& options_;
  std::vector<bool> left_out_;
  int protocol_ = 2;
};

}  // namespace sconce::formats::torch_common
