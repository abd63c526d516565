#include "formats/torch_common/device_tensors.h"

#include <bit>
#include <utility>

#include "base/endian.h"
#include "base/slice.h"
#include "tensor/shape.h"
#include "tensor/storage_data.h"

namespace sconce::formats::torch_common {

Tensor bytes_tensor(std::string bytes, DType dtype, std::span<const std::int64_t> shape) {
  Storage storage = storage_over(string_source(std::move(bytes)), dtype, std::endian::little);
  return Tensor::over(std::move(storage), dtype, shape, tensor::contiguous_strides(shape), 0);
}

namespace {

/// NumPy has no bfloat16, so PyTorch saves such tensors as float32 and casts when it loads: every value is exact.
NodeId as_bfloat16(Document& document, NodeId array) {
  const Tensor wide = document.tensor_handle(array);
  document.budget().charge(wide.numel() * 6);  // as float32, and as bfloat16
  const std::vector<float> values = wide.to_vector<float>();
  std::string bytes;
  bytes.reserve(values.size() * 2);
  for (const float value : values)
    append_le(bytes, static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16));
  return document.add_tensor(bytes_tensor(std::move(bytes), DType::bfloat16, wide.shape()));
}

}  // namespace

NodeId device_tensor(Document& document, Known what, const Arguments& arguments) {
  arguments.expect_count(4, 4);
  NodeId source = arguments.tensor(0);
  const DType dtype = arguments.dtype(1);
  const std::string_view device =
      arguments.kind(2) == Kind::device ? document.text(arguments.node(2)) : arguments.text(2);
  const bool requires_grad = arguments.boolean(3);
  const DType saved = document.tensor_record(source).dtype;
  // A NumPy array has its bytes inside the pickle; those of a CPU tensor come behind it, and are never cast.
  if (document.tensor_record(source).numpy && saved == DType::float32 && dtype == DType::bfloat16)
    source = as_bfloat16(document, source);
  else if (saved != dtype)
    arguments.wrong(1, "the dtype of the saved array");
  const NodeId made = document.copy_tensor(source);
  tree::TensorRecord& record = document.mutable_tensor(made);
  record.numpy = false;
  record.requires_grad = requires_grad;
  tree::TensorExtra& extra = document.tensor_extra(made);
  extra.device = document.keep(device);
  extra.from_cpu_tensor = what == Known::rebuild_device_tensor_from_cpu_tensor;
  return made;
}

}  // namespace sconce::formats::torch_common
