// sconce check FILE --into LIKE: a dry run of load_state_dict.
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sconce/sconce.h>

#include "cli/run_sconce.h"

namespace sconce::test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

/// A model, and the checkpoint of a wrapped one with another head.
class CheckInto : public testing::Test {
 protected:
  CheckInto() {
    const std::vector<float> ones(12, 1);
    Checkpoint model;
    model["body.weight"] = Tensor::from(ones, {3, 4});
    model["head.weight"] = Tensor::from(ones, {2, 6});
    save(model, folder_ / "model.pt");
    Checkpoint run;
    run["module.body.weight"] = Tensor::from(ones, {3, 4});
    run["module.head.weigth"] = Tensor::from(ones, {6, 2});
    save(run, folder_ / "run.pt");
    std::ofstream(folder_ / "rules.txt") << "# a slip of the pen\n.weigth$ -> .weight\n";
  }

  [[nodiscard]] Ran check(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"check", folder_ / "run.pt", "--into", folder_ / "model.pt"};
    words.insert(words.end(), more.begin(), more.end());
    return run_sconce(words);
  }

  TemporaryFolder folder_;
};

TEST_F(CheckInto, SaysWhatPyTorchWouldSayAndWhatWouldHelp) {
  const Ran ran = check();
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.out, HasSubstr("does not fit: 0 of 2 entries of the model are filled"));
  EXPECT_THAT(ran.out, HasSubstr("\nMissing key(s) in state_dict: \"body.weight\", \"head.weight\".\n"));
  EXPECT_THAT(ran.out, HasSubstr("\nwith strip \"module.\": 1 of 2 fit by name and shape, 0 without\n"));
  EXPECT_THAT(ran.out, EndsWith("with --strip 'module.' it still does not fit, and fills 1 of 2 instead of 0\n"));
}

TEST_F(CheckInto, FitsWithPrefixRulesAndASkippedHead) {
  const std::string rules = folder_ / "rules.txt";
  const Ran mismatch = check({"--strip", "module.", "--rename", rules});
  EXPECT_EQ(mismatch.code, 1);
  EXPECT_THAT(mismatch.out, HasSubstr("size mismatch for head.weight: copying a param with shape torch.Size([6, 2]) "
                                      "from checkpoint, the shape in current model is torch.Size([2, 6]).\n"));
  EXPECT_THAT(mismatch.out, EndsWith("with --skip-mismatched it fits, and fills 1 of 2 instead of 1\n"));
  EXPECT_EQ(check({"--auto-prefix", "--rename", rules, "--skip-mismatched"}).code, 0);
  EXPECT_EQ(check({"--auto-prefix", "--non-strict"}).code, 0);
}

TEST_F(CheckInto, AdviceIsSafeToGiveToAShell) {
  Checkpoint odd;
  odd["'; ls #.body.weight"] = Tensor::from(std::vector<float>(12), {3, 4});
  save(odd, folder_ / "run.pt");
  EXPECT_THAT(check().out, HasSubstr("with --strip ''\\''; ls #.' it still does not fit"));
}

TEST_F(CheckInto, PrintsTheReportAsJson) {
  const Ran ran = check({"--json", "--strip", "module."});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.out, testing::StartsWith("{\"fits\":false,\"state_dict\":\"\",\"targets\":2,\"sources\":2,"));
  EXPECT_THAT(ran.out, HasSubstr("\"suggestions\":[\"head.weigth\"]"));
}

TEST_F(CheckInto, RefusesOptionsWithoutSense) {
  EXPECT_THAT(check({"--for", "torch==2.6"}).err, HasSubstr("--for asks what opens the file"));
  const Ran alone = run_sconce({"check", folder_ / "run.pt", "--strip", "module."});
  EXPECT_EQ(alone.code, 2);
  EXPECT_THAT(alone.err, HasSubstr("add --into LIKE"));
  EXPECT_EQ(check({"--rename", folder_ / "missing.txt"}).code, 4);
  std::ofstream(folder_ / "rules.txt") << "head body\n";
  const Ran wrong = check({"--rename", folder_ / "rules.txt"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("line 1 of the rename rules"));
}

}  // namespace
}  // namespace sconce::test
