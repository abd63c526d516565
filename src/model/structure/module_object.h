// One torch.nn.Module of a pickle: its attributes, looked up as Python does.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tree/document.h"

namespace sconce::model::structure {

/// Reads the attributes once; the document must outlive it.
class ModuleObject {
 public:
  ModuleObject(const tree::Document& document, tree::NodeId id);

  [[nodiscard]] const tree::Document& document() const noexcept { return document_; }
  [[nodiscard]] const std::string& class_name() const noexcept { return class_name_; }
  /// In the order of __dict__; keys that are no text are left out.
  [[nodiscard]] const std::vector<std::pair<std::string_view, tree::NodeId>>& attributes() const noexcept {
    return attributes_;
  }
  /// An attribute, else a parameter, buffer or module, as getattr() finds them; kNoNode where there is none.
  [[nodiscard]] tree::NodeId find(std::string_view name) const;
  /// `_parameters`, `_buffers`, `_modules`; kNoNode where the object has no such dict.
  [[nodiscard]] tree::NodeId dict(std::string_view name) const;
  /// What looking at it took: for limits.
  [[nodiscard]] std::size_t work() const noexcept { return attributes_.size() + 1; }

 private:
  void add_attributes(tree::NodeId id);
  void add_quantized_conv(tree::NodeId id);

  const tree::Document& document_;
  std::string class_name_;
  std::vector<std::pair<std::string_view, tree::NodeId>> attributes_;
  std::unordered_map<std::string_view, tree::NodeId> index_;
};

}  // namespace sconce::model::structure
