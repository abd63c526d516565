#include "formats/torch_common/rebuild.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/endian.h"
#include "formats/torch_common/device_tensors.h"
#include "tensor/shape.h"

namespace sconce::formats::torch_common {

using tree::TensorExtra;
using tree::TensorRecord;

NodeId strided_tensor(Document& document, NodeId storage, DType dtype, std::int64_t offset,
                      std::span<const std::int64_t> shape, std::span<const std::int64_t> strides,
                      std::string_view call) {
  const tree::StorageSlice slice = document.storage_slice(storage);
  if (const auto why = tensor::why_not_inside(dtype, shape, strides, offset, slice.nbytes)) wrong_argument(call, *why);
  const std::uint64_t before = slice.offset / element_size(dtype);
  if (slice.offset % element_size(dtype) != 0)
    wrong_argument(call, "the storage view begins inside of an element of the tensor");
  std::int64_t first = 0;  // an empty tensor may have any offset
  if (__builtin_add_overflow(offset, static_cast<std::int64_t>(before), &first))
    wrong_argument(call, "the storage offset overflows 64 bits");
  TensorRecord record;
  record.storage = document.storage_number(storage);
  record.dtype = dtype;
  record.offset = first;
  return document.tensor(record, shape, strides);
}

namespace {

/// The dtype of tensors over a storage whose class says it.
DType class_dtype(const Document& document, const Arguments& arguments) {
  const Storage& storage = document.storage_at(arguments.storage(0));
  if (!storage.dtype()) arguments.wrong(0, "a storage whose class says its dtype");
  return *storage.dtype();
}

void set_metadata(Document& document, const Arguments& arguments, std::size_t at, TensorRecord& record) {
  if (arguments.size() <= at || arguments.kind(at) == Kind::none) return;
  if (arguments.kind(at) != Kind::dict) arguments.wrong(at, "a dict of metadata");
  const auto flag = [&](std::string_view name) {
    const NodeId value = document.dict_get(arguments.node(at), name);
    return value != kNoNode && document.kind(value) == Kind::boolean && document.boolean_value(value);
  };
  record.conj = flag("conj");
  record.neg = flag("neg");
}

/// Arguments 0 to 3 of every version: storage, offset, size, stride.
NodeId plain(Document& document, const Arguments& arguments, DType dtype) {
  (void)arguments.storage(0);
  return strided_tensor(document, arguments.node(0), dtype, arguments.integer(1), arguments.integers(2),
                        arguments.integers(3), "rebuild of a tensor");
}

NodeId version_2(Document& document, const Arguments& arguments) {
  arguments.expect_count(5, 7);
  const NodeId made = plain(document, arguments, class_dtype(document, arguments));
  TensorRecord& record = document.mutable_tensor(made);
  record.requires_grad = arguments.boolean(4);
  set_metadata(document, arguments, 6, record);
  return made;
}

NodeId version_3(Document& document, const Arguments& arguments) {
  arguments.expect_count(7, 8);
  const NodeId made = plain(document, arguments, arguments.dtype(6));
  TensorRecord& record = document.mutable_tensor(made);
  record.requires_grad = arguments.boolean(4);
  set_metadata(document, arguments, 7, record);
  return made;
}

NodeId parameter(Document& document, const Arguments& arguments, bool with_state) {
  arguments.expect_count(2, with_state ? 4 : 3);
  const NodeId made = document.copy_tensor(arguments.tensor(0));
  TensorRecord& record = document.mutable_tensor(made);
  record.parameter = true;
  record.requires_grad = arguments.boolean(1);
  if (with_state && arguments.size() == 4 && arguments.kind(3) != Kind::none)
    document.tensor_extra(made).state = arguments.node(3);
  return made;
}

/// A tensor that a list of numbers stands for: files of 1.2 and 1.3 have scales and zero points as lists.
NodeId as_tensor(Document& document, const Arguments& quantizer, std::size_t at, DType dtype) {
  if (quantizer.kind(at) != Kind::list && quantizer.kind(at) != Kind::tuple) return quantizer.tensor(at);
  const Arguments numbers = quantizer.tuple(at);
  std::string bytes;
  for (std::size_t n = 0; n < numbers.size(); ++n) {
    if (dtype == DType::int64)
      append_le(bytes, static_cast<std::uint64_t>(numbers.integer(n)));
    else
      append_le(bytes, std::bit_cast<std::uint64_t>(numbers.number(n)));
  }
  const std::int64_t shape[] = {static_cast<std::int64_t>(numbers.size())};
  document.budget().charge(bytes.size());
  return document.add_tensor(bytes_tensor(std::move(bytes), dtype, shape));
}

NodeId quantized(Document& document, const Arguments& arguments) {
  arguments.expect_count(6, 7);
  const DType dtype = class_dtype(document, arguments);
  if (!info(dtype).is_quantized) arguments.wrong(0, "a storage of a quantised dtype");
  const NodeId made = plain(document, arguments, dtype);
  document.mutable_tensor(made).requires_grad = arguments.boolean(5);
  const Arguments quantizer = arguments.tuple(4);
  quantizer.expect_count(3, 4);
  if (quantizer.kind(0) != Kind::qscheme) quantizer.wrong(0, "a quantisation scheme");
  const std::string_view scheme = document.text(quantizer.node(0));
  if (scheme == "per_tensor_affine" || scheme == "per_tensor_symmetric") {
    const double scale = quantizer.number(1);
    const std::int64_t zero_point = quantizer.integer(2);
    TensorExtra& extra = document.tensor_extra(made);
    extra.qscheme = QScheme::per_tensor_affine;
    extra.scale = scale;
    extra.zero_point = zero_point;
    return made;
  }
  quantizer.expect_count(4, 4);
  const NodeId scales = as_tensor(document, quantizer, 1, DType::float64);
  const NodeId zero_points = as_tensor(document, quantizer, 2, DType::int64);
  const std::int64_t axis = quantizer.integer(3);
  const auto shape = document.tensor_record(made).shape();
  if (axis < 0 || static_cast<std::uint64_t>(axis) >= shape.size()) quantizer.wrong(3, "an axis of the tensor");
  for (const NodeId part : {scales, zero_points}) {
    const auto counts = document.tensor_record(part).shape();
    if (counts.size() != 1 || counts[0] != shape[static_cast<std::size_t>(axis)])
      wrong_argument("torch._utils._rebuild_qtensor", "one scale and one zero point for each channel expected");
  }
  TensorExtra& extra = document.tensor_extra(made);
  extra.qscheme = QScheme::per_channel_affine;
  extra.axis = axis;
  extra.part_count = 2;
  extra.parts[0] = {tree::PartName::scales, scales};
  extra.parts[1] = {tree::PartName::zero_points, zero_points};
  return made;
}

NodeId nested(Document& document, const Arguments& arguments) {
  arguments.expect_count(4, 4);
  for (std::size_t at = 0; at < 4; ++at) (void)arguments.tensor(at);
  const TensorRecord& buffer = document.tensor_record(arguments.node(0));
  const auto sizes = document.tensor_record(arguments.node(1)).shape();
  const bool matrices =
      sizes.size() == 2 && std::ranges::equal(sizes, document.tensor_record(arguments.node(2)).shape());
  const auto offsets = document.tensor_record(arguments.node(3)).shape();
  const bool empty = sizes.size() == 1 && sizes[0] == 0;  // a nested tensor of no tensors
  if (buffer.ndim != 1 || (!matrices && !empty) || offsets.size() != 1 || offsets[0] != sizes[0])
    wrong_argument("torch._utils._rebuild_nested_tensor",
                   "a flat buffer, sizes and strides of [tensors, dimensions] and offsets of [tensors] expected");
  TensorRecord record;
  record.dtype = buffer.dtype;
  record.layout = Layout::nested;
  // The first dimension is the number of tensors; the others are ragged, which PyTorch shows as -1.
  std::vector<std::int64_t> shape(
      matrices ? static_cast<std::size_t>(std::min<std::int64_t>(sizes[1], tensor::kMaxDims - 1)) + 1 : 1, -1);
  shape[0] = sizes[0];
  const NodeId made = document.tensor(record, shape, {});
  TensorExtra& extra = document.tensor_extra(made);
  extra.part_count = 4;
  constexpr tree::PartName kNames[] = {tree::PartName::buffer, tree::PartName::sizes, tree::PartName::strides,
                                       tree::PartName::storage_offsets};
  for (std::size_t at = 0; at < 4; ++at) extra.parts[at] = {kNames[at], arguments.node(at)};
  return made;
}

/// A shape and strides without bytes: checked for sense, not against a storage.
void check_shape(const Arguments& arguments, std::span<const std::int64_t> shape,
                 std::span<const std::int64_t> strides) {
  if (!tensor::numel_of(shape) || shape.size() > tensor::kMaxDims || strides.size() != shape.size() ||
      std::ranges::any_of(strides, [](std::int64_t stride) { return stride < 0; }))
    arguments.wrong(1, "a shape of at most 64 sizes that are not negative, with as many strides");
}

NodeId meta(Document& document, const Arguments& arguments) {
  arguments.expect_count(4, 4);
  TensorRecord record;
  record.dtype = arguments.dtype(0);
  record.meta = true;
  record.requires_grad = arguments.boolean(3);
  const auto shape = arguments.integers(1);
  const auto strides = arguments.integers(2);
  check_shape(arguments, shape, strides);
  const NodeId made = document.tensor(record, shape, strides);
  document.tensor_extra(made).device = "meta";
  return made;
}

NodeId wrapper(Document& document, const Arguments& arguments, std::span<const NodeId> all) {
  arguments.expect_count(8, 16);
  TensorRecord record;
  record.dtype = arguments.dtype(1);
  record.layout = Layout::wrapper;
  record.offset = arguments.kind(4) == Kind::integer ? arguments.integer(4) : 0;
  record.requires_grad = arguments.boolean(7);
  const auto shape = arguments.integers(2);
  const auto strides = arguments.integers(3);
  check_shape(arguments, shape, strides);
  const NodeId made = document.tensor(record, shape, strides);
  const std::string_view device =
      arguments.kind(6) == Kind::device ? document.text(arguments.node(6)) : arguments.text(6);
  const NodeId kept = document.tuple(all);
  TensorExtra& extra = document.tensor_extra(made);
  extra.device = device;
  extra.subclass_args = kept;
  return made;
}

}  // namespace

NodeId rebuild_tensor(Document& document, Known what, const Arguments& arguments) {
  switch (what) {
    case Known::rebuild_tensor:
      arguments.expect_count(4, 4);
      return plain(document, arguments, class_dtype(document, arguments));
    case Known::rebuild_tensor_v2: return version_2(document, arguments);
    case Known::rebuild_tensor_v3: return version_3(document, arguments);
    case Known::rebuild_parameter: return parameter(document, arguments, false);
    case Known::rebuild_parameter_with_state: return parameter(document, arguments, true);
    case Known::rebuild_qtensor: return quantized(document, arguments);
    case Known::rebuild_sparse_tensor:
    case Known::rebuild_sparse_csr_tensor: return rebuild_sparse(document, arguments);
    case Known::rebuild_nested_tensor: return nested(document, arguments);
    case Known::rebuild_meta_tensor: return meta(document, arguments);
    case Known::rebuild_wrapper_subclass: return wrapper(document, arguments, arguments.all());
    case Known::rebuild_device_tensor_from_numpy:
    case Known::rebuild_device_tensor_from_cpu_tensor: return device_tensor(document, what, arguments);
    default: return kNoNode;
  }
}

}  // namespace sconce::formats::torch_common
