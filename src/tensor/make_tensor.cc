// Tensors that are more than a view of a storage, for those who bring them from elsewhere.
#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <sconce/make_tensor.h>

#include "base/fail.h"
#include "tensor/shape.h"
#include "tensor/tensor_data.h"

namespace sconce {
inline namespace v0 {
namespace {

/// Names of the parts of a sparse layout, in the order in which PyTorch saves them.
std::span<const std::string_view> part_names(Layout layout) {
  static constexpr std::array<std::string_view, 2> kCoo = {"indices", "values"};
  static constexpr std::array<std::string_view, 3> kRows = {"crow_indices", "col_indices", "values"};
  static constexpr std::array<std::string_view, 3> kColumns = {"ccol_indices", "row_indices", "values"};
  switch (layout) {
    case Layout::sparse_coo: return kCoo;
    case Layout::sparse_csr:
    case Layout::sparse_bsr: return kRows;
    case Layout::sparse_csc:
    case Layout::sparse_bsc: return kColumns;
    default: return {};
  }
}

bool is_strided(const Tensor& tensor) { return tensor.defined() && tensor.layout() == Layout::strided; }

void check_channels(const TensorData& data, const TensorTraits& traits) {
  const auto shape = data.shape();
  if (traits.q_axis < 0 || std::cmp_greater_equal(traits.q_axis, shape.size()))
    fail(ErrorCode::invalid_argument, "q_axis " + std::to_string(traits.q_axis) + " is no dimension of the tensor");
  const std::int64_t channels = shape[static_cast<std::size_t>(traits.q_axis)];
  const auto is_right = [&](const Tensor& tensor, DType dtype) {
    return is_strided(tensor) && tensor.dtype() == dtype && tensor.dim() == 1 && tensor.shape()[0] == channels;
  };
  if (!is_right(traits.q_scales, DType::float64) || !is_right(traits.q_zero_points, DType::int64))
    fail(ErrorCode::invalid_argument,
         "float64 scales and int64 zero points expected, one for each of " + std::to_string(channels) + " channels");
}

void check_traits(const TensorData& data, const TensorTraits& traits) {
  const DTypeInfo& dtype = info(data.dtype);
  const auto refuse = [&](const char* what) {
    fail(ErrorCode::invalid_argument, "a tensor of " + std::string(dtype.name) + " cannot " + what);
  };
  if (data.layout != Layout::strided) refuse("have other traits, unless it is strided");
  if (traits.requires_grad && !dtype.is_floating_point && !dtype.is_complex) refuse("require gradients");
  if (traits.conj && !dtype.is_complex) refuse("have a conj bit");
  if (traits.neg && (dtype.is_quantized || data.dtype == DType::boolean)) refuse("have a neg bit");
  if (traits.qscheme != QScheme::none && !dtype.is_quantized) refuse("be quantised");
  if (traits.qscheme == QScheme::per_channel_affine) check_channels(data, traits);
}

}  // namespace

Tensor sparse_tensor(Layout layout, std::span<const std::int64_t> shape, std::vector<TensorPart> parts,
                     bool coalesced) {
  const auto names = part_names(layout);
  const bool right = !names.empty() && std::equal(parts.begin(), parts.end(), names.begin(), names.end(),
                                                  [](const TensorPart& part, std::string_view name) {
                                                    return part.name == name && is_strided(part.tensor);
                                                  });
  if (!right) {
    std::string expected;
    for (const std::string_view name : names) expected += (expected.empty() ? "" : ", ") + std::string(name);
    fail(ErrorCode::invalid_argument, names.empty() ? std::string(to_string(layout)) + " is no sparse layout"
                                                    : "strided tensors of these names expected: " + expected);
  }
  if (!tensor::numel_of(shape) || shape.size() > tensor::kMaxDims)
    fail(ErrorCode::invalid_argument, "a shape is at most 64 sizes, none negative, of at most 2^63 - 1 elements");
  auto data = std::make_shared<TensorData>();
  data->dtype = parts.back().tensor.dtype();
  data->layout = layout;
  data->has_storage = false;
  data->ndim = static_cast<std::uint32_t>(shape.size());
  data->dims.assign(shape.begin(), shape.end());
  auto extras = std::make_shared<TensorExtras>();
  extras->coalesced = coalesced;
  extras->device = parts.back().tensor.device();
  extras->parts = std::move(parts);
  data->extras = std::move(extras);
  return Tensor(std::move(data));
}

Tensor with_traits(const Tensor& tensor, const TensorTraits& traits) {
  if (!tensor.defined()) fail(ErrorCode::invalid_argument, "the tensor is undefined");
  check_traits(*tensor.data_handle(), traits);
  auto data = std::make_shared<TensorData>(*tensor.data_handle());
  data->requires_grad = traits.requires_grad;
  data->parameter = traits.parameter;
  data->conj = traits.conj;
  data->neg = traits.neg;
  auto extras = data->extras ? std::make_shared<TensorExtras>(*data->extras) : std::make_shared<TensorExtras>();
  extras->qscheme = traits.qscheme;
  extras->scale = traits.q_scale;
  extras->zero_point = traits.q_zero_point;
  extras->axis = traits.q_axis;
  extras->parts.clear();
  if (traits.qscheme == QScheme::per_channel_affine)
    extras->parts = {{"scales", traits.q_scales}, {"zero_points", traits.q_zero_points}};
  if (data->extras || traits.qscheme != QScheme::none) data->extras = std::move(extras);
  return Tensor(std::move(data));
}

}  // namespace v0
}  // namespace sconce
