// What a checkpoint holds besides weights, as the command shows it and takes it out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cli/run_sconce.h"

namespace sconce::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kRun[] = "training/torch-1.13/whole.pt";

TEST(InspectTraining, ShowsARunInAScreen) {
  const Ran ran = run_sconce({"inspect", kRun});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("\nTraining\n"), HasSubstr("layout     torchvision's references"),
                             HasSubstr("at         epoch=7  global_step=1400  best_acc=0.75"),
                             HasSubstr("optimizer  SGD (inferred): 6 parameters in 1 group, 204 B"),
                             HasSubstr("names: all, by order"), HasSubstr("scheduler  StepLR  lr_scheduler"),
                             HasSubstr("random     Python, NumPy, torch"),
                             HasSubstr("settings   lr=0.1  batch_size=32  data='/data'  milestones=[3, 6]")));
}

TEST(InspectTraining, SaysNothingOfABareModel) {
  const Ran ran = run_sconce({"inspect", "torch-2.13/state_dict.zip.pt"});
  EXPECT_THAT(ran.out, Not(HasSubstr("Training")));
  EXPECT_THAT(run_sconce({"inspect", "torch-2.13/state_dict.zip.pt", "--json"}).out, HasSubstr("\"training\":null"));
}

TEST(InspectTraining, IsInTheJson) {
  const Ran ran = run_sconce({"inspect", kRun, "--json"});
  EXPECT_THAT(ran.out, AllOf(HasSubstr("\"training\":{\"layout\":\"torchvision's references\""),
                             HasSubstr("{\"name\":\"best_acc\",\"value\":0.75}"),
                             HasSubstr("\"name\":\"conv.weight\",\"step\":null,\"shape\":[2,1,3,3],\"device\":\"cpu\""),
                             HasSubstr("{\"kind\":\"scheduler\",\"path\":\"lr_scheduler\",\"what\":\"StepLR\"")));
}

TEST(ConvertPart, TakesTheWeightsOut) {
  const TemporaryFolder folder;
  const Ran ran = run_sconce({"convert", kRun, folder / "weights.pt", "--part", "model"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("part  model: 20.8 KiB before, "));
  const Ran shown = run_sconce({"inspect", folder / "weights.pt"});
  EXPECT_THAT(shown.out,
              AllOf(HasSubstr("conv.weight"), Not(HasSubstr("model.conv.weight")), Not(HasSubstr("momentum"))));
  EXPECT_THAT(shown.out, HasSubstr("tensors    9, with"));
}

TEST(ConvertPart, NamesOneOfSeveralByItsPath) {
  const TemporaryFolder folder;
  const Ran ran = run_sconce({"convert", "training/torch-1.13/lightning.ckpt", folder / "o.pt", "--part",
                              "optimizer=optimizer_states.0", "--json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("\"part\":\"optimizer\",\"bytes_before\":9037"));
  EXPECT_THAT(run_sconce({"inspect", folder / "o.pt"}).out, HasSubstr("param_groups.0.lr"));
}

TEST(ConvertPart, SaysWhatThereIs) {
  const TemporaryFolder folder;
  const Ran none = run_sconce({"convert", kRun, folder / "a.pt", "--part", "adapter"});
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.err, AllOf(HasSubstr("no part of the kind adapter"), HasSubstr("model \"model\"")));
  const Ran wrong = run_sconce({"convert", kRun, folder / "a.pt", "--part", "weights"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("one of model, ema"));
  EXPECT_TRUE(folder.names().empty());
}

}  // namespace
}  // namespace sconce::test
