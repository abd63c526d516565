// Casts against a slow reference that is written from the definition of the formats, and the vectors against one
// another.
#include "tensor/cast.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <sconce/error.h>

#include "tensor/cast_kernels.h"
#include "tensor/numbers.h"

namespace sconce::tensor {
namespace {

constexpr DType kSmall[] = {DType::float16,         DType::bfloat16,        DType::float8_e5m2,   DType::float8_e4m3fn,
                            DType::float8_e5m2fnuz, DType::float8_e4m3fnuz, DType::float8_e8m0fnu};

std::vector<double> numbers_of(DType dtype, std::span<const std::byte> bytes) {
  std::vector<double> numbers(bytes.size() / element_size(dtype));
  to_doubles(dtype, bytes, numbers);
  return numbers;
}

template <typename T>
std::vector<std::byte> bytes_of_values(const std::vector<T>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::vector<std::byte> cast(DType from, std::span<const std::byte> in, DType to) {
  const std::size_t count = in.size() / element_size(from);
  std::vector<std::byte> out(count * element_size(to));
  cast_elements(from, in.data(), to, out.data(), count);
  return out;
}

template <typename To, typename From>
std::vector<To> cast_values(DType from, const std::vector<From>& values, DType to) {
  const std::vector<std::byte> out = cast(from, bytes_of_values(values), to);
  std::vector<To> result(out.size() / sizeof(To));
  std::memcpy(result.data(), out.data(), out.size());
  return result;
}

/// All patterns of a dtype of one or two bytes.
std::vector<std::byte> all_patterns(DType dtype) {
  if (element_size(dtype) == 1) {
    std::vector<std::uint8_t> all(256);
    for (std::size_t at = 0; at < all.size(); ++at) all[at] = static_cast<std::uint8_t>(at);
    return bytes_of_values(all);
  }
  std::vector<std::uint16_t> all(65536);
  for (std::size_t at = 0; at < all.size(); ++at) all[at] = static_cast<std::uint16_t>(at);
  return bytes_of_values(all);
}

bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

/// The finite numbers of a format that are not negative, in order; an even position is an even pattern.
std::vector<double> ladder_of(DType dtype) {
  std::vector<double> numbers = numbers_of(dtype, all_patterns(dtype));
  numbers.resize(numbers.size() / 2);
  std::erase_if(numbers, [](double number) { return !std::isfinite(number); });
  return numbers;
}

/// The nearest number of the format, by looking for it. Of two that are as near, the one with an even pattern. Beyond
/// the largest: what would be the next number of the ladder stands for infinity, NaN, or for the largest itself.
double nearest(double number, const std::vector<double>& ladder, double beyond) {
  if (std::isnan(number)) return number;
  const double magnitude = std::abs(number);
  const std::size_t count = ladder.size();
  const double next = 2 * ladder[count - 1] - ladder[count - 2];
  double result = beyond;
  if (magnitude < next) {
    const std::size_t above =
        static_cast<std::size_t>(std::lower_bound(ladder.begin(), ladder.end(), magnitude) - ladder.begin());
    if (above == 0) {
      result = 0;
    } else {
      const double high = above == count ? next : ladder[above];
      const double down = magnitude - ladder[above - 1];
      const double up = high - magnitude;
      const bool rise = up < down || (up == down && above % 2 == 0);
      result = !rise ? ladder[above - 1] : above == count ? beyond : high;
    }
  }
  return std::copysign(result, number);
}

/// Around every number of the format and every point half way between two of them.
std::vector<float> floats_around(const std::vector<double>& ladder) {
  std::vector<float> floats = {0, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(),
                               std::numeric_limits<float>::max(), std::numeric_limits<float>::denorm_min()};
  for (std::size_t at = 0; at < ladder.size(); ++at) {
    const double next = at + 1 < ladder.size() ? ladder[at + 1] : 2 * ladder[at] - ladder[at - 1];
    for (const double number : {ladder[at], (ladder[at] + next) / 2, next}) {
      const auto middle = static_cast<float>(number);
      floats.insert(floats.end(), {middle, std::nextafter(middle, 0.0F), std::nextafter(middle, 1e38F)});
    }
  }
  const std::size_t count = floats.size();
  for (std::size_t at = 0; at < count; ++at) floats.push_back(-floats[at]);
  return floats;
}

TEST(Cast, RoundsFloat32ToTheNearestOfEverySmallFormat) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  const std::pair<DType, double> formats[] = {{DType::float16, kInfinity},     {DType::bfloat16, kInfinity},
                                              {DType::float8_e5m2, kInfinity}, {DType::float8_e4m3fn, 448.0},
                                              {DType::float8_e5m2fnuz, kNaN},  {DType::float8_e4m3fnuz, kNaN}};
  for (const auto& [dtype, beyond] : formats) {
    const std::vector<double> ladder = ladder_of(dtype);
    const std::vector<float> floats = floats_around(ladder);
    const std::vector<double> found = numbers_of(dtype, cast(DType::float32, bytes_of_values(floats), dtype));
    for (std::size_t at = 0; at < floats.size(); ++at) {
      double expected = nearest(floats[at], ladder, beyond);
      if (std::isnan(beyond) && expected == 0) expected = 0;  // "uz": there is no negative zero
      ASSERT_TRUE(same(found[at], expected)) << to_string(dtype) << " " << floats[at] << ": " << found[at];
    }
  }
}

TEST(Cast, TakesTheExponentForFloat8E8M0) {
  const std::vector<float> floats = {0, 1, -1, 1.49F, 1.5F, 3, 0x1p-127F, 0x1.8p-127F, 0x1p127F, 0x1.8p127F, INFINITY};
  EXPECT_EQ((cast_values<std::uint8_t>(DType::float32, floats, DType::float8_e8m0fnu)),
            (std::vector<std::uint8_t>{0, 127, 127, 127, 128, 129, 0, 1, 254, 255, 255}));
}

TEST(Cast, WidensEverySmallFloatExactly) {
  for (const DType from : kSmall) {
    const std::vector<std::byte> all = all_patterns(from);
    const std::vector<double> expected = numbers_of(from, all);
    for (const DType to : {DType::float32, DType::float64}) {
      const std::vector<double> found = numbers_of(to, cast(from, all, to));
      for (std::size_t at = 0; at < found.size(); ++at)
        ASSERT_TRUE(same(found[at], expected[at])) << to_string(from) << " " << at << ": " << found[at];
    }
  }
}

TEST(Cast, OfASmallFloatThereAndBackIsTheSame) {
  for (const DType dtype : kSmall) {
    const std::vector<std::byte> all = all_patterns(dtype);
    const std::vector<std::byte> back = cast(DType::float32, cast(dtype, all, DType::float32), dtype);
    const std::vector<double> before = numbers_of(dtype, all);
    const std::size_t size = element_size(dtype);
    for (std::size_t at = 0; at < before.size(); ++at) {
      if (std::isnan(before[at])) continue;
      ASSERT_EQ(std::memcmp(all.data() + at * size, back.data() + at * size, size), 0) << to_string(dtype) << " " << at;
    }
  }
}

// docs/casts.md: the sign and the upper bits of the payload stay, and the NaN is quiet.
TEST(Cast, KeepsSignAndPayloadOfNaN) {
  const std::vector<std::uint32_t> nans = {0x7F800001, 0xFFA00000, 0x7FFFFFFF};
  EXPECT_EQ((cast_values<std::uint16_t>(DType::float32, nans, DType::float16)),
            (std::vector<std::uint16_t>{0x7E00, 0xFF00, 0x7FFF}));
  EXPECT_EQ((cast_values<std::uint16_t>(DType::float32, nans, DType::bfloat16)),
            (std::vector<std::uint16_t>{0x7FC0, 0xFFE0, 0x7FFF}));
  EXPECT_EQ((cast_values<std::uint8_t>(DType::float32, nans, DType::float8_e4m3fn)),
            (std::vector<std::uint8_t>{0x7F, 0xFF, 0x7F}));
  EXPECT_EQ((cast_values<std::uint8_t>(DType::float32, nans, DType::float8_e4m3fnuz)),
            (std::vector<std::uint8_t>{0x80, 0x80, 0x80}));
}

TEST(Cast, CutsTowardZeroAndWrapsAsPyTorchDoesOnX86) {
  const std::vector<double> values = {-1.5, 127.9, 128, 300, -129, 3e9, 4294967295.0, 1e19, 1e30, -1e30, NAN};
  EXPECT_EQ((cast_values<std::int8_t>(DType::float64, values, DType::int8)),
            (std::vector<std::int8_t>{-1, 127, -128, 44, 127, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ((cast_values<std::int32_t>(DType::float64, values, DType::int32)),
            (std::vector<std::int32_t>{-1, 127, 128, 300, -129, INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN,
                                       INT32_MIN}));
  EXPECT_EQ((cast_values<std::uint8_t>(DType::float64, values, DType::uint8)),
            (std::vector<std::uint8_t>{255, 127, 128, 44, 127, 0, 255, 0, 0, 0, 0}));
  constexpr std::uint64_t kHalf = std::uint64_t{1} << 63;
  EXPECT_EQ((cast_values<std::uint64_t>(DType::float64, values, DType::uint64)),
            (std::vector<std::uint64_t>{UINT64_MAX, 127, 128, 300, UINT64_MAX - 128, 3000000000, 4294967295,
                                        10000000000000000000U, 0, kHalf, kHalf}));
}

TEST(Cast, TakesWhatIsNotZeroForTrue) {
  EXPECT_EQ((cast_values<std::uint8_t>(DType::float32, std::vector<float>{0, -0.0F, 1e-45F, NAN}, DType::boolean)),
            (std::vector<std::uint8_t>{0, 0, 1, 1}));
  EXPECT_EQ((cast_values<float>(DType::boolean, std::vector<std::uint8_t>{0, 1, 2}, DType::float32)),
            (std::vector<float>{0, 1, 1}));
}

TEST(Cast, CastsPartsOfComplexNumbersAndMakesRealOnesComplex) {
  EXPECT_EQ((cast_values<float>(DType::complex128, std::vector<double>{1, -2}, DType::complex64)),
            (std::vector<float>{1, -2}));
  EXPECT_EQ((cast_values<std::uint16_t>(DType::complex64, std::vector<float>{1, -2}, DType::complex32)),
            (std::vector<std::uint16_t>{0x3C00, 0xC000}));
  EXPECT_EQ((cast_values<float>(DType::int8, std::vector<std::int8_t>{3, -4}, DType::complex64)),
            (std::vector<float>{3, 0, -4, 0}));
}

TEST(Cast, RefusesWhatIsNoNumberAndSaysWhy) {
  EXPECT_TRUE(can_cast(DType::qint8, DType::qint8));
  for (const auto& [from, to] : {std::pair(DType::complex64, DType::float32), std::pair(DType::qint8, DType::float32),
                                 std::pair(DType::float32, DType::bits8), std::pair(DType::float6_e2m3, DType::float32),
                                 std::pair(DType::float32, DType::float4_e2m1fn_x2)}) {
    EXPECT_FALSE(can_cast(from, to));
    try {
      check_cast(from, to);
      FAIL() << to_string(from);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported);
      EXPECT_FALSE(error.advice().empty());
    }
  }
}

/// Patterns of float32 of all kinds: random ones, few bits, the edges of exponents.
std::vector<std::byte> many_floats() {
  std::mt19937 random(20260101);
  std::vector<std::uint32_t> bits;
  for (std::uint32_t at = 0; at < 100000; ++at) bits.push_back(static_cast<std::uint32_t>(random()));
  for (std::uint32_t high = 0; high < 65536; high += 8)
    for (const std::uint32_t low : {0U, 1U, 0x7FFFFU, 0x80000U, 0x7FFFU, 0x8000U, 0x8001U, 0xFFFFU})
      bits.push_back((high << 16) + low);
  return bytes_of_values(bits);
}

std::vector<CastLevel> levels_here() {
  std::vector<CastLevel> levels;
  for (const CastLevel level : {CastLevel::avx2, CastLevel::avx512})
    if (level <= cast_level()) levels.push_back(level);
  return levels;
}

TEST(CastKernels, OfEveryLevelAgreeBitForBit) {
  if (levels_here().empty()) GTEST_SKIP() << "this processor has no vectors that the casts use";
  const std::vector<std::byte> floats = many_floats();
  for (const DType dtype : kSmall) {
    const std::size_t size = element_size(dtype);
    const std::size_t count = floats.size() / 4;
    const std::vector<std::byte> all = all_patterns(dtype);
    std::vector<std::byte> narrow(count * size);
    std::vector<std::byte> wide(all.size() / size * 4);
    narrow_kernel(dtype, CastLevel::portable)(floats.data(), narrow.data(), count, CastInto::cache);
    widen_kernel(dtype, CastLevel::portable)(all.data(), wide.data(), all.size() / size, CastInto::cache);
    for (const CastLevel level : levels_here()) {
      std::vector<std::byte> found(narrow.size());
      narrow_kernel(dtype, level)(floats.data(), found.data(), count, CastInto::cache);
      EXPECT_EQ(found, narrow) << to_string(dtype) << " level " << static_cast<int>(level);
      found.assign(wide.size(), {});
      widen_kernel(dtype, level)(all.data(), found.data(), all.size() / size, CastInto::memory);
      EXPECT_EQ(found, wide) << to_string(dtype) << " level " << static_cast<int>(level);
    }
  }
}

TEST(CastKernels, StayInTheirBytesWhateverTheLengthAndAlignment) {
  const std::vector<std::byte> floats = many_floats();
  for (const DType dtype : kSmall) {
    const std::size_t size = element_size(dtype);
    for (const CastLevel level : levels_here()) {
      for (const CastInto into : {CastInto::cache, CastInto::memory}) {
        for (std::size_t count = 0; count < 300; count += count < 140 ? 1 : 23) {
          const std::size_t shift = count % 67;
          const std::byte* in = floats.data() + shift;
          std::vector<std::byte> expected(600 + 128, std::byte{0xAA});
          std::vector<std::byte> found = expected;
          narrow_kernel(dtype, CastLevel::portable)(in, expected.data() + shift, count, into);
          narrow_kernel(dtype, level)(in, found.data() + shift, count, into);
          ASSERT_EQ(found, expected) << to_string(dtype) << " " << count << " " << size;
        }
      }
    }
  }
}

TEST(Cast, OfManyElementsIsTheCastOfEach) {
  const std::vector<std::byte> floats = many_floats();
  const std::vector<std::byte> large = [&] {  // large enough to go past the caches
    std::vector<std::byte> all;
    while (all.size() < (std::size_t{5} << 20)) all.insert(all.end(), floats.begin(), floats.end());
    return all;
  }();
  const std::vector<std::byte> whole = cast(DType::float32, large, DType::float16);
  for (std::size_t at = 0; at < whole.size() / 2; at += 997) {
    const std::vector<std::byte> one = cast(DType::float32, std::span(large).subspan(4 * at, 4), DType::float16);
    ASSERT_EQ(std::memcmp(one.data(), whole.data() + 2 * at, 2), 0) << at;
  }
}

}  // namespace
}  // namespace sconce::tensor
