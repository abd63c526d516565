// sconce inspect --tree, convert --structure, and verify of what a file says about its model.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sconce/sconce.h>

#include "cli/run_sconce.h"

namespace sconce::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kModules = std::string(SCONCE_SOURCE_DIR) + "/tests/fixtures/structure/torch-2.13/";

class Structure : public testing::Test {
 protected:
  Structure() {
    Checkpoint run;
    run["model"]["conv.weight"] = Tensor::from(std::vector<float>(24), {4, 2, 1, 3});
    run["model"]["block.0.weight"] = Tensor::from(std::vector<float>(12), {3, 4});
    run["model"]["block.0.bias"] = Tensor::from(std::vector<float>(3), {3});
    run["averages"] = Tensor::from(std::vector<float>{1}, {1});
    save(run, folder_ / "run.pt");
  }
  TemporaryFolder folder_;
};

TEST_F(Structure, OfAPickledModuleIsItsTree) {
  const Ran ran = run_sconce({"inspect", "--tree", kModules + "own.pt"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.out, HasSubstr("\nModules\n"));
  EXPECT_THAT(ran.out, HasSubstr("(fc): Linear(in_features=2, out_features=2, bias=True)"));
  EXPECT_THAT(ran.out, HasSubstr("buffer, not in the state_dict"));
  EXPECT_THAT(ran.out, Not(HasSubstr("inferred")));
}

TEST_F(Structure, OfAStateDictIsInferredAndTheRestIsListed) {
  const Ran ran = run_sconce({"inspect", "--tree", folder_ / "run.pt"});
  EXPECT_THAT(ran.out,
              HasSubstr("Modules of model, by the names of tensors; kinds are inferred from names and shapes\n"));
  EXPECT_THAT(ran.out,
              HasSubstr("(conv): Conv2d(in_channels=2*groups, out_channels=4, kernel_size=(1, 3), bias=False)"));
  EXPECT_THAT(ran.out, HasSubstr("Other tensors\n"));
  EXPECT_THAT(ran.out, HasSubstr("averages"));
  const Ran shallow = run_sconce({"inspect", "--tree", "--depth", "1", folder_ / "run.pt"});
  EXPECT_THAT(shallow.out, AllOf(HasSubstr("(block)"), Not(HasSubstr("(0)")), Not(HasSubstr("weight  float32"))));
  const Ran matched = run_sconce({"inspect", "--tree", "--match", "*bias", folder_ / "run.pt"});
  EXPECT_THAT(matched.out, AllOf(HasSubstr("(block)"), HasSubstr("bias  float32 [3]"), Not(HasSubstr("(conv)"))));
  const Ran limited = run_sconce({"inspect", "--tree", "--limit", "2", folder_ / "run.pt"});
  EXPECT_THAT(limited.out, HasSubstr("… and 5 more; --limit shows more"));
}

TEST_F(Structure, IsAFieldOfJson) {
  EXPECT_THAT(run_sconce({"inspect", "--json", "--tree", folder_ / "run.pt"}).out,
              HasSubstr(R"("structure":[{"format":"sconce.structure","version":1,"model":"model")"));
  EXPECT_THAT(run_sconce({"inspect", "--json", folder_ / "run.pt"}).out, Not(HasSubstr("structure")));
}

TEST_F(Structure, IsWrittenKeptAndFollowsCasts) {
  EXPECT_EQ(run_sconce({"convert", "--structure", folder_ / "run.pt", folder_ / "with.safetensors"}).code, 0);
  EXPECT_EQ(run_sconce({"verify", folder_ / "with.safetensors"}).code, 0);
  const Ran cast = run_sconce({"convert", folder_ / "with.safetensors", folder_ / "half.pt", "--dtype", "float16"});
  EXPECT_EQ(cast.code, 0) << cast.err;
  EXPECT_EQ(run_sconce({"verify", folder_ / "half.pt"}).code, 0);
  const auto json = saved_structure(load(folder_ / "half.pt"));
  ASSERT_TRUE(json.has_value());
  EXPECT_THAT(*json, AllOf(HasSubstr("\"float16\""), Not(HasSubstr("\"float32\""))));
  EXPECT_EQ(run_sconce({"convert", folder_ / "half.pt", folder_ / "old.pt", "--to", "pytorch-legacy"}).code, 5);
}

TEST_F(Structure, GoesWithTheModelThatIsTakenOut) {
  EXPECT_EQ(run_sconce({"convert", "--structure", folder_ / "run.pt", folder_ / "with.pt"}).code, 0);
  EXPECT_EQ(
      run_sconce({"convert", "--part", "model", "--dtype", "float16", folder_ / "with.pt", folder_ / "m.pt"}).code, 0);
  const auto json = saved_structure(load(folder_ / "m.pt"));
  ASSERT_TRUE(json.has_value());
  EXPECT_THAT(*json, AllOf(HasSubstr(R"("model":"")"), HasSubstr("\"float16\""), HasSubstr("\"bytes\":78}")));
  EXPECT_EQ(run_sconce({"verify", folder_ / "m.pt"}).code, 0);
}

TEST_F(Structure, OfAPickledModuleGoesWhereItsObjectsCannot) {
  const std::string out = folder_ / "c.safetensors";
  EXPECT_EQ(run_sconce({"convert", "--structure", "--drop", kModules + "containers.pt", out}).code, 0);
  const Ran verified = run_sconce({"verify", out});
  EXPECT_EQ(verified.code, 0) << verified.out;
  EXPECT_THAT(run_sconce({"inspect", "--tree", out}).out,
              AllOf(HasSubstr("Modules, as the file describes them"), HasSubstr("(tied): ModuleDict"),
                    HasSubstr("(0): Sequential")));
  EXPECT_EQ(to_text(module_tree(load(out))), to_text(module_tree(load(kModules + "containers.pt"))));
}

TEST_F(Structure, IsOfOneModel) {
  const std::string demo = SCONCE_SOURCE_DIR "/tests/fixtures/demo/gpu_run.ckpt";  // has two
  const std::string out = folder_ / "described.safetensors";
  const Ran refused = run_sconce({"convert", "--structure", demo, out});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("--part model=state_dict"));
  EXPECT_EQ(run_sconce({"convert", "--structure", "--part", "model=state_dict", demo, out}).code, 0);
  EXPECT_TRUE(saved_structure(load(out)));
}

TEST_F(Structure, ThatContradictsIsFoundAndNotWrittenOn) {
  const std::string json = to_json(module_tree(load(folder_ / "run.pt")));
  Checkpoint other;
  other["model"]["conv.weight"] = Tensor::from(std::vector<float>(4), {4});
  SaveOptions options;
  options.structure = json;
  save(other, folder_ / "other.pt", options);
  const Ran verified = run_sconce({"verify", folder_ / "other.pt"});
  EXPECT_EQ(verified.code, 1);
  EXPECT_THAT(verified.out, HasSubstr("\"block.0.weight\" is described, and is not in the model"));
  const Ran converted = run_sconce({"convert", folder_ / "other.pt", folder_ / "out.pt"});
  EXPECT_EQ(converted.code, 3);
  EXPECT_THAT(converted.err, HasSubstr("--structure writes a new one in its place"));
  EXPECT_EQ(run_sconce({"convert", "--structure", folder_ / "other.pt", folder_ / "out.pt"}).code, 0);
  EXPECT_EQ(run_sconce({"verify", folder_ / "out.pt"}).code, 0);
}

}  // namespace
}  // namespace sconce::test
