// Small floats from and to float32, 32 bytes of results at a time. Every step is small_float.h's, for 8 elements.
#if defined(__x86_64__)

#include <immintrin.h>

#include "tensor/cast_levels.h"
#include "tensor/small_float.h"

#define SCONCE_AVX2 __attribute__((target("avx2,f16c")))

namespace sconce::tensor {
namespace {

SCONCE_AVX2 inline __m256i all(std::uint32_t value) { return _mm256_set1_epi32(static_cast<int>(value)); }
SCONCE_AVX2 inline __m256i load(const std::byte* at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}
SCONCE_AVX2 inline __m256i choose(__m256i otherwise, __m256i mask, __m256i where) {
  return _mm256_blendv_epi8(otherwise, where, mask);
}

/// float32 → a byte format, as 32-bit integers. Magnitudes are below 2^31, so that signed comparisons do.
template <FloatFormat kFormat>
struct NarrowByte {
  SCONCE_AVX2 static __m256i convert(__m256i bits) {
    const __m256i magnitude = _mm256_and_si256(bits, all(~kFloatSign));
    const __m256i magic = all(kFormat.subnormal_magic());
    const __m256 sum = _mm256_add_ps(_mm256_castsi256_ps(magnitude), _mm256_castsi256_ps(magic));
    constexpr std::uint32_t kHalf = (1U << (kFormat.dropped() - 1)) - 1;
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(magnitude, kFormat.dropped()), all(1));
    const __m256i rounded =
        _mm256_add_epi32(_mm256_add_epi32(magnitude, odd), all(kHalf - ((127 - kFormat.bias) << 23)));
    const __m256i subnormal = _mm256_cmpgt_epi32(all(kFormat.min_normal()), magnitude);
    __m256i result = choose(_mm256_srli_epi32(rounded, kFormat.dropped()), subnormal,
                            _mm256_sub_epi32(_mm256_castps_si256(sum), magic));
    result = _mm256_min_epu32(result, all(kFormat.beyond == Beyond::largest ? kFormat.limit() - 1 : kFormat.limit()));
    const __m256i sign = _mm256_srli_epi32(_mm256_and_si256(bits, all(kFloatSign)), 24);
    if constexpr (kFormat.beyond == Beyond::nan) {  // NaN is where the limit is; zero has no sign
      const __m256i zero = _mm256_cmpeq_epi32(result, _mm256_setzero_si256());
      return _mm256_or_si256(result, _mm256_andnot_si256(zero, sign));
    }
    const __m256i nan = _mm256_cmpgt_epi32(magnitude, all(kFloatInfinity));
    return _mm256_or_si256(choose(result, nan, all(kFormat.all_ones())), sign);
  }
};

struct NarrowScale {
  SCONCE_AVX2 static __m256i convert(__m256i bits) {
    const __m256i magnitude = _mm256_and_si256(bits, all(~kFloatSign));
    const __m256i subnormal = _mm256_cmpgt_epi32(all(0x0080'0000), magnitude);  // all ones are -1
    const __m256i half = _mm256_add_epi32(all(0x0040'0000), subnormal);
    return _mm256_min_epu32(_mm256_srli_epi32(_mm256_add_epi32(magnitude, half), 23), all(0xFF));
  }
};

template <FloatFormat kFormat>
struct WidenByte {
  SCONCE_AVX2 static __m256i convert(__m256i bits) {
    const __m256i magnitude = _mm256_and_si256(bits, all(0x7F));
    __m256i result = _mm256_add_epi32(_mm256_slli_epi32(magnitude, kFormat.dropped()), all((127 - kFormat.bias) << 23));
    const __m256i subnormal = _mm256_cmpgt_epi32(all(1U << kFormat.mantissa_bits), magnitude);
    constexpr float kSmallest = std::bit_cast<float>(kFormat.min_normal()) / (1U << kFormat.mantissa_bits);
    const __m256 small = _mm256_mul_ps(_mm256_cvtepi32_ps(magnitude), _mm256_set1_ps(kSmallest));
    result = choose(result, subnormal, _mm256_castps_si256(small));
    const __m256i sign = _mm256_slli_epi32(_mm256_and_si256(bits, all(0x80)), 24);
    if constexpr (kFormat.beyond == Beyond::nan) {
      const __m256i nan = _mm256_cmpeq_epi32(bits, all(0x80));
      return choose(_mm256_or_si256(result, sign), nan, all(kFloatInfinity | kFloatQuiet));
    }
    const __m256i nan = _mm256_cmpeq_epi32(magnitude, all(kFormat.limit()));
    return _mm256_or_si256(_mm256_or_si256(result, sign), _mm256_and_si256(nan, all(kFloatInfinity)));
  }
};

struct WidenScale {
  SCONCE_AVX2 static __m256i convert(__m256i bits) {
    const __m256i zero = _mm256_cmpeq_epi32(bits, _mm256_setzero_si256());
    const __m256i nan = _mm256_cmpeq_epi32(bits, all(0xFF));
    const __m256i result = choose(_mm256_slli_epi32(bits, 23), zero, all(0x0040'0000));
    return choose(result, nan, all(kFloatInfinity | kFloatQuiet));
  }
};

struct WidenFloat16 {
  static constexpr std::size_t kIn = 2;
  SCONCE_AVX2 static __m256i block(const std::byte* in) {
    return _mm256_castps_si256(_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in))));
  }
};

struct WidenBFloat16 {
  static constexpr std::size_t kIn = 2;
  SCONCE_AVX2 static __m256i block(const std::byte* in) {
    return _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in))), 16);
  }
};

/// The upper byte of a float16, so that the processor's own conversion does it.
struct WidenE5M2 {
  static constexpr std::size_t kIn = 1;
  SCONCE_AVX2 static __m256i block(const std::byte* in) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(in));
    return _mm256_castps_si256(_mm256_cvtph_ps(_mm_unpacklo_epi8(_mm_setzero_si128(), bytes)));
  }
};

template <typename Convert>
struct WidenBytes {
  static constexpr std::size_t kIn = 1;
  SCONCE_AVX2 static __m256i block(const std::byte* in) {
    return Convert::convert(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(in))));
  }
};

struct NarrowFloat16 {
  static constexpr std::size_t kIn = 4;
  SCONCE_AVX2 static __m128i half(const std::byte* in) {
    return _mm256_cvtps_ph(_mm256_castsi256_ps(load(in)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  SCONCE_AVX2 static __m256i block(const std::byte* in) { return _mm256_set_m128i(half(in + 32), half(in)); }
};

struct NarrowBFloat16 {
  static constexpr std::size_t kIn = 4;
  SCONCE_AVX2 static __m256i rounded(__m256i bits) {
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), all(1));
    const __m256i nan = _mm256_cmpgt_epi32(_mm256_and_si256(bits, all(~kFloatSign)), all(kFloatInfinity));
    const __m256i result = _mm256_add_epi32(_mm256_add_epi32(bits, all(0x7FFF)), odd);
    return _mm256_srli_epi32(choose(result, nan, _mm256_or_si256(bits, all(kFloatQuiet))), 16);
  }
  SCONCE_AVX2 static __m256i block(const std::byte* in) {
    // Packing works within each 16 bytes.
    const __m256i packed = _mm256_packus_epi32(rounded(load(in)), rounded(load(in + 32)));
    return _mm256_permute4x64_epi64(packed, 0xD8);
  }
};

template <typename Convert>
struct NarrowBytes {
  static constexpr std::size_t kIn = 4;
  SCONCE_AVX2 static __m256i block(const std::byte* in) {
    const __m256i low = _mm256_packus_epi32(Convert::convert(load(in)), Convert::convert(load(in + 32)));
    const __m256i high = _mm256_packus_epi32(Convert::convert(load(in + 64)), Convert::convert(load(in + 96)));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order);
  }
};

template <typename Convert, DType kDType, std::size_t kOutBytes>
struct Block {
  static constexpr std::size_t kIn = Convert::kIn;
  static constexpr std::size_t kOut = kOutBytes;
  static constexpr std::size_t kLine = 32;
  static constexpr std::size_t kElements = kLine / kOut;
  static CastKernel portable() noexcept { return kOut == 4 ? portable_widen(kDType) : portable_narrow(kDType); }

  template <bool kStream>
  SCONCE_AVX2 static void blocks(const std::byte* in, std::byte* out, std::size_t count) {
    for (std::size_t at = 0; at < count; ++at, in += kIn * kElements, out += kLine) {
      const __m256i result = Convert::block(in);
      if constexpr (kStream)
        _mm256_stream_si256(reinterpret_cast<__m256i*>(out), result);
      else
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), result);
    }
    if constexpr (kStream) _mm_sfence();
  }
};

template <typename Convert, DType kDType>
constexpr CastKernel kWiden = cast_blocks<Block<Convert, kDType, 4>>;
template <typename Convert, DType kDType>
constexpr CastKernel kNarrowPair = cast_blocks<Block<Convert, kDType, 2>>;
template <typename Convert, DType kDType>
constexpr CastKernel kNarrowByte = cast_blocks<Block<NarrowBytes<Convert>, kDType, 1>>;

}  // namespace

CastKernel avx2_widen(DType from) noexcept {
  switch (from) {
    case DType::float16: return kWiden<WidenFloat16, DType::float16>;
    case DType::bfloat16: return kWiden<WidenBFloat16, DType::bfloat16>;
    case DType::float8_e5m2: return kWiden<WidenE5M2, DType::float8_e5m2>;
    case DType::float8_e4m3fn: return kWiden<WidenBytes<WidenByte<kFloat8E4M3Fn>>, DType::float8_e4m3fn>;
    case DType::float8_e5m2fnuz: return kWiden<WidenBytes<WidenByte<kFloat8E5M2Fnuz>>, DType::float8_e5m2fnuz>;
    case DType::float8_e4m3fnuz: return kWiden<WidenBytes<WidenByte<kFloat8E4M3Fnuz>>, DType::float8_e4m3fnuz>;
    case DType::float8_e8m0fnu: return kWiden<WidenBytes<WidenScale>, DType::float8_e8m0fnu>;
    default: return nullptr;
  }
}

CastKernel avx2_narrow(DType to) noexcept {
  switch (to) {
    case DType::float16: return kNarrowPair<NarrowFloat16, DType::float16>;
    case DType::bfloat16: return kNarrowPair<NarrowBFloat16, DType::bfloat16>;
    case DType::float8_e5m2: return kNarrowByte<NarrowByte<kFloat8E5M2>, DType::float8_e5m2>;
    case DType::float8_e4m3fn: return kNarrowByte<NarrowByte<kFloat8E4M3Fn>, DType::float8_e4m3fn>;
    case DType::float8_e5m2fnuz: return kNarrowByte<NarrowByte<kFloat8E5M2Fnuz>, DType::float8_e5m2fnuz>;
    case DType::float8_e4m3fnuz: return kNarrowByte<NarrowByte<kFloat8E4M3Fnuz>, DType::float8_e4m3fnuz>;
    case DType::float8_e8m0fnu: return kNarrowByte<NarrowScale, DType::float8_e8m0fnu>;
    default: return nullptr;
  }
}

}  // namespace sconce::tensor

#endif
