// Between a document's nodes and the handles of the public API.
#include <memory>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "tensor/tensor_data.h"
#include "tree/document.h"
#include "tree/literal_data.h"

namespace sconce::tree {

namespace {

// Parts are plain tensors in every file that PyTorch writes; a part of a part of a part is somebody's joke.
constexpr unsigned kPartDepth = 4;

std::shared_ptr<const TensorData> make_handle(const Document& document, NodeId id, unsigned depth);

std::shared_ptr<const TensorExtras> make_extras(const Document& document, const TensorRecord& record, unsigned depth) {
  if (record.has_storage() && record.extra == nullptr) return nullptr;
  auto extras = std::make_shared<TensorExtras>();
  if (!record.has_storage() || !record.extra->device.empty()) extras->device = document.device(record);
  if (record.extra == nullptr) return extras;
  const TensorExtra& extra = *record.extra;
  extras->qscheme = extra.qscheme;
  extras->scale = extra.scale;
  extras->zero_point = extra.zero_point;
  extras->axis = extra.axis;
  extras->coalesced = extra.coalesced;
  for (std::uint32_t at = 0; at < extra.part_count; ++at) {
    if (depth == kPartDepth) fail(ErrorCode::damaged, "a tensor that is made of tensors, nested too deep");
    const NodeId part = extra.parts[at].tensor;
    if (document.kind(part) != Kind::tensor) continue;
    extras->parts.push_back(
        {std::string(to_string(extra.parts[at].name)), Tensor(make_handle(document, part, depth + 1))});
  }
  return extras;
}

std::shared_ptr<const TensorData> make_handle(const Document& document, NodeId id, unsigned depth) {
  const TensorRecord& record = document.tensor_record(id);
  auto data = std::make_shared<TensorData>();
  data->dtype = record.dtype;
  data->layout = record.layout;
  data->has_storage = record.has_storage();
  data->requires_grad = record.requires_grad;
  data->parameter = record.parameter;
  data->conj = record.conj;
  data->neg = record.neg;
  data->numpy = record.numpy;
  data->meta = record.meta;
  data->offset = record.offset;
  data->ndim = record.ndim;
  data->dims.reserve(2 * std::size_t{record.ndim});
  data->dims.assign(record.shape().begin(), record.shape().end());
  const std::vector<std::int64_t> strides = document.strides(record);
  data->dims.insert(data->dims.end(), strides.begin(), strides.end());
  if (record.has_storage()) data->storage = document.storage_at(record.storage);
  data->extras = make_extras(document, record, depth);
  return data;
}

std::optional<PartName> part_name(std::string_view name) {
  for (auto at = static_cast<std::uint8_t>(PartName::indices);
       at <= static_cast<std::uint8_t>(PartName::storage_offsets); ++at)
    if (to_string(static_cast<PartName>(at)) == name) return static_cast<PartName>(at);
  return std::nullopt;
}

}  // namespace

Tensor Document::tensor_handle(NodeId id) const { return Tensor(make_handle(*this, id, 0)); }

NodeId Document::add_tensor(const Tensor& tensor) {
  if (!tensor.defined()) fail(ErrorCode::invalid_argument, "an undefined tensor cannot be put into a tree");
  const TensorData& data = *tensor.data_handle();
  TensorRecord record;
  record.dtype = data.dtype;
  record.layout = data.layout;
  record.requires_grad = data.requires_grad;
  record.parameter = data.parameter;
  record.conj = data.conj;
  record.neg = data.neg;
  record.numpy = data.numpy;
  record.meta = data.meta;
  record.offset = data.offset;
  if (data.has_storage) record.storage = add_storage(data.storage);
  const NodeId made = this->tensor(record, data.shape(), data.strides());
  if (data.extras) {
    const TensorExtras& from = *data.extras;
    std::vector<TensorExtra::Part> parts;
    for (const TensorPart& part : from.parts)
      if (const auto name = part_name(part.name); name && parts.size() < std::size(TensorExtra{}.parts))
        parts.push_back({*name, add_tensor(part.tensor)});
    TensorExtra& extra = tensor_extra(made);
    extra.qscheme = from.qscheme;
    extra.scale = from.scale;
    extra.zero_point = from.zero_point;
    extra.axis = from.axis;
    extra.coalesced = from.coalesced;
    extra.has_coalesced = from.coalesced;
    extra.device = keep(from.device);
    for (const TensorExtra::Part& part : parts) extra.parts[extra.part_count++] = part;
  }
  return made;
}

NodeId Document::add_sequence(const Literal::Sequence& sequence) {
  std::vector<NodeId> nodes;
  nodes.reserve(sequence.items.size());
  for (const Literal& item : sequence.items) nodes.push_back(add(item));
  switch (sequence.shape) {
    case Literal::Shape::list: return list(nodes);
    case Literal::Shape::tuple: return tuple(nodes);
    case Literal::Shape::dict:
    case Literal::Shape::ordered_dict: break;
  }
  const NodeId made = dict(sequence.shape == Literal::Shape::dict ? DictFlavor::dict : DictFlavor::ordered_dict);
  for (std::size_t at = 0; at + 1 < nodes.size(); at += 2)
    if (!dict_set(made, nodes[at], nodes[at + 1]))
      fail(ErrorCode::invalid_argument, "a list, dict or set cannot be a key of a dict");
  return made;
}

NodeId Document::add(const Literal& literal) {
  struct Visitor {
    Document& document;
    NodeId operator()(std::nullptr_t) const { return document.none(); }
    NodeId operator()(bool value) const { return document.boolean(value); }
    NodeId operator()(std::int64_t value) const { return document.integer(value); }
    NodeId operator()(double value) const { return document.floating(value); }
    NodeId operator()(const std::string& text) const { return document.str(text); }
    NodeId operator()(const Literal::Bytes& bytes) const {
      return document.bytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
    NodeId operator()(const Tensor& tensor) const { return document.add_tensor(tensor); }
    NodeId operator()(const std::shared_ptr<const Value>& value) const {
      return document.import(*value->document(), value->node());
    }
    NodeId operator()(const std::shared_ptr<const Literal::Sequence>& sequence) const {
      return document.add_sequence(*sequence);
    }
  };
  return std::visit(Visitor{*this}, literal.value_);
}

}  // namespace sconce::tree
