#include "device/dlpack_types.h"

#include <algorithm>
#include <array>

namespace sconce::device::dlpack {
namespace {

struct Row {
  DType dtype;
  DataType type;
};

constexpr std::array kRows = {
    Row{DType::float64, {kFloat, 64, 1}},
    Row{DType::float32, {kFloat, 32, 1}},
    Row{DType::float16, {kFloat, 16, 1}},
    Row{DType::bfloat16, {kBfloat, 16, 1}},
    Row{DType::float8_e5m2, {kFloat8E5M2, 8, 1}},
    Row{DType::float8_e4m3fn, {kFloat8E4M3Fn, 8, 1}},
    Row{DType::float8_e5m2fnuz, {kFloat8E5M2Fnuz, 8, 1}},
    Row{DType::float8_e4m3fnuz, {kFloat8E4M3Fnuz, 8, 1}},
    Row{DType::float8_e8m0fnu, {kFloat8E8M0Fnu, 8, 1}},
    Row{DType::float4_e2m1fn_x2, {kFloat4E2M1Fn, 4, 2}},  // as PyTorch has it: one element is two of them
    Row{DType::int64, {kInt, 64, 1}},
    Row{DType::int32, {kInt, 32, 1}},
    Row{DType::int16, {kInt, 16, 1}},
    Row{DType::int8, {kInt, 8, 1}},
    Row{DType::uint64, {kUInt, 64, 1}},
    Row{DType::uint32, {kUInt, 32, 1}},
    Row{DType::uint16, {kUInt, 16, 1}},
    Row{DType::uint8, {kUInt, 8, 1}},
    Row{DType::boolean, {kBool, 8, 1}},
    Row{DType::complex128, {kComplex, 128, 1}},
    Row{DType::complex64, {kComplex, 64, 1}},
    Row{DType::complex32, {kComplex, 32, 1}},
};

}  // namespace

std::optional<DataType> data_type_of(DType dtype) noexcept {
  const auto* const row = std::ranges::find(kRows, dtype, &Row::dtype);
  return row != kRows.end() ? std::optional(row->type) : std::nullopt;
}

std::optional<DType> dtype_of_data(const DataType& type) noexcept {
  const auto* const row = std::ranges::find(kRows, type, &Row::type);
  return row != kRows.end() ? std::optional(row->dtype) : std::nullopt;
}

std::optional<Device> device_from(const DeviceOf& device) noexcept {
  if (device.type == kCpu || device.type == kCudaHost) return Device{};
  if (device.id < 0) return std::nullopt;
  const auto index = static_cast<std::uint32_t>(device.id);
  switch (device.type) {
    case kCuda:
    case kCudaManaged: return Device{DeviceType::cuda, index};
    case kOpenCl: return Device{DeviceType::opencl, index};
    default: return std::nullopt;
  }
}

DeviceOf device_to(Device device) noexcept {
  const auto id = static_cast<std::int32_t>(device.index);
  switch (device.type) {
    case DeviceType::cuda: return {kCuda, id};
    case DeviceType::opencl: return {kOpenCl, id};
    default: return {kCpu, 0};
  }
}

}  // namespace sconce::device::dlpack
