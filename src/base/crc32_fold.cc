#include "base/crc32_fold.h"

#include <libdeflate.h>

#if defined(__x86_64__)

#if !defined(__clang__)
// GCC 12 takes the undefined vectors in its own header for a mistake of ours (its bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <immintrin.h>

#include <array>

#define SCONCE_FOLD __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,pclmul,vpclmulqdq")))

namespace sconce {
namespace {

/// x^n modulo the CRC's polynomial, as a factor for multiplication without carries: bits are reversed, and one place
/// further up because the product of two reversed numbers of 64 bits stands one place too low.
constexpr std::uint64_t power(unsigned n) noexcept {
  std::uint32_t value = 0x8000'0000;
  for (; n != 0; --n) value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB8'8320 : 0);
  return std::uint64_t{value} << 1;
}

// As in Gopal and others, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ", Intel 2009.
static_assert(power(4 * 128 + 32) == 0x154442bd4 && power(4 * 128 - 32) == 0x1c6e41596);
static_assert(power(128 + 32) == 0x1751997d0 && power(128 - 32) == 0x0ccaa009e);

/// The two factors that move 16 bytes over `bytes` bytes.
struct Factors {
  long long low;
  long long high;
};
constexpr Factors over(unsigned bytes) noexcept {
  return {static_cast<long long>(power(8 * bytes + 32)), static_cast<long long>(power(8 * bytes - 32))};
}

SCONCE_FOLD inline __m512i everywhere(Factors factors) {
  return _mm512_set_epi64(factors.high, factors.low, factors.high, factors.low, factors.high, factors.low, factors.high,
                          factors.low);
}

/// `value`, moved by what `factors` stand for, plus `next`.
SCONCE_FOLD inline __m512i folded(__m512i value, __m512i factors, __m512i next) {
  const __m512i low = _mm512_clmulepi64_epi128(value, factors, 0x00);
  const __m512i high = _mm512_clmulepi64_epi128(value, factors, 0x11);
  return _mm512_ternarylogic_epi64(low, high, next, 0x96);  // exclusive or of all three
}

constexpr std::size_t kVector = 64;
constexpr std::size_t kBlock = 4 * kVector;

SCONCE_FOLD inline __m512i load(const std::byte* at) { return _mm512_loadu_si512(at); }

/// 16 bytes that have the same remainder as `blocks` blocks.
SCONCE_FOLD __m128i fold_blocks(std::uint32_t state, const std::byte* at, std::size_t blocks) {
  __m512i a = _mm512_xor_si512(load(at), _mm512_zextsi128_si512(_mm_cvtsi32_si128(static_cast<int>(state))));
  __m512i b = load(at + kVector);
  __m512i c = load(at + 2 * kVector);
  __m512i d = load(at + 3 * kVector);
  const __m512i block = everywhere(over(kBlock));
  for (std::size_t done = 1; done < blocks; ++done) {
    at += kBlock;
    a = folded(a, block, load(at));
    b = folded(b, block, load(at + kVector));
    c = folded(c, block, load(at + 2 * kVector));
    d = folded(d, block, load(at + 3 * kVector));
  }
  d = folded(a, everywhere(over(3 * kVector)), d);
  d = folded(b, everywhere(over(2 * kVector)), d);
  d = folded(c, everywhere(over(kVector)), d);
  // The first three lanes go over those behind them; the last stays as it is.
  constexpr Factors kFirst = over(48);
  constexpr Factors kSecond = over(32);
  constexpr Factors kThird = over(16);
  const __m512i lanes =
      _mm512_set_epi64(0, 0, kThird.high, kThird.low, kSecond.high, kSecond.low, kFirst.high, kFirst.low);
  const __m512i sum = folded(d, lanes, _mm512_maskz_mov_epi64(0xC0, d));
  const __m256i half = _mm256_xor_si256(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64(sum, 1));
  return _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

}  // namespace

bool can_fold_crc32() noexcept {
  static const bool can = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("vpclmulqdq");
  return can;
}

std::uint32_t fold_crc32(std::uint32_t crc, std::span<const std::byte>& bytes) noexcept {
  const std::size_t blocks = bytes.size() / kBlock;
  if (blocks == 0) return crc;
  const __m128i remainder = fold_blocks(~crc, bytes.data(), blocks);
  alignas(16) std::array<std::byte, 16> rest;
  _mm_store_si128(reinterpret_cast<__m128i*>(rest.data()), remainder);
  bytes = bytes.subspan(blocks * kBlock);
  // From a state of zero, which is a checksum of all ones.
  return libdeflate_crc32(0xFFFF'FFFF, rest.data(), rest.size());
}

}  // namespace sconce

#else

namespace sconce {

bool can_fold_crc32() noexcept { return false; }
std::uint32_t fold_crc32(std::uint32_t crc, std::span<const std::byte>& bytes) noexcept {
  const std::span<const std::byte> all = bytes;
  bytes = {};
  return all.empty() ? crc : libdeflate_crc32(crc, all.data(), all.size());
}

}  // namespace sconce

#endif
