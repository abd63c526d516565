// Elements of every dtype as the numbers that PyTorch shows.
#include "cli/elements.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <initializer_list>

namespace sconce::cli {
namespace {

std::string text(DType dtype, std::initializer_list<unsigned> bytes) {
  std::array<std::byte, 16> buffer{};
  std::size_t at = 0;
  for (const unsigned byte : bytes) buffer[at++] = static_cast<std::byte>(byte);
  return element_text(decode(dtype, buffer.data()));
}

TEST(Elements, ReadsSmallFloats) {
  EXPECT_EQ(text(DType::float8_e4m3fn, {0x7E}), "448.");
  EXPECT_EQ(text(DType::float8_e4m3fn, {0x7F}), "nan");
  EXPECT_EQ(text(DType::float8_e4m3fn, {0x01}), "0.001953125");
  EXPECT_EQ(text(DType::float8_e5m2, {0x7B}), "57344.");
  EXPECT_EQ(text(DType::float8_e5m2, {0xFC}), "-inf");
  EXPECT_EQ(text(DType::float8_e5m2, {0x7D}), "nan");
  EXPECT_EQ(text(DType::float8_e4m3fnuz, {0x7F}), "240.");
  EXPECT_EQ(text(DType::float8_e4m3fnuz, {0x80}), "nan");
  EXPECT_EQ(text(DType::float8_e5m2fnuz, {0x7F}), "57344.");
  EXPECT_EQ(text(DType::float8_e5m2fnuz, {0x80}), "nan");
  EXPECT_EQ(text(DType::float8_e8m0fnu, {127}), "1.");
  EXPECT_EQ(text(DType::float8_e8m0fnu, {255}), "nan");
  EXPECT_EQ(text(DType::float6_e2m3, {0x1F}), "7.5");
  EXPECT_EQ(text(DType::float6_e3m2, {0x1F}), "28.");
  EXPECT_EQ(text(DType::float4_e2m1fn_x2, {0xF7}), "6.|-6.");
}

TEST(Elements, ReadsLargerOnesWithTheirShortestDigits) {
  EXPECT_EQ(text(DType::float16, {0xFF, 0x7B}), "65504.");
  EXPECT_EQ(text(DType::bfloat16, {0x80, 0x3F}), "1.");
  EXPECT_EQ(text(DType::float32, {0xCD, 0xCC, 0xCC, 0x3D}), "0.1");
  EXPECT_EQ(text(DType::float64, {0x9A, 0x99, 0x99, 0x99, 0x99, 0x99, 0xB9, 0x3F}), "0.1");
  EXPECT_EQ(text(DType::float32, {0xAC, 0xC5, 0x27, 0x37}), "1e-05");
  EXPECT_EQ(text(DType::complex64, {0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0}), "1.-2.j");
}

TEST(Elements, ReadsIntegersTruthsAndBits) {
  EXPECT_EQ(text(DType::int8, {0xFF}), "-1");
  EXPECT_EQ(text(DType::uint8, {0xFF}), "255");
  EXPECT_EQ(text(DType::uint64, {255, 255, 255, 255, 255, 255, 255, 255}), "18446744073709551615");
  EXPECT_EQ(text(DType::quint4x2, {0x0F}), "15");
  EXPECT_EQ(text(DType::boolean, {1}), "True");
  EXPECT_EQ(text(DType::bits8, {0xA5}), "0xa5");
  EXPECT_EQ(text(DType::bits16, {0x34, 0x12}), "0x1234");
}

}  // namespace
}  // namespace sconce::cli
