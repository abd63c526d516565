#include "device/opencl/casts.h"

namespace sconce::device::opencl {
namespace {

// Elements are put together of bytes, because a block may begin anywhere. Kernels run over a multiple of the group
// size.
constexpr const char* kSource = R"(
uint f16_from_f32(uint f) {
  uint sign = (f >> 16) & 0x8000u;
  uint size = f & 0x7fffffffu;
  uint normal = (size - 0x38000000u + 0xfffu + ((size >> 13) & 1u)) >> 13;
  /* The last bit of 0.5f is the smallest half: the addition rounds. */
  uint small = as_uint(as_float(size) + 0.5f) - 0x3f000000u;
  uint half_bits = size < 0x38800000u ? small : size < 0x477ff000u ? normal : 0x7c00u;
  return sign | (size > 0x7f800000u ? (0x7e00u | ((size >> 13) & 0x1ffu)) : half_bits);
}
uint f32_from_f16(uint h) {
  uint sign = (h & 0x8000u) << 16;
  uint size = h & 0x7fffu;
  uint small = as_uint(convert_float(size) * 0x1p-24f);
  uint normal = (size << 13) + 0x38000000u;
  uint special = (size << 13) + 0x70000000u;
  uint bits = size < 0x400u ? small : size < 0x7c00u ? normal : special;
  return sign | bits | (size > 0x7c00u ? 0x400000u : 0u);
}
uint bf16_from_f32(uint f) {
  uint rounded = (f + 0x7fffu + ((f >> 16) & 1u)) >> 16;
  return (f & 0x7fffffffu) > 0x7f800000u ? ((f >> 16) | 0x40u) : rounded;
}
uint f32_from_bf16(uint b) { return b << 16; }

#define NARROW(name, one) \
  __kernel void name(__global uchar* to, ulong to_at, __global const uchar* from, ulong from_at, ulong count) { \
    size_t i = get_global_id(0); \
    if (i < count) vstore2(as_uchar2((ushort)one(as_uint(vload4(i, from + from_at)))), i, to + to_at); \
  }
#define WIDEN(name, one) \
  __kernel void name(__global uchar* to, ulong to_at, __global const uchar* from, ulong from_at, ulong count) { \
    size_t i = get_global_id(0); \
    if (i < count) vstore4(as_uchar4(one((uint)as_ushort(vload2(i, from + from_at)))), i, to + to_at); \
  }
NARROW(float32_to_float16, f16_from_f32)
NARROW(float32_to_bfloat16, bf16_from_f32)
WIDEN(float16_to_float32, f32_from_f16)
WIDEN(bfloat16_to_float32, f32_from_bf16)
)";

}  // namespace

const char* cast_kernel(DType to, DType from) noexcept {
  if (from == DType::float32 && to == DType::float16) return "float32_to_float16";
  if (from == DType::float32 && to == DType::bfloat16) return "float32_to_bfloat16";
  if (from == DType::float16 && to == DType::float32) return "float16_to_float32";
  if (from == DType::bfloat16 && to == DType::float32) return "bfloat16_to_float32";
  return nullptr;
}

Held<Program> build_casts(const Api& api, Context context, DeviceId device) {
  Status status = kSuccess;
  const char* source = kSource;
  Held<Program> program(api.create_program(context, 1, &source, nullptr, &status), api.release_program);
  if (status == kSuccess) status = api.build_program(program.get(), 1, &device, "", nullptr, nullptr);
  if (status != kSuccess) program.reset();
  return program;
}

}  // namespace sconce::device::opencl
