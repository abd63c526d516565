#include "model/training/adapters.h"

#include <algorithm>
#include <array>
#include <set>

namespace sconce::model::training {

namespace {

constexpr std::size_t kFirstLook = 128;

// Sources: peft/tuners/lora/layer.py (lora_A, lora_B, lora_embedding_*, lora_magnitude_vector), ia3, loha, lokr;
// diffusers loaders/lora_base.py (lora.down, lora.up); kohya-ss networks/lora.py (lora_down, lora_up, alpha);
// loralib/layers.py.
constexpr std::array<std::string_view, 12> kMarks = {
    "lora_A", "lora_B", "lora_down", "lora_up",    "lora_embedding_A", "lora_embedding_B", "lora_magnitude_vector",
    "hada_w", "lokr_w", "ia3_l",     "lora.down.", "lora.up."};

bool is_adapter_name(std::string_view name) {
  return std::ranges::any_of(kMarks, [&](std::string_view mark) { return name.find(mark) != std::string_view::npos; });
}

/// kohya's scale of a layer: "lora_unet_….alpha".
bool is_scale_name(std::string_view name) { return name.starts_with("lora_") && name.ends_with(".alpha"); }

std::string_view family(std::string_view name) {
  if (name.find("hada_w") != std::string_view::npos) return "LoHa";
  if (name.find("lokr_w") != std::string_view::npos) return "LoKr";
  if (name.find("ia3_l") != std::string_view::npos) return "IA3";
  return "LoRA";
}

/// The layer that a lora_A belongs to, and the rank of that pair: its smaller side.
void note_pair(const Document& document, std::string_view name, NodeId tensor, std::size_t& layers,
               std::set<std::int64_t>& ranks) {
  if (name.find("lora_A") == std::string_view::npos && name.find("lora_down") == std::string_view::npos &&
      name.find("lora.down.") == std::string_view::npos)
    return;
  ++layers;
  const auto shape = shape_of(document, tensor);
  if (!shape.empty() && ranks.size() < 8) ranks.insert(shape[0]);
}

}  // namespace

AdapterCount count_adapters(const Document& document, NodeId state_dict) {
  AdapterCount count;
  if (document.kind(state_dict) != Kind::dict) return count;
  const tree::DictRecord& dict = document.dict_record(state_dict);
  const auto name_at = [&](std::size_t at) { return text_of(document, dict.pairs[2 * at]); };
  std::size_t first = 0;
  while (first < std::min<std::size_t>(dict.count, kFirstLook) && !is_adapter_name(name_at(first))) ++first;
  if (first == std::min<std::size_t>(dict.count, kFirstLook)) return count;
  std::size_t layers = 0;
  std::set<std::int64_t> ranks;
  for (std::size_t at = 0; at < dict.count; ++at) {
    if (!is_tensor(document, dict.pairs[2 * at + 1])) continue;
    if (!is_adapter_name(name_at(at)) && !is_scale_name(name_at(at))) {
      ++count.others;
      continue;
    }
    ++count.tensors;
    note_pair(document, name_at(at), dict.pairs[2 * at + 1], layers, ranks);
  }
  count.what = family(name_at(first));
  if (ranks.size() == 1) count.what += " of rank " + std::to_string(*ranks.begin());
  if (ranks.size() > 1) count.what += " of several ranks";
  if (layers != 0) count.what += " on " + std::to_string(layers) + (layers == 1 ? " layer" : " layers");
  return count;
}

}  // namespace sconce::model::training
