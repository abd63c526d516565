#include "device/cuda/cast_ptx.h"

#include <array>

namespace sconce::device::cuda {
namespace {

// Instructions for half precision differ from device to device, and in what they make of NaN; integers do not.

constexpr std::string_view kHalfFromFloat = R"(
  shr.u32 %r7, %r5, 16;
  and.b32 %r7, %r7, 0x8000;
  and.b32 %r8, %r5, 0x7fffffff;
  // Normal numbers: round the mantissa, ties to even.
  shr.u32 %r9, %r8, 13;
  and.b32 %r10, %r9, 1;
  add.u32 %r10, %r10, %r8;
  add.u32 %r10, %r10, 0xc8000fff;
  shr.u32 %r10, %r10, 13;
  // Small ones: the last bit of 0.5 is the smallest half, so that the addition rounds.
  mov.b32 %f1, %r8;
  mov.b32 %f2, 0x3f000000;
  add.rn.f32 %f3, %f1, %f2;
  mov.b32 %r11, %f3;
  sub.u32 %r11, %r11, 0x3f000000;
  setp.lt.u32 %p2, %r8, 0x38800000;
  selp.b32 %r10, %r11, %r10, %p2;
  setp.lt.u32 %p3, %r8, 0x477ff000;
  selp.b32 %r10, %r10, 0x7c00, %p3;
  // NaN: quiet, with what fits of its payload.
  and.b32 %r9, %r9, 0x1ff;
  or.b32 %r9, %r9, 0x7e00;
  setp.gt.u32 %p4, %r8, 0x7f800000;
  selp.b32 %r10, %r9, %r10, %p4;
  or.b32 %r6, %r10, %r7;
)";

constexpr std::string_view kFloatFromHalf = R"(
  and.b32 %r7, %r5, 0x8000;
  shl.b32 %r7, %r7, 16;
  and.b32 %r8, %r5, 0x7fff;
  // Subnormal numbers: as many times 2^-24.
  cvt.rn.f32.u32 %f1, %r8;
  mov.b32 %f2, 0x33800000;
  mul.rn.f32 %f3, %f1, %f2;
  mov.b32 %r9, %f3;
  shl.b32 %r10, %r8, 13;
  add.u32 %r11, %r10, 0x38000000;
  add.u32 %r12, %r10, 0x70000000;
  or.b32 %r13, %r12, 0x400000;
  setp.lt.u32 %p2, %r8, 0x400;
  selp.b32 %r11, %r9, %r11, %p2;
  setp.lt.u32 %p3, %r8, 0x7c00;
  selp.b32 %r11, %r11, %r12, %p3;
  setp.gt.u32 %p4, %r8, 0x7c00;
  selp.b32 %r11, %r13, %r11, %p4;
  or.b32 %r6, %r11, %r7;
)";

constexpr std::string_view kBfloatFromFloat = R"(
  shr.u32 %r7, %r5, 16;
  and.b32 %r8, %r7, 1;
  add.u32 %r8, %r8, %r5;
  add.u32 %r8, %r8, 0x7fff;
  shr.u32 %r8, %r8, 16;
  or.b32 %r7, %r7, 0x40;
  and.b32 %r9, %r5, 0x7fffffff;
  setp.gt.u32 %p2, %r9, 0x7f800000;
  selp.b32 %r6, %r7, %r8, %p2;
)";

constexpr std::string_view kFloatFromBfloat = R"(
  shl.b32 %r6, %r5, 16;
)";

constexpr std::array kKernels = {
    CastKernel{DType::float16, DType::float32, "sconce_f16_f32", "sconce_f16_f32_bytes", kHalfFromFloat},
    CastKernel{DType::float32, DType::float16, "sconce_f32_f16", "sconce_f32_f16_bytes", kFloatFromHalf},
    CastKernel{DType::bfloat16, DType::float32, "sconce_bf16_f32", "sconce_bf16_f32_bytes", kBfloatFromFloat},
    CastKernel{DType::float32, DType::bfloat16, "sconce_f32_bf16", "sconce_f32_bf16_bytes", kFloatFromBfloat},
};

constexpr std::string_view kHead = R"((
  .param .u64 to, .param .u64 from, .param .u64 count)
{
  .reg .pred %p<5>;
  .reg .b32 %r<16>;
  .reg .f32 %f<4>;
  .reg .b64 %d<9>;
  ld.param.u64 %d1, [to];
  ld.param.u64 %d2, [from];
  ld.param.u64 %d3, [count];
  cvta.to.global.u64 %d1, %d1;
  cvta.to.global.u64 %d2, %d2;
  mov.u32 %r1, %ctaid.x;
  mov.u32 %r2, %ntid.x;
  mov.u32 %r3, %tid.x;
  mov.u32 %r4, %nctaid.x;
  mul.wide.u32 %d4, %r1, %r2;
  cvt.u64.u32 %d5, %r3;
  add.u64 %d4, %d4, %d5;
  mul.wide.u32 %d5, %r4, %r2;
again:
  setp.ge.u64 %p1, %d4, %d3;
  @%p1 bra done;
)";

constexpr std::string_view kTail = R"(
  add.u64 %d4, %d4, %d5;
  bra again;
done:
  ret;
}
)";

/// The address of element %d4 of the array at `base`, in `target`.
std::string at(std::string_view target, std::string_view base, std::size_t size) {
  const std::string name(target);
  return "  shl.b64 " + name + ", %d4, " + (size == 4 ? "2" : "1") + ";\n  add.u64 " + name + ", " + name + ", " +
         std::string(base) + ";\n";
}

std::string load(std::size_t size, bool bytewise) {
  std::string text = at("%d6", "%d2", size);
  if (!bytewise) return text + (size == 4 ? "  ld.global.u32 %r5, [%d6];\n" : "  ld.global.u16 %r5, [%d6];\n");
  text += "  ld.global.u8 %r5, [%d6];\n";
  for (std::size_t i = 1; i < size; ++i)
    text += "  ld.global.u8 %r6, [%d6+" + std::to_string(i) + "];\n  shl.b32 %r6, %r6, " + std::to_string(8 * i) +
            ";\n  or.b32 %r5, %r5, %r6;\n";
  return text;
}

std::string store(std::size_t size, bool bytewise) {
  std::string text = at("%d7", "%d1", size);
  if (!bytewise) return text + (size == 4 ? "  st.global.u32 [%d7], %r6;\n" : "  st.global.u16 [%d7], %r6;\n");
  text += "  st.global.u8 [%d7], %r6;\n";
  for (std::size_t i = 1; i < size; ++i)
    text += "  shr.u32 %r6, %r6, 8;\n  st.global.u8 [%d7+" + std::to_string(i) + "], %r6;\n";
  return text;
}

std::string entry(const CastKernel& kernel, bool bytewise) {
  return std::string(".visible .entry ") + (bytewise ? kernel.bytewise : kernel.name) + std::string(kHead) +
         load(element_size(kernel.from), bytewise) + std::string(kernel.body) +
         store(element_size(kernel.to), bytewise) + std::string(kTail);
}

}  // namespace

std::span<const CastKernel> cast_kernels() noexcept { return kKernels; }

const CastKernel* cast_kernel(DType to, DType from) noexcept {
  for (const CastKernel& kernel : kKernels)
    if (kernel.to == to && kernel.from == from) return &kernel;
  return nullptr;
}

std::string cast_ptx() {
  // The oldest version and target that drivers of today take: every later device runs it.
  std::string text = ".version 4.0\n.target sm_50\n.address_size 64\n";
  for (const CastKernel& kernel : kKernels) {
    text += entry(kernel, false);
    text += entry(kernel, true);
  }
  return text;
}

}  // namespace sconce::device::cuda
