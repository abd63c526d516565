// Other values in the place of some, everywhere at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string_view>
#include <vector>

#include "tree/document.h"

namespace sconce::tree {
namespace {

std::vector<NodeId> replacing(const Document& document, NodeId node, NodeId other) {
  std::vector<NodeId> with(document.node_count(), kNoNode);
  with[node] = other;
  return with;
}

TEST(Replace, ValuesInsideOfAllKindsOfContainers) {
  Document document;
  const NodeId old = document.floating(0.5);
  const NodeId other = document.str("half");
  const NodeId list = document.list(std::array{old, old});
  const NodeId tuple = document.tuple(std::array{list, old});
  const NodeId dict = document.dict();
  ASSERT_TRUE(document.dict_set(dict, document.str("value"), old));
  ObjectRecord record;
  record.callable = document.global("m", "C", "m", "C");
  record.args = document.tuple(std::array{old});
  const NodeId object = document.object(record);
  document.object_step(object, {ObjectRecord::Event::state, old});

  EXPECT_THAT(document.replace_references(replacing(document, old, other)), ::testing::IsEmpty());
  EXPECT_THAT(document.elements(list), ::testing::Each(other));
  EXPECT_EQ(document.elements(tuple)[1], other);
  EXPECT_EQ(document.dict_get(dict, "value"), other);
  EXPECT_EQ(document.elements(document.object_record(object).args)[0], other);
  EXPECT_EQ(document.object_record(object).steps[0].value, other);
}

TEST(Replace, KeysAreFoundUnderTheirNewValues) {
  Document document;
  const NodeId old = document.scalar(DType::int64, std::string_view("\x05\0\0\0\0\0\0\0", 8));
  const NodeId dict = document.dict();
  const NodeId pair = document.tuple(std::array{old, document.str("b")});
  for (std::int64_t at = 10; at < 40; ++at) ASSERT_TRUE(document.dict_set(dict, document.integer(at), document.none()));
  ASSERT_TRUE(document.dict_set(dict, old, document.str("five")));
  ASSERT_TRUE(document.dict_set(dict, pair, document.str("pair")));

  EXPECT_THAT(document.replace_references(replacing(document, old, document.integer(5))), ::testing::IsEmpty());
  EXPECT_EQ(document.dict_record(dict).count, 32U);
  EXPECT_EQ(document.text(document.dict_get(dict, std::int64_t{5})), "five");
  const NodeId same = document.tuple(std::array{document.integer(5), document.str("b")});
  EXPECT_EQ(document.text(document.dict_get(dict, same)), "pair");
}

TEST(Replace, KeysThatBecomeEqualAreTold) {
  Document document;
  const NodeId old = document.floating(0.5);
  const NodeId dict = document.dict();
  ASSERT_TRUE(document.dict_set(dict, old, document.integer(1)));
  ASSERT_TRUE(document.dict_set(dict, document.str("x"), document.integer(2)));
  EXPECT_THAT(document.replace_references(replacing(document, old, document.str("x"))), ::testing::ElementsAre(dict));
}

TEST(Replace, WhatIsCalledStaysAndEmptyDictsStayShared) {
  Document document;
  const NodeId cls = document.global("m", "C", "m", "C");
  ObjectRecord record;
  record.callable = cls;
  record.args = document.tuple({});
  const NodeId object = document.object(record);
  const NodeId empty = document.dict(DictFlavor::ordered_dict);
  (void)document.replace_references(replacing(document, cls, document.str("m.C")));
  EXPECT_EQ(document.object_record(object).callable, cls);
  EXPECT_EQ(document.dict_record(empty).count, 0U);
}

}  // namespace
}  // namespace sconce::tree
