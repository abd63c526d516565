// The JSON text of a sidecar as a flat table: read strictly, with every number checked, and nothing built yet.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sconce/value.h>

#include "formats/safetensors/contents.h"
#include "formats/safetensors/view.h"
#include "tree/document.h"

namespace sconce::formats::safetensors {

/// What a sidecar says of a tensor or a storage.
struct SavedTensor {
  std::vector<std::string> names;  ///< none: made of parts only
  std::optional<DType> dtype;
  std::vector<std::int64_t> shape;  ///< where there is a dtype
  std::optional<std::uint32_t> storage;
  std::vector<std::int64_t> strides;
  std::int64_t offset = 0;
  Layout layout = Layout::strided;
  bool parameter = false;
  bool requires_grad = false;
  bool numpy = false;
  bool fortran = false;
  QScheme qscheme = QScheme::none;
  double scale = 1;
  std::int64_t zero_point = 0;
  std::int64_t axis = 0;
  std::optional<bool> coalesced;
  std::string device;
  bool from_cpu = false;
  std::vector<std::pair<tree::PartName, std::uint32_t>> parts;
  std::uint32_t type = kNotHeld;
  std::uint32_t state = kNotHeld;
};

/// A node. Leaves are in the document already; containers and tensors wait until all of the table is proven.
struct SavedNode {
  Kind kind = Kind::none;
  DictFlavor flavor = DictFlavor::dict;
  bool of_object = false;   ///< a dict whose keys are strings of the table
  std::uint32_t first = 0;  ///< in operands, or number of the tensor
  std::uint32_t count = 0;
  tree::NodeId made = tree::kNoNode;
};

struct NodeTable {
  std::vector<std::uint32_t> roots;
  std::vector<SharedStorage> storages;
  std::vector<SavedNode> nodes;
  std::vector<std::uint32_t> operands;  ///< numbers of nodes; kNotHeld: nothing
  std::vector<SavedTensor> tensors;

  [[nodiscard]] std::span<const std::uint32_t> operands_of(const SavedNode& node) const {
    return std::span(operands).subspan(node.first, node.count);
  }
};

/// Errors: `damaged` with the offset in the text; `limit`.
[[nodiscard]] NodeTable read_node_table(tree::Document& document, std::string_view text);

}  // namespace sconce::formats::safetensors
