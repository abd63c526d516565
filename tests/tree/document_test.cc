// Nodes: their size, which are shared, what they cost, copies between documents, destruction.
#include "tree/document.h"

#include "tree/tree_builder.h"

namespace sconce::tree {
namespace {

using namespace testing;

TEST(Nodes, AreSixteenBytes) { EXPECT_EQ(sizeof(Node), 16U); }

TEST(Nodes, OfEqualTextAreOne) {
  const Tree tree;
  EXPECT_EQ(tree.text("weight"), tree.text("weight"));
  EXPECT_NE(tree.text("weight"), tree->str("weight", StrKind::python2));
  EXPECT_NE(tree.text("cpu"), tree->symbol(Kind::device, "cpu"));
  EXPECT_EQ(tree->global("a", "b", "a", "b"), tree->global("a", "b", "a", "b"));
}

TEST(Nodes, OfAGlobalTellTranslatedNamesApart) {
  const Tree tree;
  const NodeId translated = tree->global("__builtin__", "set", "builtins", "set");
  const NodeId plain = tree->global("__builtin__", "set", "__builtin__", "set");
  EXPECT_NE(translated, plain);
  EXPECT_EQ(tree->class_name(translated), "builtins.set");
  EXPECT_EQ(tree->class_name(plain), "__builtin__.set");
  EXPECT_EQ(tree->global_record(translated).module, "__builtin__");
}

TEST(Nodes, OfBigIntegersAreAsSmallAsTheirValue) {
  const Tree tree;
  EXPECT_EQ(tree->big_integer(std::string("\xff\xff\xff", 3)), tree.number(-1));
  EXPECT_EQ(tree->integer_value(tree->big_integer(std::string("\x80\0\0\0", 4))), 128);
  EXPECT_EQ(tree->integer_value(tree->big_integer("")), 0);
  EXPECT_TRUE(tree->is_big(tree->big_integer(std::string(8, '\0') + "\x01")));
  EXPECT_FALSE(tree->is_big(tree->big_integer(std::string(7, '\0') + "\x80")));
}

TEST(Nodes, OfListsGrowInPlace) {
  const Tree tree;
  const NodeId list = tree->list();
  for (std::int64_t n = 0; n < 1000; ++n) {
    const NodeId element = tree.number(n);
    tree->list_append(list, {&element, 1});
    (void)tree->str("between " + std::to_string(n));
  }
  ASSERT_EQ(tree->elements(list).size(), 1000U);
  EXPECT_EQ(tree->integer_value(tree->elements(list)[999]), 999);
}

TEST(Memory, OfATensorAndItsNameIsAtMost256Bytes) {
  const Tree tree;
  const NodeId dict = tree->dict(DictFlavor::ordered_dict);
  constexpr std::uint64_t kTensors = 100'000;
  const std::uint64_t before = tree->budget().used();
  for (std::uint64_t n = 0; n < kTensors; ++n)
    ASSERT_TRUE(tree->dict_set(dict, tree.text("layer." + std::to_string(n) + ".weight"), tree.tensor({64, 64})));
  EXPECT_LE((tree->budget().used() - before) / kTensors, 256U);
}

TEST(Memory, IsChargedBeforeItIsTaken) {
  Limits limits;
  limits.memory_base = 1 << 20;
  Document document(std::make_shared<MemoryBudget>(limits));
  EXPECT_THAT(error_of([&] { (void)document.bytes(std::string(2 << 20, 'x')); }),
              is_error(ErrorCode::limit, "out of proportion"));
  EXPECT_THAT(error_of([&] {
                for (;;) (void)document.dict();
              }),
              is_error(ErrorCode::limit, "out of proportion"));
}

TEST(Attributes, OfLaterStatesCount) {
  const Tree tree;
  const NodeId object = tree.object("a", "B");
  tree.state(object, tree.dict({tree.text("x"), tree.number(1), tree.text("y"), tree.number(2)}));
  tree.state(object, tree.tuple({tree->none(), tree.dict({tree.text("x"), tree.number(3)})}));
  const auto all = tree->attributes(object);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(tree->integer_value(all[0].second), 3);
  EXPECT_EQ(tree->integer_value(tree->attribute(object, "x")), 3);
  EXPECT_EQ(tree->attribute(object, "z"), kNoNode);
}

TEST(Attributes, OfManyStatesAreGatheredInOnePass) {
  const Tree tree;
  const NodeId object = tree.object("a", "B");
  for (std::int64_t n = 0; n < 100'000; ++n) tree.state(object, tree.dict({tree.number(n), tree->none()}));
  EXPECT_EQ(tree->attributes(object).size(), 100'000U);
}

TEST(Attributes, OfOneStateSetAgainAndAgainAreGatheredOnce) {
  const Tree tree;
  const NodeId large = tree->dict();
  for (std::int64_t n = 0; n < 100'000; ++n) (void)tree->dict_set(large, tree.text(std::to_string(n)), tree->none());
  const NodeId between = tree.dict({tree.text("new"), tree->none(), tree.text("0"), tree.text("overwritten")});
  const NodeId after = tree.dict({tree.text("1"), tree.text("kept")});
  const NodeId object = tree.object("a", "B");
  for (int n = 0; n < 100'000; ++n) tree.state(object, n == 7 ? between : large);
  tree.state(object, after);
  const auto all = tree->attributes(object);
  ASSERT_EQ(all.size(), 100'001U);
  EXPECT_EQ(all.back().first, tree.text("new")) << "in the order in which they were set first";
  EXPECT_EQ(tree->kind(all[0].second), Kind::none) << "a later state counts";
  EXPECT_EQ(all[1].second, tree.text("kept"));
}

TEST(ClassNames, OfCallsOfResultsSaySo) {
  const Tree tree;
  ObjectRecord record;
  record.callable = tree.object("a", "B");
  record.args = tree->tuple({});
  EXPECT_EQ(tree->class_name(tree->object(record)), "a.B()");
}

// ------------------------------------------------------------------------------------------------------- import

TEST(Import, KeepsSharingAndCycles) {
  const Tree from;
  const NodeId shared = from.list({from.number(1)});
  const NodeId root = from.list({shared, shared});
  from->list_append(root, {&root, 1});
  const Tree to;
  const NodeId copy = to->import(*from, root);
  const auto elements = to->elements(copy);
  ASSERT_EQ(elements.size(), 3U);
  EXPECT_EQ(elements[0], elements[1]);
  EXPECT_EQ(elements[2], copy);
}

TEST(Import, KeepsEveryKindOfValue) {
  const Tree from;
  const NodeId ordered = from.dict({from.text("x"), from.tensor()}, DictFlavor::ordered_dict);
  (void)from->dict_set(from->dict_attributes(ordered), from.text("_metadata"), from->dict());
  const NodeId object = from.object("a", "B");
  from.state(object, from.dict({from.text("lr"), from->floating(0.5)}));
  const NodeId root = from.dict(
      {from.text("o"), ordered, from.text("b"), from->bytes("ab"), from.text("c"), from->complex(1, 2), from.text("f"),
       from.frozenset({from.number(1)}), from.text("obj"), object, from.text("d"), from->symbol(Kind::dtype, "float32"),
       from.text("p"), from->str("p", StrKind::python2), from.text("s"), from->scalar(DType::int64, "12345678")});
  const Tree to;
  const Value copy = to.value(to->import(*from, root));
  EXPECT_EQ(copy["o"].dict_flavor(), DictFlavor::ordered_dict);
  EXPECT_TRUE(copy["o"].attribute("_metadata"));
  EXPECT_TRUE(copy["o"]["x"].is_tensor());
  EXPECT_EQ(copy["b"].as_bytes().size(), 2U);
  EXPECT_EQ(copy["c"].as_complex(), (std::complex<double>{1, 2}));
  EXPECT_EQ(copy["f"].kind(), Kind::frozenset);
  EXPECT_EQ(copy["obj"]["lr"].as_float(), 0.5);
  EXPECT_EQ(copy["obj"].class_name(), "a.B");
  EXPECT_EQ(copy["d"].as_dtype(), DType::float32);
  EXPECT_TRUE(copy["p"].is_python2_str());
  EXPECT_EQ(copy["s"].kind(), Kind::scalar);
}

TEST(Import, KeepsKeysThatAreFrozensets) {
  const Tree from;
  const NodeId dict = from->dict();
  for (std::int64_t n = 0; n < 20; ++n)
    ASSERT_TRUE(from->dict_set(dict, from.tuple({from.frozenset({from.number(n)}), from.text("k")}), from.number(n)));
  const Tree to;
  const NodeId copy = to->import(*from, dict);
  ASSERT_EQ(to->dict_record(copy).count, 20U);
  for (std::int64_t n = 0; n < 20; ++n) {
    const NodeId key = to.tuple({to.frozenset({to.number(n)}), to.text("k")});
    ASSERT_NE(to->dict_get(copy, key), kNoNode) << n;
    EXPECT_EQ(to->integer_value(to->dict_get(copy, key)), n);
  }
}

TEST(Import, SharesStorages) {
  const Tree from;
  const NodeId tensor = from.tensor();
  const NodeId root = from.list({tensor, from->copy_tensor(tensor)});
  const Tree to;
  const NodeId copy = to->import(*from, root);
  EXPECT_EQ(to->storage_count(), 1U);
  EXPECT_EQ(to->tensor_record(to->elements(copy)[0]).storage, to->tensor_record(to->elements(copy)[1]).storage);
}

TEST(Depth, OfAMillionIsWalkedCopiedAndDestroyed) {
  const Tree from;
  NodeId node = from->list();
  for (int level = 0; level < 1'000'000; ++level) node = from->list({&node, 1});
  Walker walker(*from, node);
  while (walker.next()) {
  }
  EXPECT_FALSE(walker.complete());
  Walker deep(*from, node, {.depth = 2'000'000});
  EXPECT_TRUE(deep.next());
  EXPECT_EQ(deep.steps().size(), 1'000'000U);
  const Tree to;
  EXPECT_NE(to->import(*from, node), kNoNode);
}

}  // namespace
}  // namespace sconce::tree
