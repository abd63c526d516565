#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sconce/sconce.h>

#include "cli/run_sconce.h"

namespace sconce::test {
namespace {

using testing::HasSubstr;

/// Two small files that differ in a value, a shape, a name and an epoch.
class DiffCommand : public testing::Test {
 protected:
  DiffCommand() {
    const std::vector<float> ones{1, 1, 1};
    Checkpoint a;
    a["w"] = Tensor::from(ones, {3});
    a["shaped"] = Tensor::from(ones, {3});
    a["left"] = Tensor::from(ones, {3});
    a["epoch"] = 3;
    save(a, folder_ / "a.pt");
    Checkpoint b;
    b["w"] = Tensor::from(std::vector<float>{1, 1.5, 1}, {3});
    b["shaped"] = Tensor::from(ones, {1, 3});
    b["epoch"] = 4;
    save(b, folder_ / "b.pt");
  }

  [[nodiscard]] Ran diff(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"diff", folder_ / "a.pt", folder_ / "b.pt"};
    words.insert(words.end(), more.begin(), more.end());
    return run_sconce(words);
  }

  TemporaryFolder folder_;
};

TEST_F(DiffCommand, ShowsEachDifferenceInALine) {
  const Ran ran = diff();
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.out, HasSubstr("- left  only in A\n"));
  EXPECT_THAT(ran.out, HasSubstr("~ w  values: 1 of 3 elements differ, max abs 0.5, max rel 0.333"));
  EXPECT_THAT(ran.out, HasSubstr("first at [1]\n"));
  EXPECT_THAT(ran.out, HasSubstr("~ shaped  shape: [3] -> [1, 3]\n"));
  EXPECT_THAT(ran.out, HasSubstr("~ epoch  3 -> 4\n"));
}

TEST_F(DiffCommand, SaysTheSameToPrograms) {
  const std::string out = diff({"--json"}).out;
  EXPECT_THAT(out, testing::StartsWith("{\"same\":false,"));
  EXPECT_THAT(out, HasSubstr("\"only_a\":[\"left\"],\"only_b\":[]"));
  EXPECT_THAT(out, HasSubstr("{\"name\":\"w\",\"what\":\"values\",\"numel\":3,\"different\":1,\"max_abs\":0.5,"));
}

TEST_F(DiffCommand, IgnoresAndTolerates) {
  EXPECT_EQ(diff({"--ignore", "left", "--ignore", "shaped", "-i", "epoch"}).code, 1);
  EXPECT_EQ(diff({"--ignore", "left", "--ignore", "shaped", "-i", "epoch", "--atol", "0.5"}).code, 0);
  EXPECT_EQ(diff({"--quiet"}).out, "");
}

}  // namespace
}  // namespace sconce::test
