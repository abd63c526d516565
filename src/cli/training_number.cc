#include <sconce/error.h>

#include "cli/training_view.h"

namespace sconce::cli {

namespace {

SingleNumber element_of(const Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::float64: return tensor.item<double>();
    case DType::float32: return double{tensor.item<float>()};
    case DType::float16: return double{static_cast<float>(tensor.item<Float16>())};
    case DType::bfloat16: return double{static_cast<float>(tensor.item<BFloat16>())};
    case DType::int64: return tensor.item<std::int64_t>();
    case DType::int32: return std::int64_t{tensor.item<std::int32_t>()};
    default: return {};
  }
}

}  // namespace

SingleNumber single_number(const Value& value) {
  if (!value.is_tensor()) return {};
  const Tensor tensor = value.as_tensor();
  if (tensor.numel() != 1 || !tensor.has_storage() || tensor.layout() != Layout::strided) return {};
  try {
    return element_of(tensor);
  } catch (const Error&) {
    return {};  // what is wrong with its bytes is for verify to say
  }
}

}  // namespace sconce::cli
