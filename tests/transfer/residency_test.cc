// What is in the page cache: every way of asking says the same, or that it does not know.
#include "transfer/residency.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "transfer/region_set.h"

namespace sconce::transfer::test {
namespace {

constexpr Evidence kEvidence[] = {Evidence::cachestat, Evidence::mincore, Evidence::no_wait};
constexpr std::uint64_t kSize = 4 << 20;

class Residency : public testing::Test {
 protected:
  Residency() {
    set_.file("noise", noise(kSize, 1));
    descriptor_ = ::open(set_.path("noise").c_str(), O_RDONLY | O_CLOEXEC);
  }
  ~Residency() override { ::close(descriptor_); }

  RegionSet set_;
  int descriptor_ = -1;
};

TEST_F(Residency, FileThatWasJustWrittenIsThere) {
  for (const Evidence evidence : kEvidence)
    EXPECT_EQ(cached_bytes_by(evidence, descriptor_, 0, kSize).value_or(kSize), kSize);
}

TEST_F(Residency, NothingIsThereAfterTheCacheWasEmptied) {
  make_cold(set_.path("noise"));
  const auto first = cached_bytes(descriptor_, 0, kSize);
  if (!first || *first != 0) GTEST_SKIP() << "this file system keeps its page cache, or nobody can tell";
  // The last of them may start reading.
  for (const Evidence evidence : {Evidence::cachestat, Evidence::mincore})
    EXPECT_EQ(cached_bytes_by(evidence, descriptor_, 0, kSize).value_or(0), 0U);
  EXPECT_LE(cached_bytes_by(Evidence::no_wait, descriptor_, 0, kSize).value_or(0), kSize / 2);
}

TEST_F(Residency, AnswersNeverExceedTheRange) {
  for (const Evidence evidence : kEvidence) {
    for (const std::uint64_t size : {0UL, 1UL, 4095UL, 4097UL, 100000UL})
      EXPECT_LE(cached_bytes_by(evidence, descriptor_, 4000, size).value_or(0), size);
  }
}

TEST_F(Residency, UnknownIsAnAnswer) {
  for (const Evidence evidence : kEvidence) EXPECT_EQ(cached_bytes_by(evidence, -1, 0, 4096), std::nullopt);
}

}  // namespace
}  // namespace sconce::transfer::test
