// Names of leaves: the rules that every command, the JSON and PyTorch's users rely on.
#include "tree/walk.h"

#include <chrono>

#include "tree/repr.h"
#include "tree/tree_builder.h"

namespace sconce::tree {
namespace {

using namespace testing;
using ::testing::ElementsAre;

TEST(Names, JoinKeysIndexesAndAttributes) {
  const Tree tree;
  const NodeId object = tree.object("argparse", "Namespace");
  tree.state(object, tree.dict({tree.text("lr"), tree->floating(0.1)}));
  const NodeId root = tree.dict({tree.text("a"), tree.dict({tree.text("b"), tree.tensor()}), tree.number(7),
                                 tree.list({tree.number(1), tree.number(2)}), tree.text("args"), object});
  EXPECT_THAT(names(tree, root), ElementsAre("a.b", "7.0", "7.1", "args", "args.lr"));
}

TEST(Names, OfOtherKeysAreAsPythonWritesThem) {
  const Tree tree;
  const NodeId leaf = tree.number(0);
  const NodeId root =
      tree.dict({tree->none(), leaf, tree.tuple({tree.number(1), tree.text("x")}), leaf, tree->floating(0.5), leaf,
                 tree->bytes("b"), leaf, tree->boolean(false), leaf, tree.number(-3), leaf});
  EXPECT_THAT(names(tree, root), ElementsAre("None", "(1, 'x')", "0.5", "b'b'", "False", "-3"));
}

TEST(Names, OfKeysThatAreTensorsOrObjectsArePositions) {
  const Tree tree;
  const NodeId root =
      tree.dict({tree.text("a"), tree.number(0), tree.tensor(), tree.number(1), tree.object("a", "B"), tree.number(2)});
  EXPECT_THAT(names(tree, root), ElementsAre("a", "#1", "#2"));
}

TEST(Names, OfAStateThatIsSetAgainAreThereOnce) {
  const Tree tree;
  const NodeId object = tree.object("a", "B");
  const NodeId state = tree.tuple({tree.text("x"), tree.text("y"), tree.text("z")});
  for (int n = 0; n < 3; ++n) tree.state(object, state);
  EXPECT_THAT(names(tree, tree.dict({tree.text("o"), object})), ElementsAre("o", "o.0", "o.1", "o.2"));
}

TEST(Names, OfABareRootAreEmpty) {
  const Tree tree;
  EXPECT_THAT(names(tree, tree.tensor()), ElementsAre(""));
  EXPECT_THAT(names(tree, tree->dict()), ElementsAre(""));
}

TEST(Names, OfEmptyContainersAreThere) {
  const Tree tree;
  EXPECT_THAT(names(tree, tree.dict({tree.text("a"), tree->list(), tree.text("b"), tree->dict()})),
              ElementsAre("a", "b"));
}

TEST(Names, OfAnOrderedDictsAttributesComeLast) {
  const Tree tree;
  const NodeId root = tree.dict({tree.text("w"), tree.tensor()}, DictFlavor::ordered_dict);
  (void)tree->dict_set(tree->dict_attributes(root), tree.text("_metadata"), tree.dict({tree.text(""), tree.number(1)}));
  EXPECT_THAT(names(tree, root), ElementsAre("w", "_metadata."));
}

/// A module with the given dicts.
NodeId module_of(const Tree& tree, NodeId parameters, NodeId buffers, NodeId modules) {
  const NodeId module = tree.object("torch.nn.modules.linear", "Linear");
  tree.state(module, tree.dict({tree.text("training"), tree->boolean(true), tree.text("_parameters"), parameters,
                                tree.text("_buffers"), buffers, tree.text("_modules"), modules}));
  return module;
}

TEST(Names, OfAModulesTensorsAreThoseOfItsStateDict) {
  const Tree tree;
  const NodeId inner = module_of(tree, tree.dict({tree.text("weight"), tree.tensor(), tree.text("bias"), tree->none()}),
                                 tree.dict({tree.text("running_mean"), tree.tensor()}), tree->dict());
  const NodeId outer =
      module_of(tree, tree->dict(), tree->dict(), tree.dict({tree.text("fc"), inner, tree.text("gone"), tree->none()}));
  EXPECT_THAT(names(tree, tree.dict({tree.text("net"), outer})),
              ElementsAre("net", "net.training", "net.fc", "net.fc.training", "net.fc.weight", "net.fc.running_mean"));
}

TEST(Names, OfPartsFollowTheirTensor) {
  const Tree tree;
  TensorRecord record;
  record.layout = Layout::sparse_coo;
  const std::int64_t shape[] = {4};
  const NodeId sparse = tree->tensor(record, shape, {});
  const NodeId indices = tree.tensor({1, 2});
  const NodeId values = tree.tensor({2});
  TensorExtra& extra = tree->tensor_extra(sparse);
  extra.parts[extra.part_count++] = {PartName::indices, indices};
  extra.parts[extra.part_count++] = {PartName::values, values};
  EXPECT_THAT(names(tree, tree.dict({tree.text("w"), sparse})), ElementsAre("w", "w.indices", "w.values"));
  Walker walker(*tree, sparse);
  ASSERT_TRUE(walker.next());
  EXPECT_FALSE(walker.is_part());
  ASSERT_TRUE(walker.next());
  EXPECT_TRUE(walker.is_part());
}

TEST(Walks, MeetATensorAtEveryPath) {
  const Tree tree;
  const NodeId tensor = tree.tensor();
  EXPECT_THAT(names(tree, tree.dict({tree.text("a"), tensor, tree.text("b"), tensor})), ElementsAre("a", "b"));
}

TEST(Walks, CutCycles) {
  const Tree tree;
  const NodeId root = tree.dict({tree.text("x"), tree.number(1)});
  (void)tree->dict_set(root, tree.text("self"), root);
  const NodeId object = tree.object("a", "B");
  tree.state(object, tree.dict({tree.text("me"), object}));
  (void)tree->dict_set(root, tree.text("o"), object);
  EXPECT_THAT(names(tree, root), ElementsAre("x", "o", "o.me"));
}

TEST(Walks, OfDoublingGraphsEndAtTheLimitOfPaths) {
  const Tree tree;
  NodeId node = tree.list({tree.number(1)});
  for (int level = 0; level < 60; ++level) node = tree.list({node, node});
  Walker walker(*tree, node, {.paths = 10'000});
  std::size_t leaves = 0;
  while (walker.next()) ++leaves;
  EXPECT_FALSE(walker.complete());
  EXPECT_LT(leaves, 10'000U);
}

TEST(Walks, CountLongNamesAsTheyAreCopied) {
  const Tree tree;
  const NodeId key = tree.text(std::string(1'000'000, 'k'));
  NodeId node = tree.number(1);
  for (int level = 0; level < 30; ++level) node = tree.dict({key, node, tree.number(level), node});
  const auto begin = std::chrono::steady_clock::now();
  Walker walker(*tree, node, {.paths = 1'000'000});
  while (walker.next()) {
  }
  EXPECT_FALSE(walker.complete());
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), 10.0);
}

TEST(Walks, GivePathsStepByStep) {
  const Tree tree;
  Walker walker(*tree, tree.dict({tree.text("a.b"), tree.list({tree->none(), tree.number(2)})}));
  ASSERT_TRUE(walker.next());
  ASSERT_TRUE(walker.next());
  const Path path = walker.path();
  ASSERT_EQ(path.size(), 2U);
  EXPECT_EQ(path[0].text, "a.b");
  EXPECT_EQ(path[0].how, PathStep::How::key);
  EXPECT_EQ(path[1].how, PathStep::How::index);
  EXPECT_EQ(path[1].index, 1);
}

TEST(Children, AreFoundByTheirNames) {
  const Tree tree;
  const NodeId one = tree.number(1), two = tree.number(2), three = tree.number(3);
  const NodeId dict = tree.dict({tree.text("5"), one, tree.number(5), two, tree->none(), three});
  EXPECT_THAT(children_named(*tree, dict, "5"), ElementsAre(one, two));
  EXPECT_THAT(children_named(*tree, dict, "None"), ElementsAre(three));
  EXPECT_THAT(children_named(*tree, dict, "6"), ElementsAre());
  EXPECT_THAT(children_named(*tree, tree.list({one, two}), "1"), ElementsAre(two));
}

TEST(Texts, AreAsPythonReprHasThem) {
  const Tree tree;
  EXPECT_EQ(leaf_text(*tree, tree->complex(1, -2)), "(1-2j)");
  EXPECT_EQ(leaf_text(*tree, tree->complex(0, 2.5)), "2.5j");
  EXPECT_EQ(leaf_text(*tree, tree->bytes("a'\n\xff")), "b'a\\'\\n\\xff'");
  EXPECT_EQ(leaf_text(*tree, tree->symbol(Kind::dtype, "float32")), "torch.float32");
  EXPECT_EQ(leaf_text(*tree, tree->symbol(Kind::device, "cuda:0")), "cuda:0");
  EXPECT_EQ(leaf_text(*tree, tree.list({tree.number(1)})), "list of 1");
  EXPECT_EQ(leaf_text(*tree, tree->scalar(DType::int16, std::string("\xfe\xff", 2))), "-2");
}

TEST(Texts, OfLongKeysAreCut) {
  const Tree tree;
  EXPECT_LT(key_text(*tree, tree->bytes(std::string(10'000'000, '\0'))).size(), 2000U);
  NodeId nest = tree.tuple({});
  for (int level = 0; level < 100'000; ++level) nest = tree.tuple({nest});
  EXPECT_LT(key_text(*tree, nest).size(), 2000U);
}

}  // namespace
}  // namespace sconce::tree
