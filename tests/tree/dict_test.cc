// Dicts and sets: Python's equality of keys, order, indexes, and what keys may cost.
#include <cmath>
#include <limits>

#include "tree/key.h"
#include "tree/tree_builder.h"

namespace sconce::tree {
namespace {

using namespace testing;
using ::testing::ElementsAre;

bool equal(const Tree& tree, NodeId a, NodeId b) {
  std::uint64_t work = 0;
  const bool same = keys_equal(*tree, a, b, work);
  EXPECT_EQ(keys_equal(*tree, b, a, work), same) << "equality has two sides";
  if (same) {
    EXPECT_EQ(key_hash(*tree, a, work), key_hash(*tree, b, work)) << "equal keys have equal hashes";
  }
  return same;
}

NodeId big(const Tree& tree, std::string bytes) { return tree->big_integer(bytes); }

TEST(Keys, NumbersAreEqualByValueWhateverTheirType) {
  const Tree tree;
  EXPECT_TRUE(equal(tree, tree.number(1), tree->boolean(true)));
  EXPECT_TRUE(equal(tree, tree.number(1), tree->floating(1.0)));
  EXPECT_TRUE(equal(tree, tree.number(1), tree->complex(1.0, 0.0)));
  EXPECT_TRUE(equal(tree, tree.number(0), tree->floating(-0.0)));
  EXPECT_TRUE(equal(tree, tree->complex(-0.0, 1.0), tree->complex(0.0, 1.0)));
  EXPECT_FALSE(equal(tree, tree.number(1), tree->floating(1.5)));
  EXPECT_FALSE(equal(tree, tree.number(9007199254740993), tree->floating(9007199254740992.0)));
  EXPECT_FALSE(equal(tree, tree.number(0), tree->none()));
}

TEST(Keys, IntegersBeyond64BitsEqualTheFloatsThatAreTheirValue) {
  const Tree tree;
  std::string bytes(13, '\0');
  bytes[12] = 1;  // 2^96
  EXPECT_TRUE(equal(tree, big(tree, bytes), tree->floating(0x1p96)));
  bytes[0] = 1;
  EXPECT_FALSE(equal(tree, big(tree, bytes), tree->floating(0x1p96)));
  std::string negative(13, '\0');
  negative[12] = static_cast<char>(0xFF);  // -2^96
  EXPECT_TRUE(equal(tree, big(tree, negative), tree->floating(-0x1p96)));
  EXPECT_TRUE(equal(tree, big(tree, std::string(8, '\0') + "\x01"), tree->floating(0x1p64)));
  EXPECT_FALSE(equal(tree, big(tree, bytes), tree->floating(std::numeric_limits<double>::infinity())));
}

TEST(Keys, ANanEqualsItselfOnly) {
  const Tree tree;
  const NodeId nan = tree->floating(std::nan(""));
  EXPECT_TRUE(equal(tree, nan, nan));
  EXPECT_FALSE(equal(tree, nan, tree->floating(std::nan(""))));
}

TEST(Keys, BytesAreNotText) {
  const Tree tree;
  EXPECT_FALSE(equal(tree, tree.text("a"), tree->bytes("a")));
  EXPECT_TRUE(equal(tree, tree->bytes("a"), tree->bytes("a")));
  EXPECT_TRUE(equal(tree, tree.text("a"), tree->str("a", StrKind::python2)));
  const std::string long_text(10'000, 'x');  // too long to be one node
  EXPECT_TRUE(equal(tree, tree.text(long_text), tree.text(long_text)));
}

TEST(Keys, TuplesAndFrozensetsAreEqualByValue) {
  const Tree tree;
  const NodeId one = tree.tuple({tree.text("a"), tree.tuple({tree.number(1), tree->none()})});
  const NodeId other = tree.tuple({tree.text("a"), tree.tuple({tree->boolean(true), tree->none()})});
  EXPECT_TRUE(equal(tree, one, other));
  EXPECT_FALSE(equal(tree, one, tree.tuple({tree.text("a")})));
  EXPECT_TRUE(
      equal(tree, tree.frozenset({tree.number(1), tree.number(2)}), tree.frozenset({tree.number(2), tree.number(1)})));
  EXPECT_FALSE(equal(tree, tree.frozenset({tree.number(1)}), tree.frozenset({tree.number(2)})));
  EXPECT_TRUE(equal(tree, tree.frozenset({tree.frozenset({tree.text("x")})}),
                    tree.frozenset({tree.frozenset({tree.text("x")})})));
}

TEST(Keys, TensorsAndObjectsAreEqualByIdentity) {
  const Tree tree;
  const NodeId tensor = tree.tensor();
  EXPECT_TRUE(equal(tree, tensor, tensor));
  EXPECT_FALSE(equal(tree, tensor, tree.tensor()));
  EXPECT_FALSE(equal(tree, tree.object("a", "B"), tree.object("a", "B")));
}

TEST(Dicts, KeepOrderAndTheFirstKey) {
  const Tree tree;
  const NodeId dict =
      tree.dict({tree.number(1), tree.text("a"), tree.text("k"), tree.text("b"), tree->boolean(true), tree.text("c")});
  const DictRecord& record = tree->dict_record(dict);
  ASSERT_EQ(record.count, 2U);
  EXPECT_EQ(tree->kind(record.pairs[0]), Kind::integer);
  EXPECT_EQ(tree->text(record.pairs[1]), "c");
  EXPECT_EQ(tree->text(record.pairs[2]), "k");
}

TEST(Dicts, FindAmongMany) {
  const Tree tree;
  const NodeId dict = tree->dict();
  for (std::int64_t n = 0; n < 10'000; ++n) {
    ASSERT_TRUE(tree->dict_set(dict, tree.number(n), tree.number(n * 2)));
    ASSERT_TRUE(tree->dict_set(dict, tree.text("key" + std::to_string(n)), tree.number(n)));
  }
  for (std::int64_t n = 0; n < 10'000; ++n) {
    ASSERT_EQ(tree->integer_value(tree->dict_get(dict, n)), n * 2);
    ASSERT_EQ(tree->integer_value(tree->dict_get(dict, "key" + std::to_string(n))), n);
    ASSERT_EQ(tree->dict_get(dict, tree->floating(static_cast<double>(n))), tree->dict_get(dict, n));
  }
  EXPECT_EQ(tree->dict_get(dict, std::int64_t{10'000}), kNoNode);
  EXPECT_EQ(tree->dict_get(dict, "key"), kNoNode);
}

TEST(Dicts, ErasingKeepsTheOrderOfTheOthersAndTakesNoMemory) {
  const Tree tree;
  const NodeId dict = tree->dict();
  for (std::int64_t n = 0; n < 2000; ++n) ASSERT_TRUE(tree->dict_set(dict, tree.number(n), tree.number(n)));
  const std::uint64_t before = tree->budget().used();
  for (std::int64_t n = 0; n < 2000; n += 2) EXPECT_TRUE(tree->dict_erase(dict, tree.number(n)));
  EXPECT_LT(tree->budget().used() - before, 200'000U);
  EXPECT_FALSE(tree->dict_erase(dict, tree.number(0)));
  ASSERT_EQ(tree->dict_record(dict).count, 1000U);
  for (std::uint32_t at = 0; at < 1000; ++at) {
    EXPECT_EQ(tree->integer_value(tree->dict_record(dict).pairs[2 * at]), 2 * at + 1);
    EXPECT_EQ(tree->integer_value(tree->dict_get(dict, std::int64_t{2 * at + 1})), 2 * at + 1);
  }
}

TEST(Dicts, WhatCannotBeHashedIsNoKey) {
  const Tree tree;
  const NodeId dict = tree->dict();
  for (const NodeId key : {tree->list(), tree->dict(), tree->set(Kind::set), tree->bytes("a", true)})
    EXPECT_FALSE(tree->dict_set(dict, key, tree->none()));
}

TEST(Dicts, OfManyBigIntegersOrFrozensetsHaveNoCollisions) {
  const Tree tree;
  const NodeId dict = tree->dict();
  for (std::int64_t n = 0; n < 5000; ++n) {
    std::string bytes(12, '\1');
    for (int at = 0; at < 4; ++at) bytes[static_cast<std::size_t>(at)] = static_cast<char>(n >> (8 * at));
    ASSERT_TRUE(tree->dict_set(dict, big(tree, bytes), tree->none()));
    ASSERT_TRUE(tree->dict_set(dict, tree.frozenset({tree.number(n), tree.text("x")}), tree->none()));
  }
  EXPECT_EQ(tree->dict_record(dict).count, 10'000U);
}

TEST(Dicts, ATableOfCollidingKeysIsRefused) {
  const Tree tree;
  const NodeId dict = tree->dict();
  const auto fill = [&] {
    for (std::int64_t n = 0; n < 5000; ++n) {
      // Equal in all that is hashed: the difference lies behind it.
      std::vector<NodeId> elements(200, tree.number(0));
      elements.back() = tree.number(n);
      (void)tree->dict_set(dict, tree.tuple(elements), tree->none());
    }
  };
  EXPECT_THAT(error_of(fill), is_error(ErrorCode::limit, "made to collide"));
}

TEST(Dicts, AnIntegerIsNotFoundUnderTheFloatBesideIt) {
  const Tree tree;
  const NodeId dict = tree.dict({tree->floating(9007199254740992.0), tree->none()});
  EXPECT_EQ(tree->dict_get(dict, std::int64_t{9007199254740993}), kNoNode);
  EXPECT_NE(tree->dict_get(dict, std::int64_t{9007199254740992}), kNoNode);
}

}  // namespace
}  // namespace sconce::tree
