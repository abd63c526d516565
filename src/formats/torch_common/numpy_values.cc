#include "formats/torch_common/numpy_values.h"

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "base/checked.h"
#include "tensor/numpy_code.h"
#include "tensor/shape.h"

namespace sconce::formats::torch_common {

namespace {

constexpr std::string_view kCall = "NumPy array";

bool is_instance_of(const Document& document, NodeId object, Known cls) {
  if (document.kind(object) != Kind::object) return false;
  const tree::ObjectRecord& record = document.object_record(object);
  return record.callable != kNoNode && document.kind(record.callable) == Kind::global &&
         static_cast<Known>(document.global_tag(record.callable)) == cls;
}

bool is_byte_leaf(const Document& document, NodeId id) {
  const Kind kind = document.kind(id);
  return kind == Kind::bytes || kind == Kind::bytearray ||
         (kind == Kind::str && document.str_kind(id) == tree::StrKind::python2);
}

std::vector<std::int64_t> column_major(std::span<const std::int64_t> shape) {
  std::vector<std::int64_t> reversed(shape.rbegin(), shape.rend());
  std::vector<std::int64_t> strides = tensor::contiguous_strides(reversed);
  std::ranges::reverse(strides);
  return strides;
}

/// An array over the bytes of a leaf.
NodeId make_array(Document& document, NumpyDType type, std::span<const std::int64_t> shape, bool fortran,
                  NodeId bytes) {
  const auto numel = tensor::numel_of(shape);
  const auto nbytes = numel ? bytes_of(type.dtype, *numel) : std::nullopt;
  if (shape.size() > tensor::kMaxDims || !nbytes || *nbytes != document.text(bytes).size())
    wrong_argument(kCall, "its shape and dtype need another number of bytes than the " +
                              std::to_string(document.text(bytes).size()) + " it has");
  tree::TensorRecord record;
  record.storage = document.leaf_storage(bytes, type.dtype, type.order);
  record.dtype = type.dtype;
  record.numpy = true;
  record.fortran = fortran;
  return document.tensor(record, shape, fortran ? column_major(shape) : tensor::contiguous_strides(shape));
}

NodeId make_scalar(Document& document, const Arguments& arguments) {
  if (arguments.size() != 2 || !is_byte_leaf(document, arguments.node(1))) return kNoNode;
  const auto type = numpy_dtype(document, arguments.node(0));
  if (!type) return kNoNode;
  std::string element(document.text(arguments.node(1)));
  if (element.size() != element_size(type->dtype)) arguments.wrong(1, "the bytes of one element");
  const std::size_t unit = info(type->dtype).swap_unit;
  if (type->order == std::endian::big)
    for (std::size_t at = 0; at < element.size(); at += unit)
      std::reverse(element.begin() + static_cast<std::ptrdiff_t>(at),
                   element.begin() + static_cast<std::ptrdiff_t>(at + unit));
  return document.scalar(type->dtype, element);
}

/// numpy._core.numeric._frombuffer(buffer, dtype, shape, order[, axis order]): protocol 5.
NodeId make_from_buffer(Document& document, const Arguments& arguments) {
  if (arguments.size() != 4 || !is_byte_leaf(document, arguments.node(0)) || arguments.kind(3) != Kind::str)
    return kNoNode;
  const auto type = numpy_dtype(document, arguments.node(1));
  if (!type) return kNoNode;
  return make_array(document, *type, arguments.integers(2), arguments.text(3) == "F", arguments.node(0));
}

}  // namespace

std::optional<NumpyDType> numpy_dtype(const Document& document, NodeId id) {
  if (!is_instance_of(document, id, Known::numpy_dtype)) return std::nullopt;
  const tree::ObjectRecord& record = document.object_record(id);
  const auto args = document.elements(record.args);
  if (args.empty() || document.kind(args[0]) != Kind::str) return std::nullopt;
  std::string_view code = document.text(args[0]);
  NumpyDType type;
  if (!code.empty() && (code.front() == '<' || code.front() == '>' || code.front() == '|' || code.front() == '=')) {
    if (code.front() == '>') type.order = std::endian::big;
    code.remove_prefix(1);
  }
  const auto dtype = tensor::dtype_of_numpy_code(code);
  if (!dtype || record.step_count > 1) return std::nullopt;  // it has one state, or none
  type.dtype = *dtype;
  for (std::uint32_t at = 0; at < record.step_count; ++at) {
    if (record.steps[at].event != tree::ObjectRecord::Event::state) return std::nullopt;
    const NodeId state = record.steps[at].value;
    if (document.kind(state) != Kind::tuple) return std::nullopt;
    // (version, order, subdtype, names, fields, …): a dtype with any of the three is no number.
    const auto parts = document.elements(state);
    if (parts.size() < 5 || document.kind(parts[1]) != Kind::str) return std::nullopt;
    for (std::size_t part = 2; part < 5; ++part)
      if (document.kind(parts[part]) != Kind::none) return std::nullopt;
    type.order = document.text(parts[1]) == ">" ? std::endian::big : std::endian::little;
  }
  return type;
}

NodeId numpy_value(Document& document, Known what, const Arguments& arguments) {
  switch (what) {
    case Known::numpy_scalar: return make_scalar(document, arguments);
    case Known::numpy_frombuffer: return make_from_buffer(document, arguments);
    default: return kNoNode;
  }
}

bool numpy_state(Document& document, NodeId object, NodeId state) {
  if (!is_instance_of(document, object, Known::numpy_reconstruct)) return false;
  // A subclass of ndarray (matrix, memmap …) is kept as the object it is.
  const auto args = document.elements(document.object_record(object).args);
  if (args.empty() || document.kind(args[0]) != Kind::global ||
      static_cast<Known>(document.global_tag(args[0])) != Known::numpy_ndarray || document.kind(state) != Kind::tuple)
    return false;
  auto parts = document.elements(state);
  if (parts.size() == 5) parts = parts.subspan(1);  // the first is a version
  if (parts.size() != 4) return false;
  const Arguments arguments(document, kCall, parts);
  const auto type = numpy_dtype(document, parts[1]);
  if (!type || !is_byte_leaf(document, parts[3])) return false;
  document.become(object, make_array(document, *type, arguments.integers(0), arguments.boolean(2), parts[3]));
  return true;
}

}  // namespace sconce::formats::torch_common
