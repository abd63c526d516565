// The public handles: Value, Slot, Literal.
#include <sconce/value.h>

#include <thread>

#include "tree/tree_builder.h"

namespace sconce::tree {
namespace {

using namespace testing;

Value fresh_dict() {
  auto document = std::make_shared<Document>();
  const NodeId root = document->dict();
  return {std::move(document), root};
}

TEST(Values, AreReadByTheirType) {
  const Tree tree;
  EXPECT_EQ(tree.value(tree.number(3)).as_int(), 3);
  EXPECT_EQ(tree.value(tree->boolean(true)).as_int(), 1);
  EXPECT_EQ(tree.value(tree.number(3)).as_float(), 3.0);
  EXPECT_EQ(tree.value(tree.text("a")).as_str(), "a");
  EXPECT_EQ(tree.value(tree->scalar(DType::int32, std::string("\x05\0\0\0", 4))).as_int(), 5);
  EXPECT_THAT(error_of([&] { (void)tree.value(tree.text("a")).as_int(); }),
              is_error(ErrorCode::wrong_type, "a str, not a int"));
  EXPECT_THAT(error_of([&] { (void)tree.value(tree->big_integer(std::string(9, '\1'))).as_int(); }),
              is_error(ErrorCode::wrong_type, "more than 64 bits"));
}

TEST(Values, KeepTheirDocumentAlive) {
  Value value;
  {
    const Tree tree;
    value = tree.value(tree.text("still there"));
  }
  EXPECT_EQ(value.as_str(), "still there");
}

TEST(Values, HavePythonsReferenceSemantics) {
  Value root = fresh_dict();
  root.set("list", Literal::list({1}));
  Value one = root["list"];
  Value other = root["list"];
  EXPECT_TRUE(one.is(other));
  one.append(2);
  EXPECT_EQ(other.size(), 2U);
  root.set("self", root);
  EXPECT_TRUE(root["self"].is(root));
}

TEST(Values, SayWhatIsNearWhereAKeyIsMissing) {
  Value root = fresh_dict();
  root.set("weight", 1);
  const Error error = error_of([&] { (void)root["wieght"]; });
  EXPECT_EQ(error.code(), ErrorCode::not_found);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("weight"));
}

TEST(Values, AreFoundByKeysOfOtherDocumentsWithoutAChange) {
  const Tree tree;
  const NodeId key = tree.tuple({tree.number(1), tree.text("x")});
  const Value root = tree.value(tree.dict({key, tree.number(7), tree.text("k"), tree.number(8)}));
  const Tree other;
  const std::uint32_t before = tree->node_count();
  EXPECT_EQ(root.find(other.value(other.tuple({other.number(1), other.text("x")})))->as_int(), 7);
  EXPECT_EQ(root.find(other.value(other.text("k")))->as_int(), 8);
  EXPECT_FALSE(root.find(other.value(other.text("z"))));
  EXPECT_FALSE(root.find(other.value(other->list())));
  EXPECT_EQ(tree->node_count(), before);
}

TEST(Values, EraseAndOverwriteEntries) {
  Value root = fresh_dict();
  root.set("a", 1);
  root.set("b", 2);
  root.set("a", 3);
  EXPECT_EQ(root.size(), 2U);
  EXPECT_EQ(root["a"].as_int(), 3);
  EXPECT_TRUE(root.erase("a"));
  EXPECT_FALSE(root.erase("a"));
  EXPECT_EQ(root.size(), 1U);
}

TEST(Values, ThatAreNoContainersSaySo) {
  const Tree tree;
  Value number = tree.value(tree.number(1));
  EXPECT_EQ(error_of([&] { (void)number.size(); }).code(), ErrorCode::wrong_type);
  EXPECT_EQ(error_of([&] { (void)number["x"]; }).code(), ErrorCode::wrong_type);
  EXPECT_EQ(error_of([&] { number.append(1); }).code(), ErrorCode::wrong_type);
  EXPECT_EQ(error_of([&] { number.set("x", 1); }).code(), ErrorCode::wrong_type);
  EXPECT_EQ(error_of([&] { number.set_attribute("x", 1); }).code(), ErrorCode::wrong_type);
}

TEST(Values, AreReadFromManyThreads) {
  Value root = fresh_dict();
  for (int n = 0; n < 100; ++n) root.set("key" + std::to_string(n), n);
  const Tree other;
  const Value key = other.value(other.text("key50"));
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&] {
      for (int n = 0; n < 100; ++n) {
        EXPECT_EQ(root["key" + std::to_string(n)].as_int(), n);
        EXPECT_EQ(root.find(key)->as_int(), 50);
      }
    });
}

TEST(Slots, ReadElementsByTheirPosition) {
  Value root = fresh_dict();
  Slot(root, "milestones") = Literal::list({30, 60});
  EXPECT_EQ(Slot(root, "milestones")[0].as_int(), 30);
  EXPECT_EQ(Slot(root, "milestones")[std::int64_t{1}].as_int(), 60);
}

TEST(Slots, MakeTheDictsOnTheWay) {
  Value root = fresh_dict();
  Slot(root, "optimizer")["lr"] = 0.1;
  EXPECT_EQ(root["optimizer"]["lr"].as_float(), 0.1);
}

TEST(Literals, HoldEveryPlainValue) {
  Value root = fresh_dict();
  root.set("none", nullptr);
  root.set("int", 3);
  root.set("huge", std::uint64_t{UINT64_MAX});
  root.set("text", "t");
  root.set("betas", Literal::tuple({0.9, 0.999}));
  root.set("nested", Literal::dict({{"a", Literal::list({1, 2})}}));
  EXPECT_TRUE(root["none"].is_none());
  EXPECT_EQ(root["huge"].to_text(), "18446744073709551615");
  EXPECT_EQ(root["betas"][1].as_float(), 0.999);
  EXPECT_EQ(root["nested"]["a"][1].as_int(), 2);
  EXPECT_EQ(error_of([&] {
              root.set("bad", Literal::dict({{Literal::list(), 1}}));
            }).code(),
            ErrorCode::invalid_argument);
}

TEST(Kinds, HaveTheNamesOfTheJson) {
  EXPECT_EQ(to_string(Kind::none), "none");
  EXPECT_EQ(to_string(Kind::storage), "storage");
  EXPECT_EQ(to_string(Kind::memory_format), "memory_format");
  EXPECT_EQ(to_string(Kind::object), "object");
}

}  // namespace
}  // namespace sconce::tree
