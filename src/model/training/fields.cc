#include "model/training/fields.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <sconce/error.h>

#include "tensor/cast.h"
#include "tree/repr.h"

namespace sconce::model::training {

namespace {

constexpr std::uint64_t kSmallStorage = 4096;  // bytes that may be inflated for one number

bool holds_one(const Document& document, NodeId id) {
  const tree::TensorRecord& record = document.tensor_record(id);
  return record.has_storage() && record.layout == Layout::strided && !record.meta &&
         std::ranges::all_of(record.shape(), [](std::int64_t size) { return size == 1; });
}

std::optional<double> element_of(const Document& document, NodeId id) {
  const Tensor tensor = document.tensor_handle(id);
  if (!tensor::can_cast(tensor.dtype(), DType::float64)) return std::nullopt;
  const Storage& storage = tensor.storage();
  if (storage.nbytes() > kSmallStorage && storage.view().empty() && !storage.file_offset()) return std::nullopt;
  try {
    std::array<std::byte, 16> bytes{};
    if (tensor.nbytes() > bytes.size()) return std::nullopt;
    tensor.copy_to(std::span(bytes).first(tensor.nbytes()));
    double value = 0;
    tensor::cast_elements(tensor.dtype(), bytes.data(), DType::float64, reinterpret_cast<std::byte*>(&value), 1);
    return value;
  } catch (const Error&) {
    return std::nullopt;  // what is wrong with its bytes is for verify to say
  }
}

}  // namespace

NodeId field(const Document& document, NodeId id, std::string_view key) {
  if (document.kind(id) == Kind::dict) return document.dict_get(id, key);
  if (document.kind(id) != Kind::object) return kNoNode;
  if (const NodeId found = document.attribute(id, key); found != kNoNode) return found;
  for (const tree::Child& child : fields(document, id))
    if (child.how == PathStep::How::key && document.text(child.key) == key) return child.value;
  return kNoNode;
}

std::vector<tree::Child> fields(const Document& document, NodeId id) {
  std::vector<tree::Child> all;
  if (document.kind(id) == Kind::dict) {
    const tree::DictRecord& dict = document.dict_record(id);
    all.reserve(dict.count);
    for (std::size_t at = 0; at < dict.count; ++at)
      all.push_back(tree::keyed_child(document, dict.pairs[2 * at], dict.pairs[2 * at + 1], at));
  } else if (document.kind(id) == Kind::object) {
    tree::collect_children(document, id, all);
    std::erase_if(all,
                  [](const tree::Child& child) { return child.how == PathStep::How::index && child.key == kNoNode; });
  }
  return all;
}

bool is_number(const Document& document, NodeId id) {
  switch (document.kind(id)) {
    case Kind::integer:
    case Kind::floating:
    case Kind::boolean: return true;
    case Kind::scalar: return tree::scalar_float(document, id) || tree::scalar_integer(document, id);
    case Kind::tensor: return holds_one(document, id);
    default: return false;
  }
}

std::optional<double> number_of(const Document& document, NodeId id) {
  switch (document.kind(id)) {
    case Kind::integer:
      if (document.is_big(id)) return std::nullopt;
      return static_cast<double>(document.integer_value(id));
    case Kind::floating: return document.floating_value(id);
    case Kind::boolean: return document.boolean_value(id) ? 1.0 : 0.0;
    case Kind::scalar:
      if (const auto real = tree::scalar_float(document, id)) return real;
      if (const auto integer = tree::scalar_integer(document, id)) return static_cast<double>(*integer);
      return std::nullopt;
    case Kind::tensor: return holds_one(document, id) ? element_of(document, id) : std::nullopt;
    default: return std::nullopt;
  }
}

std::string_view text_of(const Document& document, NodeId id) {
  return id != kNoNode && document.kind(id) == Kind::str ? document.text(id) : std::string_view();
}

bool is_container(const Document& document, NodeId id) {
  const Kind kind = document.kind(id);
  return kind == Kind::dict || kind == Kind::list || kind == Kind::tuple || kind == Kind::object;
}

std::string joined(std::string_view path, std::string_view name) {
  std::string text(path);
  if (!path.empty()) text += '.';
  return text += name;
}

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (std::size_t at = 0; at < shape.size(); ++at) text += (at == 0 ? "" : ", ") + std::to_string(shape[at]);
  return text + "]";
}

bool is_tensor(const Document& document, NodeId id) { return id != kNoNode && document.kind(id) == Kind::tensor; }

}  // namespace sconce::model::training
