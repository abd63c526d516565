#include "model/structure/module_object.h"

#include <array>

#include "model/structure/known_classes.h"

namespace sconce::model::structure {

using tree::kNoNode;
using tree::NodeId;

ModuleObject::ModuleObject(const tree::Document& document, NodeId id)
    : document_(document), class_name_(document.class_name(id)) {
  if (document.kind(id) != Kind::object) return;
  add_attributes(id);
  if (attributes_.empty()) add_quantized_conv(id);
  for (const auto& [name, value] : attributes_) index_.insert_or_assign(name, value);
}

void ModuleObject::add_attributes(NodeId id) {
  for (const auto& [key, value] : document_.attributes(id))
    if (document_.kind(key) == Kind::str) attributes_.emplace_back(document_.text(key), value);
}

/// Quantised convolutions pickle a tuple in place of a dict (_ConvNd.__getstate__ in torch/ao/nn/quantized/modules).
void ModuleObject::add_quantized_conv(NodeId id) {
  constexpr std::array<std::string_view, 15> kNames = {
      "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation",   "transposed", "output_padding",
      "groups",      "padding_mode", "weight",      "bias",   "scale",   "zero_point", "training"};
  const std::string key = class_key(class_name_);
  if (key.find("quantized.Conv") == std::string::npos) return;
  const tree::ObjectRecord& record = document_.object_record(id);
  for (std::uint32_t step = record.step_count; step-- > 0;) {
    const NodeId state = record.steps[step].value;
    if (record.steps[step].event != tree::ObjectRecord::Event::state || document_.kind(state) != Kind::tuple) continue;
    const auto elements = document_.elements(state);
    if (elements.size() != kNames.size()) continue;
    for (std::size_t at = 0; at < kNames.size(); ++at) attributes_.emplace_back(kNames[at], elements[at]);
    return;
  }
}

NodeId ModuleObject::dict(std::string_view name) const {
  const auto found = index_.find(name);
  return found != index_.end() && document_.kind(found->second) == Kind::dict ? found->second : kNoNode;
}

NodeId ModuleObject::find(std::string_view name) const {
  if (const auto found = index_.find(name); found != index_.end()) return found->second;
  for (const std::string_view part : {"_parameters", "_buffers", "_modules"})
    if (const NodeId entries = dict(part); entries != kNoNode)
      if (const NodeId value = document_.dict_get(entries, name); value != kNoNode) return value;
  return kNoNode;
}

}  // namespace sconce::model::structure
