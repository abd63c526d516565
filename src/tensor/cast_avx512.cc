// Small floats from and to float32, 64 bytes of results at a time. Every step is small_float.h's, for 16 elements.
#if defined(__x86_64__)

#if !defined(__clang__)
// GCC 12 takes the undefined vectors in its own header for a mistake of ours (its bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <immintrin.h>

#include "tensor/cast_levels.h"
#include "tensor/small_float.h"

#define SCONCE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,f16c")))

namespace sconce::tensor {
namespace {

SCONCE_AVX512 inline __m512i all(std::uint32_t value) { return _mm512_set1_epi32(static_cast<int>(value)); }
SCONCE_AVX512 inline __m512i load(const std::byte* at) { return _mm512_loadu_si512(at); }

/// float32 → a byte format, as 32-bit integers.
template <FloatFormat kFormat>
SCONCE_AVX512 inline __m512i narrow16(__m512i bits) {
  const __m512i magnitude = _mm512_and_si512(bits, all(~kFloatSign));
  const __m512i magic = all(kFormat.subnormal_magic());
  const __m512 sum = _mm512_add_round_ps(_mm512_castsi512_ps(magnitude), _mm512_castsi512_ps(magic),
                                         _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  constexpr std::uint32_t kHalf = (1U << (kFormat.dropped() - 1)) - 1;
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(magnitude, kFormat.dropped()), all(1));
  const __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(magnitude, odd), all(kHalf - ((127 - kFormat.bias) << 23)));
  __m512i result = _mm512_srli_epi32(rounded, kFormat.dropped());
  result = _mm512_mask_sub_epi32(result, _mm512_cmplt_epu32_mask(magnitude, all(kFormat.min_normal())),
                                 _mm512_castps_si512(sum), magic);
  result = _mm512_min_epu32(result, all(kFormat.beyond == Beyond::largest ? kFormat.limit() - 1 : kFormat.limit()));
  const __m512i sign = _mm512_srli_epi32(_mm512_and_si512(bits, all(kFloatSign)), 24);
  if constexpr (kFormat.beyond == Beyond::nan) {  // NaN is where the limit is; zero has no sign
    return _mm512_mask_or_epi32(result, _mm512_test_epi32_mask(result, result), result, sign);
  }
  const __mmask16 nan = _mm512_cmpgt_epu32_mask(magnitude, all(kFloatInfinity));
  result = _mm512_mask_mov_epi32(result, nan, all(kFormat.all_ones()));
  return _mm512_or_si512(result, sign);
}

struct NarrowScale {
  SCONCE_AVX512 static __m512i convert(__m512i bits) {
    const __m512i magnitude = _mm512_and_si512(bits, all(~kFloatSign));
    const __mmask16 subnormal = _mm512_cmplt_epu32_mask(magnitude, all(0x0080'0000));
    const __m512i half = _mm512_mask_mov_epi32(all(0x0040'0000), subnormal, all(0x003F'FFFF));
    return _mm512_min_epu32(_mm512_srli_epi32(_mm512_add_epi32(magnitude, half), 23), all(0xFF));
  }
};

template <FloatFormat kFormat>
struct NarrowByte {
  SCONCE_AVX512 static __m512i convert(__m512i bits) { return narrow16<kFormat>(bits); }
};

template <FloatFormat kFormat>
struct WidenByte {
  SCONCE_AVX512 static __m512i convert(__m512i bits) {
    const __m512i magnitude = _mm512_and_si512(bits, all(0x7F));
    const __m512i shifted = _mm512_slli_epi32(magnitude, kFormat.dropped());
    __m512i result = _mm512_add_epi32(shifted, all((127 - kFormat.bias) << 23));
    const __mmask16 subnormal = _mm512_cmplt_epu32_mask(magnitude, all(1U << kFormat.mantissa_bits));
    constexpr float kSmallest = std::bit_cast<float>(kFormat.min_normal()) / (1U << kFormat.mantissa_bits);
    const __m512 small = _mm512_mul_ps(_mm512_cvtepi32_ps(magnitude), _mm512_set1_ps(kSmallest));
    result = _mm512_mask_mov_epi32(result, subnormal, _mm512_castps_si512(small));
    const __m512i sign = _mm512_slli_epi32(_mm512_and_si512(bits, all(0x80)), 24);
    if constexpr (kFormat.beyond == Beyond::nan) {
      const __mmask16 nan = _mm512_cmpeq_epi32_mask(bits, all(0x80));
      return _mm512_mask_mov_epi32(_mm512_or_si512(result, sign), nan, all(kFloatInfinity | kFloatQuiet));
    }
    const __mmask16 nan = _mm512_cmpeq_epi32_mask(magnitude, all(kFormat.limit()));
    result = _mm512_mask_or_epi32(result, nan, result, all(kFloatInfinity));
    return _mm512_or_si512(result, sign);
  }
};

/// The upper byte of a float16, so that the processor's own conversion does it.
struct WidenE5M2 {
  SCONCE_AVX512 static __m512i convert(__m512i bits) {
    return _mm512_castps_si512(_mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_slli_epi32(bits, 8))));
  }
};

struct WidenScale {
  SCONCE_AVX512 static __m512i convert(__m512i bits) {
    __m512i result = _mm512_slli_epi32(bits, 23);
    result = _mm512_mask_mov_epi32(result, _mm512_testn_epi32_mask(bits, bits), all(0x0040'0000));
    const __mmask16 nan = _mm512_cmpeq_epi32_mask(bits, all(0xFF));
    return _mm512_mask_mov_epi32(result, nan, all(kFloatInfinity | kFloatQuiet));
  }
};

struct WidenFloat16 {
  static constexpr std::size_t kIn = 2;
  SCONCE_AVX512 static __m512i block(const std::byte* in) {
    return _mm512_castps_si512(_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(in))));
  }
};

struct WidenBFloat16 {
  static constexpr std::size_t kIn = 2;
  SCONCE_AVX512 static __m512i block(const std::byte* in) {
    return _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(in))), 16);
  }
};

template <typename Convert>
struct WidenBytes {
  static constexpr std::size_t kIn = 1;
  SCONCE_AVX512 static __m512i block(const std::byte* in) {
    return Convert::convert(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in))));
  }
};

struct NarrowFloat16 {
  static constexpr std::size_t kIn = 4;
  SCONCE_AVX512 static __m256i half(const std::byte* in) {
    return _mm512_cvtps_ph(_mm512_loadu_ps(in), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  SCONCE_AVX512 static __m512i block(const std::byte* in) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(half(in)), half(in + 64), 1);
  }
};

struct NarrowBFloat16 {
  static constexpr std::size_t kIn = 4;
  /// The result stands in the upper halves.
  SCONCE_AVX512 static __m512i rounded(__m512i bits) {
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), all(1));
    const __mmask16 nan = _mm512_cmpgt_epu32_mask(_mm512_and_si512(bits, all(~kFloatSign)), all(kFloatInfinity));
    const __m512i result = _mm512_add_epi32(_mm512_add_epi32(bits, all(0x7FFF)), odd);
    return _mm512_mask_or_epi32(result, nan, bits, all(kFloatQuiet));
  }
  SCONCE_AVX512 static __m512i block(const std::byte* in) {
    alignas(64) static constexpr std::uint16_t kUpper[32] = {1,  3,  5,  7,  9,  11, 13, 15, 17, 19, 21,
                                                             23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43,
                                                             45, 47, 49, 51, 53, 55, 57, 59, 61, 63};
    return _mm512_permutex2var_epi16(rounded(load(in)), _mm512_load_si512(kUpper), rounded(load(in + 64)));
  }
};

template <typename Convert>
struct NarrowBytes {
  static constexpr std::size_t kIn = 4;
  SCONCE_AVX512 static __m512i block(const std::byte* in) {
    const __m512i low = _mm512_packus_epi32(Convert::convert(load(in)), Convert::convert(load(in + 64)));
    const __m512i high = _mm512_packus_epi32(Convert::convert(load(in + 128)), Convert::convert(load(in + 192)));
    // Packing works within each 16 bytes; groups of four elements are put where they belong.
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_permutexvar_epi32(order, _mm512_packus_epi16(low, high));
  }
};

template <typename Convert, DType kDType, std::size_t kOutBytes>
struct Block {
  static constexpr std::size_t kIn = Convert::kIn;
  static constexpr std::size_t kOut = kOutBytes;
  static constexpr std::size_t kLine = 64;
  static constexpr std::size_t kElements = kLine / kOut;
  static CastKernel portable() noexcept { return kOut == 4 ? portable_widen(kDType) : portable_narrow(kDType); }

  template <bool kStream>
  SCONCE_AVX512 static void blocks(const std::byte* in, std::byte* out, std::size_t count) {
    for (std::size_t at = 0; at < count; ++at, in += kIn * kElements, out += kLine) {
      const __m512i result = Convert::block(in);
      if constexpr (kStream)
        _mm512_stream_si512(reinterpret_cast<__m512i*>(out), result);
      else
        _mm512_storeu_si512(out, result);
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

CastKernel avx512_widen(DType from) noexcept {
  switch (from) {
    case DType::float16: return kWiden<WidenFloat16, DType::float16>;
    case DType::bfloat16: return kWiden<WidenBFloat16, DType::bfloat16>;
    case DType::float8_e5m2: return kWiden<WidenBytes<WidenE5M2>, DType::float8_e5m2>;
    case DType::float8_e4m3fn: return kWiden<WidenBytes<WidenByte<kFloat8E4M3Fn>>, DType::float8_e4m3fn>;
    case DType::float8_e5m2fnuz: return kWiden<WidenBytes<WidenByte<kFloat8E5M2Fnuz>>, DType::float8_e5m2fnuz>;
    case DType::float8_e4m3fnuz: return kWiden<WidenBytes<WidenByte<kFloat8E4M3Fnuz>>, DType::float8_e4m3fnuz>;
    case DType::float8_e8m0fnu: return kWiden<WidenBytes<WidenScale>, DType::float8_e8m0fnu>;
    default: return nullptr;
  }
}

CastKernel avx512_narrow(DType to) noexcept {
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
