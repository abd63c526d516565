#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/run_sconce.h"

namespace sconce::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char kRun[] = "demo/gpu_run.ckpt";

std::string got(const std::vector<std::string>& words) {
  std::vector<std::string> all{"get"};
  all.insert(all.end(), words.begin(), words.end());
  const Ran ran = run_sconce(all);
  EXPECT_EQ(ran.code, 0) << ran.err;
  return ran.out;
}

TEST(Get, PrintsPlainValues) {
  EXPECT_EQ(got({kRun, "epoch"}), "5\n");
  EXPECT_EQ(got({kRun, "optimizer.param_groups.0.betas"}), "(0.9, 0.999)\n");
  EXPECT_EQ(got({kRun, "config.name"}), "demo\n");
  EXPECT_EQ(got({kRun, "config"}), "{\n  'width': 32,\n  'words': 96,\n  'name': 'demo'\n}\n");
  EXPECT_EQ(got({kRun, "config", "--json"}),
            "{\"name\":\"config\",\"type\":\"dict\",\"value\":{\"width\":32,\"words\":96,\"name\":\"demo\"}}\n");
}

TEST(Get, PrintsTensorsAsNumPyDoes) {
  EXPECT_EQ(got({"torch-2.13/views.zip.pt", "block"}),
            "float32 [3, 5]\n"
            "[[  7.5  8.25    9.  9.75  10.5]\n"
            " [ 16.5 17.25   18. 18.75  19.5]\n"
            " [ 25.5 26.25   27. 27.75  28.5]]\n");
  EXPECT_EQ(got({"torch-2.13/conj_and_neg.zip.pt", "neg"}), "float32 [6]\n[  2.5  1.75    1.  0.25  -0.5 -1.25]\n");
  EXPECT_EQ(got({"torch-2.13/dtypes.zip.pt", "bool"}), "bool [3]\n[ True False  True]\n");
  EXPECT_EQ(got({"torch-2.13/views.zip.pt", "scalar", "--json"}),
            "{\"name\":\"scalar\",\"type\":\"tensor\",\"dtype\":\"float32\",\"shape\":[],\"value\":3.5}\n");
  EXPECT_EQ(got({"torch-2.13/views.zip.pt", "expanded", "--json"}),
            "{\"name\":\"expanded\",\"type\":\"tensor\",\"dtype\":\"float32\",\"shape\":[4,3],\"value\":[[1.0,2.0,3.0],"
            "[1.0,2.0,3.0],[1.0,2.0,3.0],[1.0,2.0,3.0]]}\n");
}

TEST(Get, ElidesLargeTensors) {
  const std::string few = got({kRun, "state_dict.embedding.weight"});
  EXPECT_THAT(few, StartsWith("float32 [96, 32], cuda:0\n[["));
  EXPECT_THAT(few, HasSubstr("\n ...\n"));
  EXPECT_GT(got({kRun, "state_dict.embedding.weight", "--full"}).size(), 10 * few.size());
}

TEST(Get, FindsByStepsWhatHasDotsInItsName) {
  EXPECT_EQ(got({kRun, "--step", "state_dict", "--step", "blocks.0.norm.num_batches_tracked"}),
            got({kRun, "state_dict.blocks.0.norm.num_batches_tracked"}));
}

TEST(Get, FindsInAFileOfSeveralObjectsWhatInspectNames) {
  constexpr char kSeveral[] = "torch-2.13/several.legacy.pt";
  EXPECT_EQ(got({kSeveral, "2.1"}), "3\n");
  EXPECT_EQ(got({kSeveral, "--step", "2", "--step", "0"}), "third\n");
  EXPECT_EQ(got({kSeveral, "0.first"}), got({kSeveral, "first"}));
}

TEST(Get, SuggestsNamesThatAreNear) {
  const Ran ran = run_sconce({"get", kRun, "optimizer.param_groups.0.lrr"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("did you mean \"optimizer.param_groups.0.lr\""));
}

TEST(Get, WritesNumPyAndRawFiles) {
  const TemporaryFolder folder;
  EXPECT_THAT(got({"torch-2.13/views.zip.pt", "offset", "--out", folder / "o.npy"}),
              HasSubstr("o.npy: npy, float32 [12], 48 B\n"));
  EXPECT_THAT(read_file(folder / "o.npy"), StartsWith("\x93NUMPY"));
  EXPECT_EQ(got({"torch-2.13/views.zip.pt", "offset", "--out", folder / "o.raw", "-q"}), "");
  EXPECT_EQ(read_file(folder / "o.raw").size(), 48U);
  EXPECT_THAT(read_file(folder / "o.npy"), testing::EndsWith(read_file(folder / "o.raw")));
  const Ran again = run_sconce({"get", "torch-2.13/views.zip.pt", "offset", "--out", folder / "o.raw"});
  EXPECT_EQ(again.code, 4);
  EXPECT_THAT(again.err, HasSubstr("--force replaces it"));
  EXPECT_EQ(run_sconce({"get", kRun, "epoch", "--out", folder / "epoch"}).code, 2);
}

}  // namespace
}  // namespace sconce::test
