// CastCounts: every fate, counted fast, is what the slow way says of each element.
#include "tensor/cast_count.h"

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tensor/cast.h"
#include "tensor/cast_fate.h"

namespace sconce::tensor {
namespace {

constexpr DType kReal[] = {DType::float64,        DType::float32,       DType::float16,         DType::bfloat16,
                           DType::float8_e5m2,    DType::float8_e4m3fn, DType::float8_e5m2fnuz, DType::float8_e4m3fnuz,
                           DType::float8_e8m0fnu, DType::int64,         DType::int32,           DType::int16,
                           DType::int8,           DType::uint64,        DType::uint32,          DType::uint16,
                           DType::uint8,          DType::boolean};

/// Patterns of a dtype: all of one byte; of more, those around powers of two, and random ones of all sizes.
std::vector<std::uint64_t> patterns(DType dtype) {
  const auto bits = static_cast<unsigned>(8 * element_size(dtype));
  std::vector<std::uint64_t> found;
  if (bits == 8) {
    for (std::uint64_t at = 0; at < 256; ++at) found.push_back(at);
    return found;
  }
  const std::uint64_t mask = ~std::uint64_t{0} >> (64 - bits);
  for (unsigned power = 0; power < bits; ++power)
    for (std::uint64_t step = 0; step < 5; ++step) {
      found.push_back(((std::uint64_t{1} << power) + step - 2) & mask);
      found.push_back((0 - (std::uint64_t{1} << power) + step - 2) & mask);
    }
  std::mt19937_64 random(20260101);
  for (int at = 0; at < 300; ++at) found.push_back(random() >> (64 - bits) >> (static_cast<unsigned>(at) % bits / 2));
  return found;
}

std::vector<std::byte> elements_of(DType dtype, const std::vector<std::uint64_t>& patterns) {
  const std::size_t size = element_size(dtype);
  std::vector<std::byte> bytes(patterns.size() * size);
  for (std::size_t at = 0; at < patterns.size(); ++at) std::memcpy(bytes.data() + at * size, &patterns[at], size);
  return bytes;
}

std::vector<std::uint64_t> as_list(const CastCounts& counts) {
  return {counts.to_infinity, counts.to_nan, counts.to_largest, counts.to_zero, counts.out_of_range};
}

TEST(CastCounts, AreTheFatesOfTheElements) {
  for (const DType from : kReal) {
    const std::vector<std::uint64_t> all = patterns(from);
    const std::vector<std::byte> elements = elements_of(from, all);
    for (const DType to : kReal) {
      std::vector<std::uint64_t> expected(5);
      for (const std::uint64_t pattern : all)
        if (const Fate fate = fate_of(from, pattern, to); fate != Fate::kept)
          ++expected[static_cast<std::size_t>(fate) - 1];
      const CastCounts counts = count_cast(from, elements.data(), to, all.size());
      EXPECT_EQ(as_list(counts), expected) << to_string(from) << " to " << to_string(to);
      EXPECT_EQ(counts.elements, all.size());
    }
  }
}

template <typename T>
CastCounts count(const std::vector<T>& values, DType to) {
  return count_cast(dtype_of<T>, reinterpret_cast<const std::byte*>(values.data()), to, values.size());
}

TEST(CastCounts, TellInfinitiesZerosAndWhatIsKept) {
  const std::vector<float> values = {1,   65504, 65519.99F, 65520, -1e30F,  INFINITY,
                                     NAN, 0,     -0.0F,     1e-8F, -1e-45F, 6e-8F};
  EXPECT_EQ(as_list(count(values, DType::float16)), (std::vector<std::uint64_t>{2, 0, 0, 2, 0}));
}

TEST(CastCounts, TellWhatFormatsWithoutInfinitiesDo) {
  const std::vector<float> values = {448, 464, 465, -1e9F, INFINITY, NAN, 240, 247, 249};
  EXPECT_EQ(as_list(count(values, DType::float8_e4m3fn)), (std::vector<std::uint64_t>{0, 0, 3, 0, 0}));
  EXPECT_EQ(as_list(count(values, DType::float8_e4m3fnuz)), (std::vector<std::uint64_t>{0, 6, 0, 0, 0}));
  EXPECT_EQ(as_list(count(std::vector<float>{-1, 0, 1, NAN, INFINITY}, DType::float8_e8m0fnu)),
            (std::vector<std::uint64_t>{0, 1, 0, 0, 2}));
}

TEST(CastCounts, TellWhatIntegersCannotHold) {
  EXPECT_EQ(count(std::vector<double>{-128.9, -129, 127.9, 128, NAN, INFINITY}, DType::int8).out_of_range, 4U);
  EXPECT_EQ(count(std::vector<double>{-0.9, -1, 255.9, 256}, DType::uint8).out_of_range, 2U);
  EXPECT_EQ(count(std::vector<std::int64_t>{-1, 0, INT64_MAX, INT64_MIN}, DType::uint64).out_of_range, 2U);
  EXPECT_EQ(count(std::vector<std::uint64_t>{0, UINT64_MAX}, DType::int64).out_of_range, 1U);
  EXPECT_EQ(count(std::vector<float>{NAN, 0, 5}, DType::boolean).out_of_range, 0U);
}

TEST(CastCounts, CountPartsOfComplexNumbers) {
  const std::vector<std::complex<float>> values = {{1e9F, 1e-30F}, {1, 1e9F}};
  const CastCounts counts = count(values, DType::complex32);
  EXPECT_EQ(counts.elements, 2U);
  EXPECT_EQ(as_list(counts), (std::vector<std::uint64_t>{2, 0, 0, 1, 0}));
}

TEST(CastCounts, OfLongRunsAreExact) {
  std::vector<float> values(100003, 1.0F);
  for (std::size_t at = 0; at < values.size(); at += 10) values[at] = 1e9F;
  EXPECT_EQ(count(values, DType::float16).to_infinity, 10001U);
}

}  // namespace
}  // namespace sconce::tensor
