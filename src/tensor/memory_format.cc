#include "tensor/memory_format.h"

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "base/fail.h"
#include "tensor/elements.h"
#include "tensor/shape.h"
#include "tensor/storage_data.h"
#include "tensor/tensor_data.h"

namespace sconce::tensor {
namespace {

const TensorData& plain_data(const Tensor& tensor) {
  if (!tensor.defined()) fail(ErrorCode::invalid_argument, "an undefined tensor has no memory format");
  if (!tensor.has_storage() || tensor.layout() != Layout::strided)
    fail(ErrorCode::wrong_type, "only strided tensors with elements of their own have a memory format");
  return *tensor.data_handle();
}

/// Shape and strides as TensorData holds them.
std::vector<std::int64_t> dims_of(std::span<const std::int64_t> shape, std::span<const std::int64_t> strides) {
  std::vector<std::int64_t> dims(shape.begin(), shape.end());
  dims.insert(dims.end(), strides.begin(), strides.end());
  return dims;
}

/// The tensor over the elements of `ordered`, which are its own in another order.
Tensor over_elements(const TensorData& data, const Tensor& ordered, std::span<const std::int64_t> strides) {
  auto result = std::make_shared<TensorData>(data);
  result->storage =
      storage_over(element_source(ordered), data.dtype, std::endian::little, std::string(data.storage.location()));
  result->offset = 0;
  result->conj = false;
  result->neg = false;
  result->dims = dims_of(data.shape(), strides);
  return Tensor(std::move(result));
}

}  // namespace

std::vector<std::int64_t> channels_last_strides(std::span<const std::int64_t> shape) {
  if (shape.size() != 4)
    fail(ErrorCode::unsupported,
         "channels_last is for tensors of four dimensions, not " + std::to_string(shape.size()));
  const std::int64_t column = shape[1];
  const std::int64_t row = column * shape[3];
  return {row * shape[2], 1, row, column};
}

bool is_channels_last(const Tensor& tensor) {
  if (!tensor.defined() || tensor.layout() != Layout::strided || tensor.dim() != 4) return false;
  const std::vector<std::int64_t> wanted = channels_last_strides(tensor.shape());
  for (std::size_t dim = 0; dim < 4; ++dim)  // of what there is only one, the stride does not matter
    if (tensor.shape()[dim] > 1 && tensor.strides()[dim] != wanted[dim]) return tensor.numel() == 0;
  return true;
}

Tensor to_channels_last(const Tensor& tensor) {
  const TensorData& data = plain_data(tensor);
  const std::vector<std::int64_t> strides = channels_last_strides(data.shape());
  constexpr std::array<std::size_t, 4> kOrder = {0, 2, 3, 1};
  std::array<std::int64_t, 4> sizes{};
  std::array<std::int64_t, 4> steps{};
  for (std::size_t dim = 0; dim < 4; ++dim) {
    sizes[dim] = data.shape()[kOrder[dim]];
    steps[dim] = data.strides()[kOrder[dim]];
  }
  auto permuted = std::make_shared<TensorData>(data);
  permuted->dims = dims_of(sizes, steps);
  return over_elements(data, Tensor(std::move(permuted)), strides);
}

Tensor to_row_major(const Tensor& tensor) {
  const TensorData& data = plain_data(tensor);
  return over_elements(data, tensor, contiguous_strides(data.shape()));
}

}  // namespace sconce::tensor
