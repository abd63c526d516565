#include "base/checked.h"

#include <gtest/gtest.h>

namespace sconce {
namespace {

TEST(CheckedAdd, AnswersWithNothingInsteadOfAWrap) {
  EXPECT_EQ(checked_add(UINT64_MAX - 1, 1), UINT64_MAX);
  EXPECT_EQ(checked_add(UINT64_MAX, 1), std::nullopt);
}

TEST(CheckedMul, AnswersWithNothingInsteadOfAWrap) {
  EXPECT_EQ(checked_mul(UINT64_MAX, 1), UINT64_MAX);
  EXPECT_EQ(checked_mul(UINT64_MAX, 0), 0u);
  EXPECT_EQ(checked_mul(std::uint64_t{1} << 32, std::uint64_t{1} << 32), std::nullopt);
}

TEST(Fits, CountsWithoutAWrap) {
  EXPECT_TRUE(fits(0, 0, 0));
  EXPECT_TRUE(fits(10, 0, 10));
  EXPECT_TRUE(fits(3, 7, 10));
  EXPECT_FALSE(fits(3, 8, 10));
  EXPECT_FALSE(fits(11, 0, 10));
  EXPECT_FALSE(fits(5, UINT64_MAX - 4, 10));
}

TEST(AlignUp, GoesToTheNextMultiple) {
  EXPECT_EQ(align_up(0, 64), 0u);
  EXPECT_EQ(align_up(1, 64), 64u);
  EXPECT_EQ(align_up(64, 64), 64u);
  EXPECT_EQ(align_up(65, 64), 128u);
  EXPECT_EQ(align_up(13, 1), 13u);
}

}  // namespace
}  // namespace sconce
