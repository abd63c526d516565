#include "model/structure/infer.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sconce::model::structure {
namespace {

using Shape = std::span<const std::int64_t>;

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::string lower(std::string_view text) {
  std::string small(text.substr(0, 256));
  for (char& c : small)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return small;
}

bool contains_any(std::string_view text, std::span<const std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

std::string tuple_text(Shape shape) {
  std::string text = "(";
  for (std::size_t at = 0; at < shape.size(); ++at) text += (at == 0 ? "" : ", ") + std::to_string(shape[at]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

/// A guess as it grows.
class Guess {
 public:
  Guess(ModuleNode& node, std::string type) : node_(node) {
    node_.type = std::move(type);
    node_.inferred = true;
  }
  /// A setting, printed as "name=value".
  Guess& named(std::string_view name, std::string value) {
    print(std::string(name) + "=" + value);
    return silent(name, std::move(value));
  }
  Guess& named(std::string_view name, std::int64_t value) { return named(name, std::to_string(value)); }
  /// One that is printed as its value alone.
  Guess& bare(std::string_view name, std::int64_t value) {
    print(std::to_string(value));
    return silent(name, std::to_string(value));
  }
  Guess& silent(std::string_view name, std::string value) {
    node_.settings.emplace_back(name, std::move(value));
    return *this;
  }
  Guess& silent(std::string_view name, std::int64_t value) { return silent(name, std::to_string(value)); }
  Guess& print(std::string_view text) {
    node_.extra_repr += (node_.extra_repr.empty() ? "" : ", ") + std::string(text);
    return *this;
  }

 private:
  ModuleNode& node_;
};

class Inference {
 public:
  explicit Inference(ModuleTree& tree) : tree_(tree) {}

  void run() {
    for (std::size_t at = 0; at < tree_.nodes.size(); ++at) infer(at);
  }

 private:
  // ---- what there is

  static const Tensor* find(const ModuleNode& node, std::string_view name) {
    for (const ModuleTensor& tensor : node.tensors)
      if (tensor.name == name) return &tensor.tensor;
    return nullptr;
  }
  [[nodiscard]] const ModuleNode* child(const ModuleNode& node, std::string_view name) const {
    // Kinds are told by few children; a module of thousands is a list.
    constexpr std::size_t kMost = 64;
    for (std::size_t at = 0; at < std::min(node.children.size(), kMost); ++at)
      if (tree_.nodes[node.children[at]].name == name) return &tree_.nodes[node.children[at]];
    return nullptr;
  }
  [[nodiscard]] bool has_children(const ModuleNode& node, std::initializer_list<std::string_view> names) const {
    return std::ranges::all_of(names, [&](std::string_view name) { return child(node, name) != nullptr; });
  }

  // ---- rules, the most telling first

  void infer(std::size_t at) {
    ModuleNode& node = tree_.nodes[at];
    if (recurrent(node) || attention(node) || batch_norm(node) || low_rank(node) || quantised(node) || weighted(node))
      return;
    if (container(node)) return;
    if (at != 0) by_parent(node, tree_.nodes[node.parent]);
  }

  /// weight_ih_l0 has 4, 3 or 1 times as many rows as there are hidden features: LSTM, GRU, RNN.
  bool recurrent(ModuleNode& node) {
    const Tensor* ih = find(node, "weight_ih_l0");
    const Tensor* hh = find(node, "weight_hh_l0");
    const bool cell = ih == nullptr;
    if (cell) {
      ih = find(node, "weight_ih");
      hh = find(node, "weight_hh");
    }
    if (ih == nullptr || hh == nullptr || ih->dim() != 2 || hh->dim() != 2) return false;
    const Tensor* hr = find(node, "weight_hr_l0");
    const std::int64_t rows = ih->shape()[0];
    const std::int64_t hidden = hr != nullptr && hr->dim() == 2 ? hr->shape()[1] : hh->shape()[1];
    if (hidden <= 0 || rows % hidden != 0) return false;
    const std::int64_t gates = rows / hidden;
    if (gates != 4 && gates != 3 && gates != 1) return false;
    std::string type = gates == 4 ? "LSTM" : gates == 3 ? "GRU" : "RNN";
    if (cell) type += "Cell";
    Guess guess(node, std::move(type));
    guess.bare("input_size", ih->shape()[1]).bare("hidden_size", hidden);
    if (hr != nullptr) guess.named("proj_size", hr->shape()[0]);
    if (!cell) layers(node, guess);
    const bool bias = find(node, cell ? "bias_ih" : "bias_ih_l0") != nullptr;
    bias ? guess.silent("bias", "True") : guess.named("bias", "False");
    if (!cell && find(node, "weight_ih_l0_reverse") != nullptr) guess.named("bidirectional", "True");
    return true;
  }

  static void layers(const ModuleNode& node, Guess& guess) {
    std::int64_t count = 0;
    for (const ModuleTensor& tensor : node.tensors)
      if (tensor.name.starts_with("weight_ih_l") && is_number(std::string_view(tensor.name).substr(11))) ++count;
    count > 1 ? guess.named("num_layers", count) : guess.silent("num_layers", count);
  }

  bool attention(ModuleNode& node) {
    const Tensor* in = find(node, "in_proj_weight");
    const Tensor* query = find(node, "q_proj_weight");
    if (in == nullptr && (query == nullptr || find(node, "k_proj_weight") == nullptr)) return false;
    const Tensor& weight = in != nullptr ? *in : *query;
    if (weight.dim() != 2) return false;
    Guess guess(node, "MultiheadAttention");
    guess.named("embed_dim", weight.shape()[1]);
    const bool bias = find(node, "in_proj_bias") != nullptr;
    guess.silent("bias", bias ? "True" : "False");
    return true;
  }

  bool batch_norm(ModuleNode& node) {
    const Tensor* mean = find(node, "running_mean");
    if (mean == nullptr || find(node, "running_var") == nullptr || mean->dim() != 1) return false;
    const std::int64_t features = mean->shape()[0];
    const auto before = outputs_.find(features);
    // Of how many dimensions, only what comes before it can tell.
    std::string type = "BatchNorm";
    if (before != outputs_.end()) type += std::to_string(before->second) + "d";
    Guess guess(node, std::move(type));
    guess.bare("num_features", features);
    const bool affine = find(node, "weight") != nullptr;
    affine ? guess.silent("affine", "True") : guess.named("affine", "False");
    return true;
  }

  /// The first matrix on the way down from a child that adapters put there.
  [[nodiscard]] const Tensor* adapter(const ModuleNode& node, std::string_view name) const {
    if (const Tensor* own = find(node, name)) return own;
    const ModuleNode* at = child(node, name);
    for (int depth = 0; at != nullptr && depth < 3; ++depth) {
      if (const Tensor* weight = find(*at, "weight")) return weight;
      if (!at->tensors.empty()) return &at->tensors.front().tensor;
      at = at->children.empty() ? nullptr : &tree_.nodes[at->children.front()];
    }
    return nullptr;
  }

  /// LoRA, as PEFT and loralib (lora_A, lora_B) and as kohya's scripts (lora_down, lora_up) name it.
  bool low_rank(ModuleNode& node) {
    const Tensor* down = adapter(node, "lora_A");
    const Tensor* up = adapter(node, "lora_B");
    if (down == nullptr || up == nullptr) {
      down = adapter(node, "lora_down");
      up = adapter(node, "lora_up");
    }
    if (down == nullptr || up == nullptr || down->dim() < 2 || up->dim() < 2) return false;
    Guess guess(node, "LoRA");
    guess.named("r", down->shape()[0]);
    if (down->dim() == 2 && up->dim() == 2)
      guess.named("in_features", down->shape()[1]).named("out_features", up->shape()[0]);
    return true;
  }

  bool quantised(ModuleNode& node) {
    const ModuleNode* packed = child(node, "_packed_params");
    const ModuleNode* inner = packed == nullptr ? nullptr : child(*packed, "_packed_params");
    if (inner == nullptr || inner->tensors.empty() || inner->tensors[0].tensor.dim() != 2) return false;
    const Shape shape = inner->tensors[0].tensor.shape();
    Guess guess(node, find(node, "scale") != nullptr ? "QuantizedLinear" : "DynamicQuantizedLinear");
    guess.named("in_features", shape[1]).named("out_features", shape[0]);
    return true;
  }

  /// The weight that a module computes with, where it is made of others.
  struct Weight {
    const Tensor* tensor = nullptr;
    std::string_view made;      ///< "weight_norm" …, or empty
    bool parametrized = false;  ///< by torch.nn.utils.parametrize
  };
  [[nodiscard]] Weight weight_of(const ModuleNode& node) const {
    if (const Tensor* plain = find(node, "weight")) return {plain, {}, false};
    const Tensor* direction = find(node, "weight_v");
    if (direction != nullptr && find(node, "weight_g") != nullptr) return {direction, "weight_norm", false};
    if (const Tensor* original = find(node, "weight_orig")) {
      if (find(node, "weight_u") != nullptr) return {original, "spectral_norm", false};
      if (find(node, "weight_mask") != nullptr) return {original, "pruned", false};
    }
    const ModuleNode* all = child(node, "parametrizations");
    const ModuleNode* list = all == nullptr ? nullptr : child(*all, "weight");
    if (list == nullptr) return {};
    if (const Tensor* original = find(*list, "original")) return {original, "parametrized", true};
    if (find(*list, "original0") != nullptr)
      if (const Tensor* second = find(*list, "original1")) return {second, "weight_norm", true};
    return {};
  }

  bool weighted(ModuleNode& node) {
    const Weight weight = weight_of(node);
    if (weight.tensor == nullptr) return false;
    const Tensor* bias = find(node, "bias");
    if (bias == nullptr) bias = find(node, "bias_orig");
    const Shape shape = weight.tensor->shape();
    const std::string before = weight.parametrized                         ? "Parametrized"
                               : info(weight.tensor->dtype()).is_quantized ? "Quantized"
                                                                           : "";
    bool known = false;
    if (shape.size() >= 3 && shape.size() <= 5)
      known = convolution(node, shape, bias, before);
    else if (shape.size() == 2)
      known = matrix(node, shape, bias, before);
    else if (shape.size() == 1)
      known = vector(node, shape, bias);
    if (known && !weight.made.empty()) node.settings.emplace_back(weight.made, "True");
    return known;
  }

  static bool same_shape(Shape a, const Tensor* b) { return b != nullptr && std::ranges::equal(a, b->shape()); }

  /// Shapes give the channels of one group; how many groups there are, they do not tell.
  bool convolution(ModuleNode& node, Shape shape, const Tensor* bias, const std::string& before) {
    if (same_shape(shape, bias)) return layer_norm(node, shape);
    const auto dims = static_cast<std::int64_t>(shape.size()) - 2;
    const std::int64_t biases = bias != nullptr && bias->dim() == 1 ? bias->shape()[0] : -1;
    const bool transposed = biases > 0 && biases != shape[0] && shape[1] > 0 && biases % shape[1] == 0;
    if (biases >= 0 && biases != shape[0] && !transposed) return false;
    Guess guess(node, before + (transposed ? "ConvTranspose" : "Conv") + std::to_string(dims) + "d");
    if (transposed) {
      guess.named("in_channels", shape[0]).named("out_channels", biases);
    } else {
      guess.print("in_channels=" + std::to_string(shape[1]) + "*groups").silent("in_channels_per_group", shape[1]);
      guess.named("out_channels", shape[0]);
    }
    guess.named("kernel_size", tuple_text(shape.subspan(2)));
    if (transposed && biases != shape[1]) guess.named("groups", biases / shape[1]);
    bias != nullptr ? guess.silent("bias", "True") : guess.named("bias", "False");
    outputs_[transposed ? biases : shape[0]] = dims;
    return true;
  }

  bool matrix(ModuleNode& node, Shape shape, const Tensor* bias, const std::string& before) {
    constexpr std::string_view kTables[] = {"emb", "wte", "wpe", "lookup", "vocab"};
    constexpr std::string_view kLinears[] = {"proj",  "fc",   "lin",   "dense", "head",  "query", "key",
                                             "value", "out",  "cls",   "class", "score", "gate",  "mlp",
                                             "attn",  "qkv",  "w1",    "w2",    "w3",    "w_",    "up",
                                             "down",  "conv", "layer", "wq",    "wk",    "wv",    "wo"};
    if (same_shape(shape, bias)) return layer_norm(node, shape);
    if (bias != nullptr && bias->dim() == 1 && bias->shape()[0] == shape[1] && shape[0] != shape[1]) {
      // The transposed linear layer of GPT-2 and its kin.
      Guess(node, "Conv1D").named("nf", shape[1]).named("nx", shape[0]);
      outputs_[shape[1]] = 1;
      return true;
    }
    if (bias != nullptr && (bias->dim() != 1 || bias->shape()[0] != shape[0])) return false;
    const std::string name = lower(node.name);
    const bool table = bias == nullptr && contains_any(name, kTables) && name.find("proj") == std::string::npos;
    if (table) {
      Guess(node, before + "Embedding").bare("num_embeddings", shape[0]).bare("embedding_dim", shape[1]);
      return true;
    }
    const bool linear = bias != nullptr || contains_any(name, kLinears);
    Guess guess(node, linear ? before + "Linear" : "Linear or Embedding");
    if (linear)
      guess.named("in_features", shape[1])
          .named("out_features", shape[0])
          .named("bias", bias != nullptr ? "True" : "False");
    else
      guess.print(std::to_string(shape[0]) + " x " + std::to_string(shape[1]));
    if (linear) outputs_[shape[0]] = 1;
    return true;
  }

  static bool layer_norm(ModuleNode& node, Shape shape) {
    Guess(node, "LayerNorm").print(tuple_text(shape)).silent("normalized_shape", tuple_text(shape));
    return true;
  }

  bool vector(ModuleNode& node, Shape shape, const Tensor* bias) {
    constexpr std::string_view kGroups[] = {"gn", "group"};
    constexpr std::string_view kLayers[] = {"ln", "layernorm", "layer_norm"};
    constexpr std::string_view kNorms[] = {"norm", "ln", "rms"};
    constexpr std::int64_t kNormVersion = 2;  // of _NormBase, which batch and instance norms are made of
    const std::string name = lower(node.name);
    if (bias != nullptr && !same_shape(shape, bias)) return false;
    if (bias == nullptr) {
      const bool norm = contains_any(name, kNorms);
      const bool one = shape[0] == 1;
      Guess guess(node, norm ? "RMSNorm" : one ? "PReLU" : "RMSNorm or PReLU");
      norm  ? guess.print(tuple_text(shape)).silent("normalized_shape", tuple_text(shape))
      : one ? guess.named("num_parameters", shape[0])
            : guess.print(std::to_string(shape[0]));
      return true;
    }
    if (node.version == kNormVersion) {
      Guess(node, "BatchNorm or InstanceNorm").bare("num_features", shape[0]).named("track_running_stats", "False");
      return true;
    }
    const auto before = outputs_.find(shape[0]);
    if (contains_any(name, kGroups)) {
      Guess(node, "GroupNorm").named("num_channels", shape[0]);
    } else if (contains_any(name, kLayers) || before == outputs_.end() || before->second == 1) {
      return layer_norm(node, shape);
    } else {
      Guess(node, "GroupNorm or LayerNorm").print(std::to_string(shape[0]));
    }
    return true;
  }

  /// Modules that have no tensors of their own.
  bool container(ModuleNode& node) {
    if (has_children(node, {"self_attn", "multihead_attn", "linear1", "linear2", "norm3"})) {
      Guess(node, "TransformerDecoderLayer");
    } else if (has_children(node, {"self_attn", "linear1", "linear2", "norm1", "norm2"})) {
      Guess(node, "TransformerEncoderLayer");
    } else if (!node.tensors.empty() &&
               std::ranges::all_of(node.tensors, [](const ModuleTensor& tensor) { return is_number(tensor.name); })) {
      Guess(node, "ParameterList");
    } else if (node.tensors.empty() && !node.children.empty() &&
               std::ranges::all_of(node.children, [&](std::size_t at) { return is_number(tree_.nodes[at].name); })) {
      Guess(node, "Sequential or ModuleList");
    } else {
      return false;
    }
    return true;
  }

  /// What stands around tells what a module is.
  static void by_parent(ModuleNode& node, const ModuleNode& parent) {
    if (node.name == "parametrizations" && parent.type.starts_with("Parametrized")) Guess(node, "ModuleDict");
    if (parent.name == "parametrizations" && parent.type == "ModuleDict") Guess(node, "ParametrizationList");
    if (node.name == "_packed_params" && parent.type.ends_with("QuantizedLinear")) Guess(node, "LinearPackedParams");
  }

  ModuleTree& tree_;
  /// Dimensions of what the last convolution or linear layer with so many outputs gives: 2 of a Conv2d.
  std::unordered_map<std::int64_t, std::int64_t> outputs_;
};

}  // namespace

void infer_kinds(ModuleTree& tree) { Inference(tree).run(); }

}  // namespace sconce::model::structure
