#include "model/structure/extra_repr.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "model/structure/python_text.h"
#include "tree/references.h"
#include "tree/repr.h"

namespace sconce::model::structure {
namespace {

using tree::Document;
using tree::kNoNode;
using tree::NodeId;

constexpr std::size_t kMostSettings = 64;
constexpr std::size_t kMostLines = 10'000;

/// The value of an attribute that a pattern asks for.
struct Attribute {
  std::string repr;
  std::string str;
  bool none = false;
};

Attribute from_default(std::string_view repr) { return {std::string(repr), str_of_repr(repr), repr == "None"}; }

bool is_truth(const Attribute& value) {
  return !value.none && value.repr != "False" && value.repr != "0" && value.repr != "0.0" && value.repr != "''";
}

/// Whether a value is a number, text or truth equal to another as Python's == has it, which a 2.0 is to a 2.
bool is_equal(std::string_view a, std::string_view b) {
  if (a == b) return true;
  double x = 0;
  double y = 0;
  const auto whole = [](std::string_view text, double& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc() && end == text.data() + text.size();
  };
  return whole(a, x) && whole(b, y) && x == y;
}

/// The same of every element, where the value is a sequence of numbers.
bool is_all_equal(std::string_view value, std::string_view wanted) {
  if (value.size() < 2 || (value.front() != '(' && value.front() != '[')) return is_equal(value, wanted);
  value = value.substr(1, value.size() - 2);
  while (!value.empty()) {
    const std::size_t end = std::min(value.find(','), value.size());
    std::string_view element = value.substr(0, end);
    while (element.starts_with(' ')) element.remove_prefix(1);
    if (!element.empty() && !is_equal(element, wanted)) return false;
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return true;
}

/// The quantised tensor that the packed parameters of a module hold, as far as it is told without running anything.
std::optional<std::string> packed_qscheme(const ModuleObject& module) {
  const NodeId packed = module.find("_packed_params");
  if (packed == kNoNode) return std::nullopt;
  const Document& document = module.document();
  constexpr std::size_t kMostNodes = 200;
  std::vector<NodeId> seen{packed};
  for (std::size_t at = 0; at < seen.size() && seen.size() < kMostNodes; ++at) {
    if (document.kind(seen[at]) == Kind::tensor) {
      const tree::TensorExtra* extra = document.tensor_record(seen[at]).extra;
      if (extra != nullptr && extra->qscheme == QScheme::per_tensor_affine) return "torch.per_tensor_affine";
      if (extra != nullptr && extra->qscheme == QScheme::per_channel_affine)
        return info(document.tensor_record(seen[at]).dtype).is_quantized && extra->part_count != 0 &&
                       document.kind(extra->parts[1].tensor) == Kind::tensor &&
                       info(document.tensor_record(extra->parts[1].tensor).dtype).is_floating_point
                   ? "torch.per_channel_affine_float_qparams"
                   : "torch.per_channel_affine";
    }
    tree::for_each_reference(document, seen[at], [&](NodeId node) {
      if (seen.size() < kMostNodes && std::ranges::find(seen, node) == seen.end()) seen.push_back(node);
    });
  }
  return std::nullopt;
}

/// Fills in the pattern of a known class.
class Pattern {
 public:
  Pattern(const ModuleObject& module, const KnownClass& known) : module_(module) {
    std::string_view rest = known.defaults;
    while (!rest.empty()) {
      const std::string_view entry = rest.substr(0, rest.find(';'));
      const std::size_t equals = entry.find('=');
      defaults_.emplace(entry.substr(0, equals), entry.substr(equals + 1));
      rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
    }
  }

  std::string fill(std::string_view pattern) {
    std::string text;
    while (!pattern.empty()) {
      const std::size_t special = std::min(pattern.find_first_of("{["), pattern.size());
      text += pattern.substr(0, special);
      pattern.remove_prefix(special);
      if (pattern.empty()) break;
      const bool field = pattern.front() == '{';
      const std::size_t end = pattern.find(field ? '}' : ']');
      const std::string_view inside = pattern.substr(1, end - 1);
      text += field ? fill_field(inside) : fill_choice(inside);
      pattern.remove_prefix(end + 1);
    }
    return text;
  }

 private:
  std::string fill_field(std::string_view field) {
    if (field.ends_with('?')) return value(field.substr(0, field.size() - 1)).none ? "False" : "True";
    if (field.ends_with("!r")) return value(field.substr(0, field.size() - 2)).repr;
    return value(field).str;
  }

  std::string fill_choice(std::string_view choice) {
    const std::size_t bar = choice.find('|');
    const std::string_view condition = choice.substr(0, bar);
    if (!holds(condition)) return {};
    return fill(choice.substr(bar + 1));
  }

  bool holds(std::string_view condition) {
    if (condition.ends_with('+')) return !value(condition.substr(0, condition.size() - 1)).none;
    if (condition.ends_with('-')) return value(condition.substr(0, condition.size() - 1)).none;
    if (const std::size_t at = condition.find("!="); at != std::string_view::npos)
      return !is_all_equal(value(condition.substr(0, at)).str, condition.substr(at + 2));
    return is_truth(value(condition));
  }

  Attribute value(std::string_view name) const {
    if (name == "qscheme") {
      const auto scheme = packed_qscheme(module_);
      return scheme ? Attribute{*scheme, *scheme, false} : Attribute{"?", "?", true};
    }
    NodeId node = module_.find(name);
    if (name == "packed_dtype") node = packed_dtype();
    if (node == kNoNode) {
      const auto known = defaults_.find(name);
      return known != defaults_.end() ? from_default(known->second) : Attribute{"?", "?", true};
    }
    const Document& document = module_.document();
    if (document.kind(node) == Kind::none) return from_default("None");
    const auto repr = python_repr(document, node);
    if (repr) return {*repr, *python_str(document, node), false};
    // Something that no module of PyTorch has there; what stands in for it must be short.
    const std::string kind(sconce::to_string(document.kind(node)));
    return {"<" + kind + ">", "<" + kind + ">", false};
  }

  NodeId packed_dtype() const {
    const NodeId packed = module_.find("_packed_params");
    return packed == kNoNode ? kNoNode : module_.document().attribute(packed, "dtype");
  }

  const ModuleObject& module_;
  std::map<std::string_view, std::string_view> defaults_;
};

// --------------------------------------------------------------------------------- ParameterList and ParameterDict

/// "FloatTensor": the type that torch.typename() names.
std::string tensor_type_name(DType dtype) {
  switch (dtype) {
    case DType::float64: return "DoubleTensor";
    case DType::float32: return "FloatTensor";
    case DType::float16: return "HalfTensor";
    case DType::bfloat16: return "BFloat16Tensor";
    case DType::int64: return "LongTensor";
    case DType::int32: return "IntTensor";
    case DType::int16: return "ShortTensor";
    case DType::int8: return "CharTensor";
    case DType::uint8: return "ByteTensor";
    case DType::boolean: return "BoolTensor";
    case DType::complex64: return "ComplexFloatTensor";
    case DType::complex128: return "ComplexDoubleTensor";
    case DType::complex32: return "ComplexHalfTensor";
    default: break;
  }
  std::string name(sconce::to_string(dtype));
  if (name.front() >= 'a' && name.front() <= 'z') name.front() = static_cast<char>(name.front() - 'a' + 'A');
  return name + "Tensor";
}

std::string tensor_line(const Document& document, NodeId id, bool type_name) {
  const tree::TensorRecord& record = document.tensor_record(id);
  const std::string_view device = document.device(record);
  const bool cuda = device.starts_with("cuda");
  std::string text = record.parameter ? "Parameter containing: [torch." : "Tensor containing: [torch.";
  text +=
      type_name ? (cuda ? "cuda." : "") + tensor_type_name(record.dtype) : std::string(sconce::to_string(record.dtype));
  text += " of size ";
  for (std::size_t at = 0; at < record.ndim; ++at) text += (at == 0 ? "" : "x") + std::to_string(record.shape()[at]);
  if (cuda) text += " (" + std::string(device) + ")";
  return text + "]";
}

std::string python_type_name(const Document& document, NodeId id) {
  switch (document.kind(id)) {
    case Kind::none: return "NoneType";
    case Kind::boolean: return "bool";
    case Kind::integer: return "int";
    case Kind::floating: return "float";
    case Kind::size: return "Size";
    case Kind::object: {
      const std::string name = document.class_name(id);
      return name.substr(name.rfind('.') + 1);
    }
    default: return std::string(sconce::to_string(document.kind(id)));
  }
}

void add_line(std::string& text, const Document& document, std::string_view key, NodeId value, bool type_name) {
  if (!text.empty()) text += '\n';
  text += "  (" + std::string(key) + "): ";
  text += document.kind(value) == Kind::tensor ? tensor_line(document, value, type_name)
                                               : "Object of type: " + python_type_name(document, value);
}

std::string parameter_list(const ModuleObject& module) {
  const Document& document = module.document();
  const NodeId parameters = module.dict("_parameters");
  const NodeId size = module.find("_size");  // since 1.12
  std::size_t count = parameters == kNoNode ? 0 : document.dict_record(parameters).count;
  if (size != kNoNode && document.kind(size) == Kind::integer && !document.is_big(size))
    count = static_cast<std::size_t>(std::max<std::int64_t>(0, document.integer_value(size)));
  std::string text;
  for (std::size_t at = 0; at < std::min(count, kMostLines); ++at) {
    const std::string key = std::to_string(at);
    const NodeId value = module.find(key);
    if (value == kNoNode) break;
    add_line(text, document, key, value, false);
  }
  return text;
}

std::string parameter_dict(const ModuleObject& module) {
  const Document& document = module.document();
  NodeId keys = module.dict("_keys");  // since 1.12
  if (keys == kNoNode) keys = module.dict("_parameters");
  std::string text;
  if (keys == kNoNode) return text;
  const tree::DictRecord& record = document.dict_record(keys);
  for (std::size_t at = 0; at < std::min<std::size_t>(record.count, kMostLines); ++at) {
    if (document.kind(record.pairs[2 * at]) != Kind::str) continue;
    const std::string_view key = document.text(record.pairs[2 * at]);
    const NodeId value = module.find(key);
    if (value != kNoNode) add_line(text, document, key, value, true);
  }
  return text;
}

}  // namespace

std::string extra_repr_of(const ModuleObject& module) {
  const std::string key = class_key(module.class_name());
  if (key == "ParameterList") return parameter_list(module);
  if (key == "ParameterDict") return parameter_dict(module);
  const KnownClass* known = find_known(key);
  if (known == nullptr) return {};
  return Pattern(module, *known).fill(known->pattern);
}

std::vector<std::pair<std::string, std::string>> settings_of(const ModuleObject& module) {
  const Document& document = module.document();
  std::vector<std::pair<std::string, std::string>> settings;
  for (const auto& [name, value] : module.attributes()) {
    if (settings.size() == kMostSettings) break;
    if (name.empty() || name.size() > 128 || name.front() == '_' || name == "training") continue;
    if (auto repr = python_repr(document, value)) settings.emplace_back(name, std::move(*repr));
  }
  const KnownClass* known = find_known(class_key(module.class_name()));
  const bool asks_bias = known != nullptr && (known->pattern.find("{bias?}") != std::string_view::npos ||
                                              known->pattern.find("[bias-") != std::string_view::npos);
  if (!asks_bias) return settings;
  std::erase_if(settings, [](const auto& setting) { return setting.first == "bias"; });
  const NodeId bias = module.find("bias");
  settings.emplace_back("bias", bias != kNoNode && document.kind(bias) != Kind::none ? "True" : "False");
  return settings;
}

}  // namespace sconce::model::structure
