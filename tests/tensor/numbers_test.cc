// to_doubles(): every dtype, against what PyTorch says and what the formats' papers say.
#include "tensor/numbers.h"

#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/endian.h"
#include "tensor/small_float_tables.h"

namespace sconce::tensor {
namespace {

std::vector<double> numbers(DType dtype, std::string_view bytes, std::size_t elements) {
  std::vector<double> found(elements * numbers_per_element(dtype));
  to_doubles(dtype, std::as_bytes(std::span(bytes)), found);
  return found;
}

template <typename Bits>
std::string little_endian(std::initializer_list<Bits> values) {
  std::string bytes;
  for (const Bits value : values) append_le(bytes, value);
  return bytes;
}

bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

TEST(ToDoubles, ReadsAllFloat8AsPyTorchDoes) {
  const std::pair<DType, const double*> tables[] = {{DType::float8_e5m2, test::k_float8_e5m2},
                                                    {DType::float8_e4m3fn, test::k_float8_e4m3fn},
                                                    {DType::float8_e5m2fnuz, test::k_float8_e5m2fnuz},
                                                    {DType::float8_e4m3fnuz, test::k_float8_e4m3fnuz},
                                                    {DType::float8_e8m0fnu, test::k_float8_e8m0fnu}};
  std::string patterns;
  for (int bits = 0; bits < 256; ++bits) patterns += static_cast<char>(bits);
  for (const auto& [dtype, expected] : tables) {
    const std::vector<double> found = numbers(dtype, patterns, 256);
    for (std::size_t bits = 0; bits < 256; ++bits)
      EXPECT_TRUE(same(found[bits], expected[bits])) << to_string(dtype) << " " << bits << ": " << found[bits];
  }
}

// Table 2 and section 5.3.3 of the OCP Microscaling Formats specification, version 1.0.
TEST(ToDoubles, ReadsFloat4AsPairsWithTheLowHalfFirst) {
  EXPECT_EQ(numbers(DType::float4_e2m1fn_x2, "\x10\x32\x54\x76\xF9", 5),
            (std::vector<double>{0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.5, -6}));
  EXPECT_EQ(numbers_per_element(DType::float4_e2m1fn_x2), 2U);
}

TEST(ToDoubles, ReadsFloat6FourToThreeBytes) {
  // Patterns 000001 (smallest), 000111 (largest subnormal), 011111 (largest), 100000 + 001000 (minus smallest normal).
  const unsigned patterns[] = {0b000001, 0b000111, 0b011111, 0b101000};
  std::uint32_t packed = 0;
  for (unsigned at = 0; at < 4; ++at) packed |= patterns[at] << (6 * at);
  const std::string bytes = little_endian<std::uint32_t>({packed}).substr(0, 3);
  EXPECT_EQ(numbers(DType::float6_e2m3, bytes, 4), (std::vector<double>{0.125, 0.875, 7.5, -1}));
  EXPECT_EQ(numbers(DType::float6_e3m2, bytes, 4), (std::vector<double>{0.0625, 0.4375, 28, -0.5}));
}

TEST(ToDoubles, ReadsFloatsOfTwoFourAndEightBytes) {
  EXPECT_EQ(numbers(DType::float16, little_endian<std::uint16_t>({0x3C00, 0x0001, 0xFBFF}), 3),
            (std::vector<double>{1, 0x1p-24, -65504}));
  EXPECT_EQ(numbers(DType::bfloat16, little_endian<std::uint16_t>({0x3F80, 0xC040}), 2), (std::vector<double>{1, -3}));
  EXPECT_EQ(numbers(DType::float32, little_endian<std::uint32_t>({0x3F800000, 0x00000001}), 2),
            (std::vector<double>{1, 0x1p-149}));
  EXPECT_EQ(numbers(DType::float64, little_endian<std::uint64_t>({0x3FF0000000000000, 0x8000000000000001}), 2),
            (std::vector<double>{1, -0x1p-1074}));
}

TEST(ToDoubles, ReadsComplexNumbersAsTwo) {
  EXPECT_EQ(numbers(DType::complex64, little_endian<std::uint32_t>({0x3F800000, 0x40000000}), 1),
            (std::vector<double>{1, 2}));
  EXPECT_EQ(numbers(DType::complex32, little_endian<std::uint16_t>({0x3C00, 0xC000}), 1), (std::vector<double>{1, -2}));
  EXPECT_EQ(numbers(DType::bcomplex32, little_endian<std::uint16_t>({0x3F80, 0xC000}), 1),
            (std::vector<double>{1, -2}));
}

TEST(ToDoubles, ReadsIntegersWithTheirSigns) {
  EXPECT_EQ(numbers(DType::int8, "\xFF\x7F", 2), (std::vector<double>{-1, 127}));
  EXPECT_EQ(numbers(DType::uint8, "\xFF\x7F", 2), (std::vector<double>{255, 127}));
  EXPECT_EQ(numbers(DType::int16, little_endian<std::uint16_t>({0x8000}), 1), (std::vector<double>{-32768}));
  EXPECT_EQ(numbers(DType::uint16, little_endian<std::uint16_t>({0x8000}), 1), (std::vector<double>{32768}));
  EXPECT_EQ(numbers(DType::qint32, little_endian<std::uint32_t>({0xFFFFFFFE}), 1), (std::vector<double>{-2}));
  EXPECT_EQ(numbers(DType::int64, little_endian<std::uint64_t>({UINT64_MAX}), 1), (std::vector<double>{-1}));
  EXPECT_EQ(numbers(DType::uint64, little_endian<std::uint64_t>({UINT64_MAX}), 1), (std::vector<double>{0x1p64}));
  EXPECT_EQ(numbers(DType::bits16, little_endian<std::uint16_t>({0xFFFF}), 1), (std::vector<double>{65535}));
}

TEST(ToDoubles, ReadsAnyByteOfABoolThatIsNotZeroAsOne) {
  EXPECT_EQ(numbers(DType::boolean, std::string("\x00\x01\x02", 3), 3), (std::vector<double>{0, 1, 1}));
}

TEST(ToDoubles, ReadsElementsThatShareBytesLowBitsFirst) {
  EXPECT_EQ(numbers(DType::quint4x2, "\x21\x43", 3), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(numbers(DType::quint2x4, "\xE4\x01", 5), (std::vector<double>{0, 1, 2, 3, 1}));
}

TEST(ToDoubles, ReadsLongRunsOfPackedElements) {
  const std::string bytes(3000, '\x21');
  const std::vector<double> found = numbers(DType::quint4x2, bytes, 6000);
  for (std::size_t at = 0; at < found.size(); ++at) ASSERT_EQ(found[at], at % 2 == 0 ? 1 : 2) << at;
}

}  // namespace
}  // namespace sconce::tensor
