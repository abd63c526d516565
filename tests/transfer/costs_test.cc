// What the measured numbers say: which way is best when.
#include "transfer/costs.h"

#include <gtest/gtest.h>

namespace sconce::transfer {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

TEST(Costs, HotIsReadAndColdGoesPastTheCache) {
  EXPECT_LT(seconds_for(Way::read, kGiB, kGiB), seconds_for(Way::sequential, kGiB, kGiB));
  EXPECT_LT(seconds_for(Way::read, kGiB, kGiB), seconds_for(Way::direct, kGiB, kGiB));
  EXPECT_LT(seconds_for(Way::direct, kGiB, 0), seconds_for(Way::sequential, kGiB, 0));
  EXPECT_LT(seconds_for(Way::sequential, kGiB, 0), seconds_for(Way::read, kGiB, 0));
}

TEST(Costs, AutomaticIsNoWorseThanAnyWay) {
  for (const std::uint64_t cached : {std::uint64_t{0}, kGiB / 3, kGiB})
    for (const Way way : {Way::read, Way::sequential, Way::direct, Way::ring, Way::copy})
      EXPECT_LE(seconds_for(Way::automatic, kGiB, cached), seconds_for(way, kGiB, cached)) << to_string(way);
}

TEST(Costs, ExpectationCountsRegionsChecksumsAndTheDevice) {
  const Expectation bare = expect({.bytes = kGiB, .cached = kGiB});
  EXPECT_EQ(bare.copy_seconds, 0);
  EXPECT_GT(expect({.bytes = kGiB, .cached = kGiB, .regions = 20000}).read_seconds, bare.read_seconds + 0.01);
  EXPECT_GT(expect({.bytes = kGiB, .cached = kGiB, .checksums = true}).read_seconds, bare.read_seconds);
  EXPECT_DOUBLE_EQ(expect({.bytes = kGiB, .copy_in = 1e9}).copy_seconds, static_cast<double>(kGiB) / 1e9);
}

TEST(Costs, MoreInTheCacheThanThereIsCountsAsAll) {
  EXPECT_EQ(seconds_for(Way::read, kGiB, 2 * kGiB), seconds_for(Way::read, kGiB, kGiB));
}

}  // namespace
}  // namespace sconce::transfer
