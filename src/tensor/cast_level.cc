// Which kernels this processor can run.
#include "tensor/cast_kernels.h"
#include "tensor/cast_levels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace sconce::tensor {

#if defined(__x86_64__)

namespace {

/// __builtin_cpu_supports() of clang 14 does not know f16c.
bool has_f16c() noexcept {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}

}  // namespace

CastLevel cast_level() noexcept {
  static const CastLevel level = [] {
    if (!__builtin_cpu_supports("avx2") || !has_f16c()) return CastLevel::portable;
    const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    return wide ? CastLevel::avx512 : CastLevel::avx2;
  }();
  return level;
}

CastKernel widen_kernel(DType from, CastLevel level) noexcept {
  if (level == CastLevel::portable) return portable_widen(from);
  return level == CastLevel::avx2 ? avx2_widen(from) : avx512_widen(from);
}

CastKernel narrow_kernel(DType to, CastLevel level) noexcept {
  if (level == CastLevel::portable) return portable_narrow(to);
  return level == CastLevel::avx2 ? avx2_narrow(to) : avx512_narrow(to);
}

#else

CastLevel cast_level() noexcept { return CastLevel::portable; }
CastKernel widen_kernel(DType from, CastLevel) noexcept { return portable_widen(from); }
CastKernel narrow_kernel(DType to, CastLevel) noexcept { return portable_narrow(to); }

#endif

}  // namespace sconce::tensor
