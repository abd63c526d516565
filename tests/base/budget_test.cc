#include "base/budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sconce/error.h>

namespace sconce {
namespace {

Limits small_limits() {
  Limits limits;
  limits.memory_base = 100;
  limits.memory_per_metadata_byte = 8;
  return limits;
}

TEST(MemoryBudget, LetsThroughWhatFitsExactly) {
  MemoryBudget budget(small_limits());
  budget.charge(99);
  budget.charge(1);
  budget.charge(0);
  EXPECT_EQ(budget.used(), 100u);
  EXPECT_THROW(budget.charge(1), Error);
  EXPECT_EQ(budget.used(), 100u) << "what was refused is not charged";
}

TEST(MemoryBudget, GrowsWithTheMetadataThatWasRead) {
  MemoryBudget budget(small_limits());
  budget.grow(10);
  EXPECT_EQ(budget.limit(), 180u);
  budget.charge(180);
  EXPECT_THROW(budget.charge(1), Error);
}

TEST(MemoryBudget, GetsBackWhatIsReleased) {
  MemoryBudget budget(small_limits());
  budget.charge(100);
  budget.release(40);
  budget.charge(40);
  EXPECT_THROW(budget.charge(1), Error);
  budget.release(1000);
  EXPECT_EQ(budget.used(), 0u) << "never below nothing";
}

TEST(MemoryBudget, DoesNotWrapAround) {
  MemoryBudget budget(small_limits());
  budget.charge(50);
  EXPECT_THROW(budget.charge(UINT64_MAX), Error);
  budget.grow(UINT64_MAX);
  budget.grow(UINT64_MAX);
  EXPECT_EQ(budget.limit(), UINT64_MAX);
  budget.charge(UINT64_MAX - 50);
  EXPECT_THROW(budget.charge(1), Error);
}

TEST(MemoryBudget, SaysHowMuchAndWhatToDo) {
  MemoryBudget budget(small_limits());
  budget.charge(60);
  try {
    budget.charge(std::uint64_t{3} << 30);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::limit);
    EXPECT_THAT(error.message(), testing::HasSubstr("more than 100 B of memory (60 B used, 3.00 GiB more asked for)"));
    EXPECT_THAT(error.advice(), testing::HasSubstr("Limits::memory_base"));
  }
}

}  // namespace
}  // namespace sconce
