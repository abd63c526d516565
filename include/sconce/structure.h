// The tree of modules of a model: from a whole-module pickle with classes and settings, from a bare state_dict by names
// and shapes, marked as inferred. And a description of it in JSON that travels with weights, independent of PyTorch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sconce/checkpoint.h>
#include <sconce/export.h>
#include <sconce/value.h>

namespace sconce {
inline namespace v0 SCONCE_API {

/// A parameter or buffer of a module.
struct ModuleTensor {
  std::string name;            ///< within the module: "weight"
  Tensor tensor;
  bool buffer = false;
  bool persistent = true;      ///< false: a buffer that a state_dict leaves out
};

/// One module of the tree. Nodes are in one vector, in the order that print(model) shows; no recursion anywhere.
struct ModuleNode {
  std::string name;                 ///< "conv1"; "" for the root
  std::string path;                 ///< "layer1.0.conv1"
  std::string type;                 ///< "Conv2d", or a dotted class that is not torch's; "" where not known
  std::string class_name;           ///< dotted: "torch.nn.modules.conv.Conv2d"; "" where inferred or not known
  bool inferred = false;            ///< type and settings are guessed from names and shapes
  std::vector<std::pair<std::string, std::string>> settings;  ///< "in_features" → "512", as Python writes the value
  std::string extra_repr;           ///< as PyTorch prints it: "3, 64, kernel_size=(7, 7), stride=(2, 2)"; or ""
  std::vector<ModuleTensor> tensors;
  std::optional<std::int64_t> version;  ///< of `_metadata`
  std::optional<bool> training;
  std::size_t parent = 0;           ///< index; its own for the root
  std::size_t depth = 0;
  std::vector<std::size_t> children;
  std::uint64_t parameters = 0;     ///< elements in the subtree; shared ones counted once, as in the model's total
  std::uint64_t buffers = 0;        ///< elements in the subtree
  std::uint64_t bytes = 0;          ///< of parameters and buffers in the subtree
  std::size_t same_as = SIZE_MAX;   ///< index of the node that is the very same module, met before
};

struct ModuleTree {
  std::vector<ModuleNode> nodes;    ///< the root first; empty where there is no model
  std::string source_path;          ///< where in the checkpoint the model lies
  bool inferred = false;            ///< from a state_dict, not from modules
  std::vector<std::string> notes;   ///< "a name with dots collides with …"
};

/// The module tree of the model at `which`, or of the only one. Reads no tensor data. Errors: as Checkpoint::state_dict().
[[nodiscard]] ModuleTree module_tree(const Checkpoint& checkpoint, std::string_view which = {});

/// As Python's print(model) shows it: byte for byte for torch's own modules; inferred kinds are marked.
[[nodiscard]] std::string to_text(const ModuleTree& tree);

/// The description that travels with weights (docs/structure.md): modules, kinds, settings, names, shapes, dtypes, ties.
[[nodiscard]] std::string to_json(const ModuleTree& tree);
/// Where a checkpoint carries one: the JSON text. In a pytorch-zip an extra record, in safetensors a metadata entry.
[[nodiscard]] std::optional<std::string> saved_structure(const Checkpoint& checkpoint);
/// What in the checkpoint contradicts its description: a sentence each. Errors: `damaged` where that is no such JSON.
[[nodiscard]] std::vector<std::string> check_structure(const Checkpoint& checkpoint, std::string_view json);

}  // namespace SCONCE_API
}  // namespace sconce
