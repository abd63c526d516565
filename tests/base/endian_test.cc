#include "base/endian.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sconce {
namespace {

constexpr unsigned char kBytes[] = {0xFF, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08};
constexpr const unsigned char* kUnaligned = kBytes + 1;

TEST(Endian, LoadsAtAnyAlignmentInBothOrders) {
  EXPECT_EQ(load_le<std::uint8_t>(kUnaligned), 0x01u);
  EXPECT_EQ(load_le<std::uint16_t>(kUnaligned), 0x0201u);
  EXPECT_EQ(load_le<std::uint32_t>(kUnaligned), 0x04030201u);
  EXPECT_EQ(load_le<std::uint64_t>(kUnaligned), 0x0807060504030201u);
  EXPECT_EQ(load_be<std::uint16_t>(kUnaligned), 0x0102u);
  EXPECT_EQ(load_be<std::uint32_t>(kUnaligned), 0x01020304u);
  EXPECT_EQ(load_be<std::uint64_t>(kUnaligned), 0x0102030405060708u);
}

TEST(Endian, StoresWhatItLoads) {
  unsigned char buffer[9] = {};
  store_le(buffer + 1, std::uint64_t{0x0807060504030201});
  EXPECT_EQ(load_le<std::uint64_t>(buffer + 1), 0x0807060504030201u);
  EXPECT_EQ(buffer[1], 0x01);
  store_be(buffer + 1, std::uint32_t{0x01020304});
  EXPECT_EQ(buffer[1], 0x01);
  EXPECT_EQ(load_be<std::uint32_t>(buffer + 1), 0x01020304u);
}

TEST(Endian, AppendsToStringsAndVectors) {
  std::string text = "x";
  append_le(text, std::uint16_t{0x4241});
  EXPECT_EQ(text, "xAB");
  std::vector<std::byte> bytes;
  append_le(bytes, std::uint32_t{0x01020304});
  EXPECT_EQ(bytes, (std::vector<std::byte>{std::byte{4}, std::byte{3}, std::byte{2}, std::byte{1}}));
}

}  // namespace
}  // namespace sconce
