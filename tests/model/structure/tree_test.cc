// Module trees: what there is, how much of it, and what of it is guessed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sconce/error.h>
#include <sconce/save.h>
#include <sconce/structure.h>

#include <algorithm>
#include <string>
#include <vector>

namespace sconce {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

Tensor zeros(std::initializer_list<std::int64_t> shape) {
  std::size_t numel = 1;
  for (const std::int64_t size : shape) numel *= static_cast<std::size_t>(size);
  return Tensor::from(std::vector<float>(numel), shape);
}

const ModuleNode& at(const ModuleTree& tree, std::string_view path) {
  const auto found = std::ranges::find(tree.nodes, path, &ModuleNode::path);
  EXPECT_NE(found, tree.nodes.end()) << path;
  return found == tree.nodes.end() ? tree.nodes.at(0) : *found;
}

ModuleTree fixture(const std::string& name) {
  return module_tree(load(std::string(SCONCE_SOURCE_DIR) + "/tests/fixtures/structure/" + name));
}

TEST(ModulesOfAPickle, HaveClassesSettingsAndTensors) {
  const ModuleTree tree = fixture("torch-2.13/containers.pt");
  EXPECT_FALSE(tree.inferred);
  const ModuleNode& linear = at(tree, "folded.0.0");
  EXPECT_EQ(linear.type, "Linear");
  EXPECT_EQ(linear.class_name, "torch.nn.modules.linear.Linear");
  EXPECT_THAT(linear.settings, ElementsAre(Pair("in_features", "2"), Pair("out_features", "2"), Pair("bias", "True")));
  ASSERT_EQ(linear.tensors.size(), 2U);
  EXPECT_EQ(linear.tensors[0].name, "weight");
  EXPECT_EQ(linear.parameters, 6U);
  EXPECT_EQ(linear.bytes, 24U);
  EXPECT_EQ(linear.training, true);
  EXPECT_EQ(at(tree, "holey").buffers, 1U);
  EXPECT_EQ(at(tree, "holey.downsample").type, "None");
}

TEST(ModulesOfAPickle, AreCountedOnceWhereTheyAreShared) {
  const ModuleTree tree = fixture("torch-2.13/containers.pt");
  const ModuleNode& again = at(tree, "again");
  ASSERT_LT(again.same_as, tree.nodes.size());
  EXPECT_EQ(tree.nodes[again.same_as].path, "shared.0");
  EXPECT_EQ(at(tree, "shared").parameters, 6U);  // not 12
  EXPECT_EQ(again.parameters, 6U);
  const ModuleNode& tied = at(tree, "tied");
  EXPECT_EQ(tied.parameters, 6U);
  EXPECT_EQ(at(tree, "tied.output").tensors.at(0).same_as, "tied.embedding.weight");
  // sum(p.numel() for p in model.parameters()), as PyTorch counts it, and the one buffer and the tensor in a list.
  std::uint64_t sum = 0;
  for (const ModuleNode& node : tree.nodes)
    if (node.same_as == SIZE_MAX)
      for (const ModuleTensor& tensor : node.tensors)
        if (tensor.same_as.empty() && !tensor.buffer) sum += tensor.tensor.numel();
  EXPECT_EQ(tree.nodes[0].parameters, sum);
  EXPECT_THAT(tree.notes, testing::Contains("again is the same module as shared.0"));
}

TEST(ModulesOfAPickle, OfOtherClassesHaveTheirPlainAttributesAsSettings) {
  const ModuleTree tree = fixture("torch-2.13/own.pt");
  const ModuleNode& net = tree.nodes.at(0);
  EXPECT_EQ(net.type, "Net");
  EXPECT_EQ(net.class_name, "__main__.Net");
  EXPECT_THAT(net.settings,
              ElementsAre(Pair("hidden", "8"), Pair("rates", "[0.5, 0.25]"), Pair("kind", "torch.float16")));
  ASSERT_EQ(net.tensors.size(), 2U);
  EXPECT_TRUE(net.tensors[0].persistent);
  EXPECT_FALSE(net.tensors[1].persistent);
  EXPECT_EQ(net.parameters, 6U);
  EXPECT_EQ(net.buffers, 3U);
  EXPECT_EQ(to_text(tree), "Net(\n  (fc): Linear(in_features=2, out_features=2, bias=True)\n)");
}

TEST(ModulesOfAPickle, InsideOfThemselvesAreCut) {
  const ModuleTree tree = fixture("torch-2.13/cycle.pt");
  EXPECT_EQ(to_text(tree),
            "Sequential(\n"
            "  (0): Linear(in_features=1, out_features=1, bias=True)\n"
            "  (1): Sequential(\n"
            "    (up): Sequential(...)\n"
            "  )\n"
            ")");
  EXPECT_EQ(tree.nodes[0].parameters, 2U);
  EXPECT_THAT(tree.notes, ElementsAre("1.up is the model itself, which it is inside of"));
}

// ------------------------------------------------------------------------------------------- from a state_dict

/// "type(extra_repr)" of the module at a path.
std::string guessed(const ModuleTree& tree, std::string_view path) {
  const ModuleNode& node = at(tree, path);
  if (!node.inferred) return node.type;
  return node.type + "(" + node.extra_repr + ")";
}

class StateDictTree : public testing::Test {
 protected:
  void add(const std::string& name, std::initializer_list<std::int64_t> shape) {
    checkpoint_.root().set(name, zeros(shape));
  }
  [[nodiscard]] ModuleTree tree() const { return module_tree(checkpoint_); }
  Checkpoint checkpoint_;
};

TEST_F(StateDictTree, NamesConvolutionsWithoutGuessingGroups) {
  add("stem.weight", {64, 3, 7, 7});
  add("bn.weight", {64});
  add("bn.bias", {64});
  add("bn.running_mean", {64});
  add("bn.running_var", {64});
  add("up.weight", {64, 32, 2, 2});
  add("up.bias", {32});
  add("line.weight", {8, 4, 3});
  add("line.bias", {8});
  const ModuleTree tree = this->tree();
  EXPECT_TRUE(tree.inferred);
  EXPECT_EQ(guessed(tree, "stem"), "Conv2d(in_channels=3*groups, out_channels=64, kernel_size=(7, 7), bias=False)");
  EXPECT_EQ(guessed(tree, "bn"), "BatchNorm2d(64)");
  EXPECT_EQ(guessed(tree, "up"), "ConvTranspose2d(in_channels=64, out_channels=32, kernel_size=(2, 2))");
  EXPECT_EQ(guessed(tree, "line"), "Conv1d(in_channels=4*groups, out_channels=8, kernel_size=(3,))");
  EXPECT_EQ(at(tree, "bn").buffers, 128U);
  EXPECT_THAT(to_text(tree), HasSubstr("(bn): BatchNorm2d(64)  # inferred\n"));
}

TEST_F(StateDictTree, SaysWhereAKindIsNotCertain) {
  add("fc.weight", {10, 4});
  add("fc.bias", {10});
  add("tok_embeddings.weight", {100, 8});
  add("thing.weight", {5, 6});
  add("act.weight", {1});
  add("norm.weight", {8});
  add("alone.running_mean", {77});
  add("alone.running_var", {77});
  const ModuleTree tree = this->tree();
  EXPECT_EQ(guessed(tree, "fc"), "Linear(in_features=4, out_features=10, bias=True)");
  EXPECT_EQ(guessed(tree, "tok_embeddings"), "Embedding(100, 8)");
  EXPECT_EQ(guessed(tree, "thing"), "Linear or Embedding(5 x 6)");
  EXPECT_EQ(guessed(tree, "act"), "PReLU(num_parameters=1)");
  EXPECT_EQ(guessed(tree, "norm"), "RMSNorm((8,))");
  EXPECT_EQ(guessed(tree, "alone"), "BatchNorm(77, affine=False)");
}

TEST_F(StateDictTree, TellsRecurrentLayersByTheirGates) {
  add("a.weight_ih_l0", {12, 5});
  add("a.weight_hh_l0", {12, 3});
  add("a.weight_ih_l1", {12, 3});
  add("a.weight_hh_l1", {12, 3});
  add("b.weight_ih_l0", {9, 5});
  add("b.weight_hh_l0", {9, 3});
  add("b.bias_ih_l0", {9});
  add("b.weight_ih_l0_reverse", {9, 5});
  add("c.weight_ih", {3, 5});
  add("c.weight_hh", {3, 3});
  add("p.weight_ih_l0", {12, 5});
  add("p.weight_hh_l0", {12, 2});
  add("p.weight_hr_l0", {2, 3});
  const ModuleTree tree = this->tree();
  EXPECT_EQ(guessed(tree, "a"), "LSTM(5, 3, num_layers=2, bias=False)");
  EXPECT_EQ(guessed(tree, "b"), "GRU(5, 3, bidirectional=True)");
  EXPECT_EQ(guessed(tree, "c"), "RNNCell(5, 3, bias=False)");
  EXPECT_EQ(guessed(tree, "p"), "LSTM(5, 3, proj_size=2, bias=False)");
}

TEST_F(StateDictTree, SeesThroughNormsOfWeightsAndAdapters) {
  add("old.weight_g", {4, 1});
  add("old.weight_v", {4, 3});
  add("old.bias", {4});
  add("new.bias", {4});
  add("new.parametrizations.weight.original0", {4, 1});
  add("new.parametrizations.weight.original1", {4, 3});
  add("attn.in_proj_weight", {12, 4});
  add("attn.out_proj.weight", {4, 4});
  add("q.lora_A.default.weight", {8, 64});
  add("q.lora_B.default.weight", {32, 8});
  const ModuleTree tree = this->tree();
  EXPECT_EQ(guessed(tree, "old"), "Linear(in_features=3, out_features=4, bias=True)");
  EXPECT_THAT(at(tree, "old").settings, testing::Contains(Pair("weight_norm", "True")));
  EXPECT_EQ(guessed(tree, "new"), "ParametrizedLinear(in_features=3, out_features=4, bias=True)");
  EXPECT_EQ(guessed(tree, "attn"), "MultiheadAttention(embed_dim=4)");
  EXPECT_EQ(guessed(tree, "q"), "LoRA(r=8, in_features=64, out_features=32)");
}

TEST_F(StateDictTree, HasTheVersionsAndModulesOfMetadata) {
  add("conv.weight", {4, 3, 1, 1});
  checkpoint_.root().set_attribute("_metadata", Literal::dict({{"", Literal::dict({{"version", 1}})},
                                                               {"relu", Literal::dict({{"version", 1}})},
                                                               {"conv", Literal::dict({{"version", 7}})}}));
  const ModuleTree tree = this->tree();
  ASSERT_EQ(tree.nodes.size(), 3U);
  EXPECT_EQ(tree.nodes[1].path, "relu");
  EXPECT_EQ(at(tree, "conv").version, 7);
}

TEST_F(StateDictTree, NotesNamesThatCollide) {
  add("a", {2});
  add("a.b", {2});
  EXPECT_THAT(tree().notes, ElementsAre("\"a\" is the name of a tensor, and of a module that others are inside of"));
}

TEST_F(StateDictTree, IsBoundedWhereNamesAreHostile) {
  add(std::string(100'000, '.'), {1});  // as many modules, with paths of 5 GB in all
  const ModuleTree deep = tree();
  EXPECT_LE(deep.nodes.size(), 1002U);
  EXPECT_FALSE(deep.notes.empty());
  Checkpoint other;
  std::string name;
  for (int part = 0; part < 999; ++part) name += std::string(2000, 'x') + ".";
  other.root().set(name + "w", zeros({1}));
  try {
    (void)module_tree(other);
    FAIL() << "a gigabyte of paths";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::limit);
  }
}

TEST(ModulePaths, AreAllModelsOfACheckpoint) {
  Checkpoint checkpoint;
  checkpoint.root().set("generator", Literal::dict({{"w.weight", zeros({2, 2})}}));
  checkpoint.root().set("discriminator", Literal::dict({{"w.weight", zeros({2, 2})}}));
  EXPECT_THAT(model_paths(checkpoint), ElementsAre("generator", "discriminator"));
  EXPECT_EQ(module_tree(checkpoint, "generator").source_path, "generator");
  EXPECT_THROW((void)module_tree(checkpoint), Error);
  EXPECT_THAT(model_paths(Checkpoint()), testing::IsEmpty());
}

}  // namespace
}  // namespace sconce
