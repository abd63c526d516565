#include "model/rewrite/target.h"

#include "formats/torch_common/storage_classes.h"

namespace sconce::model::rewrite {

namespace {

/// The release whose torch.load first opens tensors of a dtype (docs/formats/pytorch.md).
TorchVersion first_with(DType dtype) noexcept {
  switch (dtype) {
    case DType::boolean: return {1, 2};
    case DType::bfloat16: return {1, 3};
    case DType::qint8:
    case DType::quint8:
    case DType::qint32: return {1, 3};
    case DType::complex64:
    case DType::complex128: return {1, 6};
    case DType::quint4x2: return {1, 8};
    case DType::quint2x4: return {1, 11};
    case DType::float8_e5m2:
    case DType::float8_e4m3fn:
    case DType::float8_e5m2fnuz:
    case DType::float8_e4m3fnuz:
    case DType::bits8:
    case DType::bits16:
    case DType::bits1x8:
    case DType::bits2x4:
    case DType::bits4x2: return {2, 2};
    case DType::uint16:
    case DType::uint32:
    case DType::uint64:
    case DType::complex32: return {2, 3};
    case DType::float8_e8m0fnu: return {2, 7};
    case DType::float4_e2m1fn_x2: return {2, 8};
    case DType::bcomplex32: return {2, 14};
    default: return {0, 0};
  }
}

}  // namespace

std::string Target::name() const {
  return "PyTorch " + to_string(version) + (weights_only ? " with weights_only" : "");
}

bool Target::dtype(DType dtype) const noexcept {
  if (version < first_with(dtype)) return false;
  return !weights_only || !formats::torch_common::travels_untyped(dtype) || is_at_least(2, 6);
}

bool Target::quantized(DType dtype) const noexcept {
  return this->dtype(dtype) && has(TorchVersion{1, 3}, TorchVersion{2, 4});
}

bool Target::dtype_value(DType dtype) const noexcept {
  if (version < first_with(dtype)) return false;
  if (!weights_only || is_at_least(2, 6)) return true;
  switch (dtype) {  // the table of 1.13 to 2.5
    case DType::complex32:
    case DType::complex64:
    case DType::complex128:
    case DType::float16:
    case DType::float32:
    case DType::float64:
    case DType::int8:
    case DType::int16:
    case DType::int32:
    case DType::int64: return true;
    default: return false;
  }
}

}  // namespace sconce::model::rewrite
