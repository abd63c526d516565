// The tree of modules of a model: from a whole-module pickle with classes and settings, from a bare state_dict by names
// and shapes, marked as inferred. And a description of it in JSON that travels with weights, independent of PyTorch.
//
// Facts of what PyTorch prints: extra_repr and __repr__ in torch/nn/modules/*.py and torch/ao/nn/quantized of PyTorch
// 2.13; of modules in pickles: torch/nn/modules/module.py (`_parameters`, `_buffers`, `_modules`), all ages since 0.1.
// Thread rule: as the Checkpoint's: const use from many threads is safe; a ModuleTree is a plain value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sconce/checkpoint.h>
#include <sconce/export.h>
#include <sconce/tensor.h>

namespace sconce {
inline namespace v0 SCONCE_API {

/// A parameter or buffer of a module.
struct ModuleTensor {
  std::string name;            ///< within the module: "weight"
  Tensor tensor;               ///< of a description: a meta tensor, which has dtype and shape only
  bool buffer = false;
  bool persistent = true;      ///< false: a buffer that a state_dict leaves out
  std::string same_as;         ///< full name of the tensor of the tree that is the very same, met before; or ""
};

/// One module of the tree. Nodes are in one vector, in the order that print(model) shows; no recursion anywhere.
struct ModuleNode {
  std::string name;                 ///< "conv1"; "" for the root
  std::string path;                 ///< "layer1.0.conv1"
  std::string type;                 ///< as print(model) names it: "Conv2d", "Net"; "" where not known; "None" where a
                                    ///< module's attribute is None in place of a module
  std::string class_name;           ///< dotted: "torch.nn.modules.conv.Conv2d"; "" where inferred or not known
  bool inferred = false;            ///< type and settings are guessed from names and shapes
  std::vector<std::pair<std::string, std::string>> settings;  ///< "in_features" → "512", as Python writes the value
  std::string extra_repr;           ///< as PyTorch prints it: "3, 64, kernel_size=(7, 7), stride=(2, 2)"; or ""
  std::vector<ModuleTensor> tensors;    ///< parameters, then buffers
  std::optional<std::int64_t> version;  ///< of `_metadata`
  std::optional<bool> training;
  std::size_t parent = 0;           ///< index; its own for the root
  std::size_t depth = 0;
  std::vector<std::size_t> children;
  std::uint64_t parameters = 0;     ///< elements in the subtree; shared ones counted once, as in the model's total
  std::uint64_t buffers = 0;        ///< elements in the subtree
  std::uint64_t bytes = 0;          ///< of parameters and buffers in the subtree
  std::size_t same_as = SIZE_MAX;   ///< index of the node that is the very same module, met before: the children and
                                    ///< tensors stand there; where that is around this one, the modules are a cycle
};

struct ModuleTree {
  std::vector<ModuleNode> nodes;    ///< the root first; empty where there is no model
  std::string source_path;          ///< where in the checkpoint the model lies
  bool inferred = false;            ///< from a state_dict, not from modules
  bool described = false;           ///< from the description that the file carries
  std::vector<std::string> notes;   ///< "a name with dots collides with …"
};

/// Paths of the models of a checkpoint, as state_dict(which) and module_tree(checkpoint, which) take them; "" is the
/// root. Empty where there is none.
[[nodiscard]] std::vector<std::string> model_paths(const Checkpoint& checkpoint);

/// The module tree of the model at `which`, or of the only one. A state_dict whose file carries a description that fits
/// it gets kinds and settings from there. Reads no tensor data. Errors: as Checkpoint::state_dict(); `limit` where names
/// add up to absurd sizes.
[[nodiscard]] ModuleTree module_tree(const Checkpoint& checkpoint, std::string_view which = {});

/// As the newest PyTorch's print(model) shows it, without a newline at the end: byte for byte for torch's own modules
/// (equal neighbours in a ModuleList are folded as since 2.1). Of a class that is not torch's, what its extra_repr would
/// print is not known, and is left out. Lines of inferred kinds end in "  # inferred". Text of the file is not escaped.
/// Errors: `limit` beyond 16 MiB and 1 KiB for each module, which modules shared again and again can ask for.
[[nodiscard]] std::string to_text(const ModuleTree& tree);

/// The description that travels with weights (docs/structure.md): modules, kinds, settings, names, shapes, dtypes, ties.
[[nodiscard]] std::string to_json(const ModuleTree& tree);
/// The tree that a description is of; its tensors are meta tensors. Errors: `damaged` where that is no such JSON, with
/// the offset; `limit`.
[[nodiscard]] ModuleTree tree_from_json(std::string_view json);

/// Name of the record of a pytorch-zip, and of the entry of safetensors' `__metadata__`, that holds a description.
inline constexpr std::string_view kStructurePart = "sconce.structure";
/// The description that a checkpoint carries: the JSON text. Errors: `limit` beyond 64 MiB; those of reading.
[[nodiscard]] std::optional<std::string> saved_structure(const Checkpoint& checkpoint);
/// What in the checkpoint contradicts its description: a sentence each, at most 1000. Reads the data of tensors that are
/// described as one and are two. Errors: those of tree_from_json(), and of reading.
[[nodiscard]] std::vector<std::string> check_structure(const Checkpoint& checkpoint, std::string_view json);

}  // namespace SCONCE_API
}  // namespace sconce
