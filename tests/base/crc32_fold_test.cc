// CRC-32 in vectors, against the definition.
#include "base/crc32_fold.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "base/hash.h"

namespace sconce {
namespace {

/// The definition: bit after bit through the shift register.
std::uint32_t bitwise_crc32(std::uint32_t crc, std::span<const std::byte> bytes) {
  crc = ~crc;
  for (const std::byte byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320 : 0);
  }
  return ~crc;
}

std::vector<std::byte> random_bytes(std::size_t size) {
  std::mt19937_64 random(20260101);
  std::vector<std::byte> bytes(size);
  std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<std::byte>(random()); });
  return bytes;
}

TEST(Crc32, IsTheDefinitionOnAllLengthsAndAlignments) {
  const std::vector<std::byte> bytes = random_bytes(4096 + 64);
  for (const std::size_t start : {0U, 1U, 3U, 8U, 15U, 16U, 31U, 33U, 63U}) {
    std::uint32_t expected = 0;  // grows with the run
    for (std::size_t size = 0; size <= 4096; ++size) {
      ASSERT_EQ(crc32(0, std::span(bytes).subspan(start, size)), expected) << start << ", " << size;
      expected = bitwise_crc32(expected, std::span(bytes).subspan(start + size, 1));
    }
  }
}

TEST(Crc32, IsTheDefinitionOnLongRuns) {
  const std::vector<std::byte> bytes = random_bytes((std::size_t{1} << 20) + 77);
  EXPECT_EQ(crc32(0, bytes), bitwise_crc32(0, bytes));
}

TEST(Crc32, GoesOnFromAnyValueAtAnyCut) {
  const std::vector<std::byte> bytes = random_bytes(20000);
  const std::span all(bytes);
  for (const std::uint32_t first : {0U, 1U, 0xFFFFFFFFU, 0x12345678U}) {
    const std::uint32_t expected = bitwise_crc32(first, bytes);
    for (const std::size_t cut : {0U, 1U, 255U, 511U, 512U, 513U, 767U, 768U, 5000U, 19488U, 19999U, 20000U})
      EXPECT_EQ(crc32(crc32(first, all.first(cut)), all.subspan(cut)), expected) << first << ", " << cut;
  }
}

TEST(Crc32, SeesEveryBitOfABlock) {
  std::vector<std::byte> bytes(1024);
  const std::uint32_t zeros = crc32(0, bytes);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    ASSERT_NE(crc32(0, bytes), zeros) << bit;
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

TEST(FoldCrc32, TakesWholeBlocksAndLeavesTheRest) {
  if (!can_fold_crc32()) GTEST_SKIP() << "this processor has no VPCLMULQDQ with AVX-512";
  const std::vector<std::byte> bytes = random_bytes(1000);
  std::span<const std::byte> rest(bytes);
  EXPECT_EQ(fold_crc32(7, rest), bitwise_crc32(7, std::span(bytes).first(768)));
  EXPECT_EQ(rest.size(), 232U);
  EXPECT_EQ(rest.data(), bytes.data() + 768);
}

}  // namespace
}  // namespace sconce
