// The description of a model's structure in JSON; docs/structure.md has the schema.
#include <sconce/structure.h>

#include "base/json_writer.h"
#include "model/structure/description.h"
#include "model/structure/order.h"
#include "model/structure/python_json.h"

namespace sconce {
namespace model::structure {
namespace {

void write_tensor(JsonWriter& json, const ModuleTensor& tensor) {
  json.begin_object().member("name", std::string_view(tensor.name));
  json.member("dtype", to_string(tensor.tensor.dtype())).key("shape").begin_array();
  for (const std::int64_t size : tensor.tensor.shape()) json.value(size);
  json.end_array();
  if (tensor.buffer) json.member("buffer", true);
  if (!tensor.persistent) json.member("persistent", false);
  if (!tensor.same_as.empty()) json.member("same_as", std::string_view(tensor.same_as));
  json.end_object();
}

void write_module(JsonWriter& json, const ModuleTree& tree, std::size_t index) {
  const ModuleNode& node = tree.nodes[index];
  json.begin_object().member("path", std::string_view(node.path));
  if (index != 0) {
    json.member("name", std::string_view(node.name)).member("parent", std::uint64_t{node.parent});
  }
  json.member("type", std::string_view(node.type));
  if (!node.class_name.empty()) json.member("class", std::string_view(node.class_name));
  if (node.inferred) json.member("inferred", true);
  if (is_met_again(tree, index)) json.member("same_as", std::uint64_t{node.same_as});
  if (!node.settings.empty()) {
    json.key("settings").begin_object();
    for (const auto& [name, value] : node.settings) {
      json.key(name);
      write_python_value(json, value);
    }
    json.end_object();
  }
  if (!node.extra_repr.empty()) json.member("repr", std::string_view(node.extra_repr));
  if (node.version) json.member("version", *node.version);
  if (node.training) json.member("training", *node.training);
  json.member("parameters", node.parameters).member("buffers", node.buffers).member("bytes", node.bytes);
  if (!node.tensors.empty()) {
    json.key("tensors").begin_array();
    for (const ModuleTensor& tensor : node.tensors) write_tensor(json, tensor);
    json.end_array();
  }
  json.end_object();
}

}  // namespace
}  // namespace model::structure

inline namespace v0 {

std::string to_json(const ModuleTree& tree) {
  using namespace model::structure;
  std::string text;
  JsonWriter json(text);
  json.begin_object().member("format", kDescriptionFormat).member("version", kDescriptionVersion);
  json.member("model", std::string_view(tree.source_path)).member("inferred", tree.inferred);
  json.key("modules").begin_array();
  for (std::size_t index = 0; index < tree.nodes.size(); ++index) write_module(json, tree, index);
  json.end_array().key("notes").begin_array();
  for (const std::string& note : tree.notes) json.value(std::string_view(note));
  json.end_array().end_object();
  return text;
}

}  // namespace v0
}  // namespace sconce
