#include "formats/torch_common/storage_classes.h"

#include "base/checked.h"

namespace sconce::formats::torch_common {

namespace {

// What torch.save writes: torch/storage.py, _dtype_to_storage_type_map.
constexpr StorageClass kWritten[] = {
    {"DoubleStorage", DType::float64},
    {"FloatStorage", DType::float32},
    {"HalfStorage", DType::float16},
    {"BFloat16Storage", DType::bfloat16},
    {"LongStorage", DType::int64},
    {"IntStorage", DType::int32},
    {"ShortStorage", DType::int16},
    {"CharStorage", DType::int8},
    {"ByteStorage", DType::uint8},
    {"BoolStorage", DType::boolean},
    {"ComplexDoubleStorage", DType::complex128},
    {"ComplexFloatStorage", DType::complex64},
    {"QInt8Storage", DType::qint8},
    {"QUInt8Storage", DType::quint8},
    {"QInt32Storage", DType::qint32},
    {"QUInt4x2Storage", DType::quint4x2},
    {"QUInt2x4Storage", DType::quint2x4},
};

// c10's names, which C++ writes and Python never does: c10/core/ScalarType.h.
constexpr StorageClass kOnlyRead[] = {
    {"UntypedStorage", std::nullopt},
    {"ComplexHalfStorage", DType::complex32},
    {"Float8_e5m2Storage", DType::float8_e5m2},
    {"Float8_e4m3fnStorage", DType::float8_e4m3fn},
    {"Float8_e5m2fnuzStorage", DType::float8_e5m2fnuz},
    {"Float8_e4m3fnuzStorage", DType::float8_e4m3fnuz},
    {"Float8_e8m0fnuStorage", DType::float8_e8m0fnu},
    {"Float4_e2m1fn_x2Storage", DType::float4_e2m1fn_x2},
    {"UInt16Storage", DType::uint16},
    {"UInt32Storage", DType::uint32},
    {"UInt64Storage", DType::uint64},
    {"Bits1x8Storage", DType::bits1x8},
    {"Bits2x4Storage", DType::bits2x4},
    {"Bits4x2Storage", DType::bits4x2},
    {"Bits8Storage", DType::bits8},
    {"Bits16Storage", DType::bits16},
};

}  // namespace

std::optional<StorageClass> storage_class(std::string_view name) noexcept {
  if (!name.ends_with("Storage")) return std::nullopt;
  for (const StorageClass& row : kWritten)
    if (row.name == name) return row;
  for (const StorageClass& row : kOnlyRead)
    if (row.name == name) return row;
  return std::nullopt;
}

std::string_view storage_class_name(DType dtype) noexcept {
  for (const StorageClass& row : kWritten)
    if (row.dtype == dtype) return row.name;
  return "UntypedStorage";
}

bool travels_untyped(DType dtype) noexcept { return storage_class_name(dtype) == "UntypedStorage"; }

std::optional<std::uint64_t> storage_nbytes(const StorageClass& cls, std::uint64_t numel) noexcept {
  return checked_mul(numel, cls.dtype ? element_size(*cls.dtype) : 1);
}

}  // namespace sconce::formats::torch_common
