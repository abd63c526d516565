#include "base/arena.h"

#include <gtest/gtest.h>

#include <sconce/error.h>

namespace sconce {
namespace {

std::shared_ptr<MemoryBudget> budget_of(std::uint64_t bytes) {
  Limits limits;
  limits.memory_base = bytes;
  return std::make_shared<MemoryBudget>(limits);
}

bool is_aligned(const void* pointer, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(pointer) % alignment == 0;
}

class ArenaTest : public testing::Test {
 protected:
  std::shared_ptr<MemoryBudget> budget_ = budget_of(std::uint64_t{1} << 30);
  Arena arena_{budget_};
};

TEST_F(ArenaTest, TakesNothingBeforeItIsAsked) { EXPECT_EQ(budget_->used(), 0u); }

TEST_F(ArenaTest, AlignsAsAskedWhateverCameBefore) {
  for (std::size_t before = 0; before < 32; ++before) {
    for (const std::size_t alignment : {1u, 2u, 4u, 8u, 16u}) {
      (void)arena_.allocate(before, 1);
      EXPECT_TRUE(is_aligned(arena_.allocate(3, alignment), alignment)) << alignment << " after " << before;
      EXPECT_TRUE(is_aligned(arena_.allocate(5000, alignment), alignment)) << "a block of its own";
    }
  }
}

TEST_F(ArenaTest, KeepsWhatItGaveWhileItGrows) {
  std::vector<std::uint32_t*> all;
  for (std::uint32_t i = 0; i < 200'000; ++i) all.push_back(arena_.make(i));
  for (std::uint32_t i = 0; i < all.size(); ++i) ASSERT_EQ(*all[i], i);
}

TEST_F(ArenaTest, CopiesText) {
  std::string text = "layer.0.weight";
  const std::string_view copy = arena_.copy(text);
  text.assign(text.size(), 'x');
  EXPECT_EQ(copy, "layer.0.weight");
  EXPECT_EQ(arena_.copy(""), "");
}

TEST_F(ArenaTest, GivesABlockOfItsOwnToWhatIsLarge) {
  char* const small = arena_.allocate_array<char>(8);
  const std::uint64_t before = budget_->used();
  char* const large = arena_.allocate_array<char>(100'000);
  std::memset(large, 1, 100'000);
  EXPECT_EQ(budget_->used(), before + 100'000) << "no more than it needs";
  EXPECT_EQ(arena_.allocate_array<char>(8), small + 8) << "the rest of the current block is not lost";
}

TEST_F(ArenaTest, LetsTheLastArrayGrowInPlace) {
  char* const array = arena_.allocate_array<char>(16);
  EXPECT_TRUE(arena_.extend(array + 16, 16));
  EXPECT_EQ(arena_.allocate_array<char>(1), array + 32);
  EXPECT_FALSE(arena_.extend(array + 32, 1)) << "it is not the last any more";
}

TEST_F(ArenaTest, DoesNotLetAnArrayGrowOutOfItsBlock) {
  char* const array = arena_.allocate_array<char>(16);
  EXPECT_FALSE(arena_.extend(array + 16, 4096));
  EXPECT_FALSE(arena_.extend(array + 16, SIZE_MAX));
  char* const large = arena_.allocate_array<char>(100'000);
  EXPECT_FALSE(arena_.extend(large + 100'000, 1));
}

TEST_F(ArenaTest, KeepsTheBlockOfADroppedArrayThatSharesIt) {
  constexpr std::size_t kArray = std::size_t{1} << 18;
  for (int i = 0; i < 20'000; ++i) (void)arena_.allocate_array<char>(512);  // blocks have their full size now
  char* array = nullptr;
  for (std::uint64_t before = budget_->used(); budget_->used() == before;) array = arena_.allocate_array<char>(kArray);
  ASSERT_TRUE(arena_.extend(array + kArray, kArray)) << "it begins a block, and has grown large in it";
  const std::string_view text = arena_.copy("stands behind it");
  ASSERT_EQ(text.data(), array + 2 * kArray);
  const std::uint64_t before = budget_->used();
  arena_.drop_array(array, 2 * kArray);
  EXPECT_EQ(budget_->used(), before) << "nothing is given back, or the text would go, too";
  EXPECT_EQ(text, "stands behind it");
}

TEST_F(ArenaTest, RefusesSizesThatDoNotFitInMemory) {
  (void)arena_.allocate(1, 1);  // so that the alignment has something to add to the size
  EXPECT_THROW((void)arena_.allocate(SIZE_MAX, 16), Error);
  EXPECT_THROW((void)arena_.allocate(SIZE_MAX - 7, 8), Error);
  EXPECT_THROW((void)arena_.allocate_array<std::uint64_t>(SIZE_MAX / 8 + 2), Error);
}

TEST(ArenaBudget, IsChargedBeforeMemoryIsTaken) {
  Arena arena(budget_of(std::uint64_t{1} << 20));
  EXPECT_THROW((void)arena.allocate(std::uint64_t{1} << 45, 8), Error) << "32 TiB, which the machine does not have";
  EXPECT_EQ(arena.budget().used(), 0u);
}

TEST(ArenaBudget, EndsManySmallAllocations) {
  constexpr std::uint64_t kBudget = std::uint64_t{1} << 20;
  Arena arena(budget_of(kBudget));
  std::uint64_t taken = 0;
  EXPECT_THROW(for (;; taken += 64)(void) arena.allocate(64, 8), Error);
  EXPECT_LE(taken, kBudget);
  EXPECT_GE(taken, kBudget / 4) << "most of the budget was of use";
}

TEST(ArenaBudget, IsSharedByTheArenasOfOneFile) {
  const auto budget = budget_of(100'000);
  Arena first(budget), second(budget);
  (void)first.allocate(60'000, 1);
  EXPECT_THROW((void)second.allocate(60'000, 1), Error);
}

}  // namespace
}  // namespace sconce
