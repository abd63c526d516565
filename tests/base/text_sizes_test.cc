// Sizes as people write them.
#include <gtest/gtest.h>

#include "base/text.h"

namespace sconce {
namespace {

TEST(BytesFromText, KnowsUnitsOf1024And1000) {
  EXPECT_EQ(bytes_from_text("4096"), 4096U);
  EXPECT_EQ(bytes_from_text("7B"), 7U);
  EXPECT_EQ(bytes_from_text("512MiB"), std::uint64_t{512} << 20);
  EXPECT_EQ(bytes_from_text("2G"), std::uint64_t{2} << 30);
  EXPECT_EQ(bytes_from_text("1.5GB"), 1'500'000'000U);
  EXPECT_EQ(bytes_from_text("0"), 0U);
}

TEST(BytesFromText, RefusesWhatIsNoSize) {
  for (const char* text : {"", "GiB", "-1", "1e30", "nan", "inf", "10 GiB", "10gib", "10GiBs", "0x10", "9223372036854775808"})
    EXPECT_EQ(bytes_from_text(text), std::nullopt) << text;
}

}  // namespace
}  // namespace sconce
