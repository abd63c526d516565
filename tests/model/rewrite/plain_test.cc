// Objects of classes become plain values. tests/torch/rewrite has real ones of every kind.
#include <sconce/rewrite.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/model_builder.h"
#include "model/state.h"

namespace sconce {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tree::Document;
using tree::NodeId;
using tree::ObjectRecord;

/// Trees as a pickle makes them.
struct Tree {
  Checkpoint model;
  Document& document = *model.state()->document;

  NodeId cls(std::string_view module, std::string_view name) { return document.global(module, name, module, name); }
  NodeId made(NodeId callable, std::vector<NodeId> args = {}, ObjectRecord::How how = ObjectRecord::How::newobj) {
    ObjectRecord record;
    record.how = how;
    record.callable = callable;
    record.args = document.tuple(args);
    return document.object(record);
  }
  NodeId dict(const std::vector<std::pair<NodeId, NodeId>>& entries) {
    const NodeId dict = document.dict();
    for (const auto& [key, value] : entries) EXPECT_TRUE(document.dict_set(dict, key, value));
    return dict;
  }
  NodeId with_fields(NodeId object, const std::vector<std::pair<NodeId, NodeId>>& fields) {
    document.object_step(object, {ObjectRecord::Event::state, dict(fields)});
    return object;
  }
  NodeId namespace_of(const std::vector<std::pair<NodeId, NodeId>>& fields) {
    return with_fields(made(cls("argparse", "Namespace")), fields);
  }
  NodeId str(std::string_view text) { return document.str(text); }
  NodeId number(std::int64_t value) { return document.integer(value); }
  void put(std::string_view key, NodeId value) {
    EXPECT_TRUE(document.dict_set(model.state()->roots[0], document.str(key), value));
  }
};

TEST(Plain, ANamespaceBecomesTheDictOfItsFieldsAndStaysShared) {
  Tree tree;
  const NodeId args = tree.namespace_of({{tree.str("lr"), tree.number(3)}});
  tree.put("one", args);
  tree.put("two", args);
  const RewriteReport report = make_plain(tree.model);
  EXPECT_THAT(report.changed, ElementsAre("argparse.Namespace becomes a dict of its fields: one"));
  EXPECT_THAT(report.remaining, IsEmpty());
  EXPECT_TRUE(tree.model.root()["one"].is_dict());
  EXPECT_EQ(tree.model.root()["one"]["lr"].as_int(), 3);
  EXPECT_TRUE(tree.model.root()["one"].is(tree.model.root()["two"]));
}

TEST(Plain, AnObjectThatContainsItselfBecomesADictThatDoes) {
  Tree tree;
  const NodeId self = tree.made(tree.cls("argparse", "Namespace"));
  tree.with_fields(self, {{tree.str("me"), self}});
  tree.put("self", self);
  (void)make_plain(tree.model);
  EXPECT_TRUE(tree.model.root()["self"].is(tree.model.root()["self"]["me"]));
}

TEST(Plain, ValuesThatStandForEachOtherInACircleStay) {
  Tree tree;
  const NodeId one = tree.made(tree.cls("omegaconf.nodes", "AnyNode"));
  const NodeId two = tree.made(tree.cls("omegaconf.nodes", "AnyNode"));
  tree.with_fields(one, {{tree.str("_val"), two}});
  tree.with_fields(two, {{tree.str("_val"), one}});
  tree.put("one", one);
  const RewriteReport report = make_plain(tree.model);
  EXPECT_THAT(report.remaining, Contains(HasSubstr("it stands for itself")));
  EXPECT_EQ(tree.model.root()["one"].kind(), Kind::object);
}

TEST(Plain, ALongChainOfObjectsIsFollowedWithoutRecursion) {
  Tree tree;
  NodeId last = tree.number(7);
  const NodeId node = tree.cls("omegaconf.nodes", "AnyNode");
  for (int at = 0; at < 20'000; ++at) last = tree.with_fields(tree.made(node), {{tree.str("_val"), last}});
  tree.put("value", last);
  NodeId nested = tree.number(8);
  for (int at = 0; at < 20'000; ++at) nested = tree.namespace_of({{tree.str("in"), nested}});
  tree.put("nested", nested);
  (void)make_plain(tree.model);
  EXPECT_EQ(tree.model.root()["value"].as_int(), 7);
  EXPECT_TRUE(tree.model.root()["nested"]["in"]["in"]["in"].is_dict());
}

TEST(Plain, AKeyStaysWhatPythonCanHash) {
  Tree tree;
  const NodeId key = tree.namespace_of({{tree.str("a"), tree.number(1)}});
  const NodeId member = tree.made(tree.cls("project", "Color"), {tree.str("blue")}, ObjectRecord::How::reduce);
  tree.put("dict", tree.dict({{key, tree.number(1)}, {member, tree.number(2)}}));
  const RewriteReport report = make_plain(tree.model);
  EXPECT_THAT(report.remaining, ElementsAre(HasSubstr("argparse.Namespace (it is a key of a dict)")));
  EXPECT_EQ(tree.model.root()["dict"]["blue"].as_int(), 2);
}

TEST(Plain, KeysThatWouldBecomeOneAreRefused) {
  Tree tree;
  const NodeId member = tree.made(tree.cls("project", "Color"), {tree.str("blue")}, ObjectRecord::How::reduce);
  tree.put("dict", tree.dict({{member, tree.number(1)}, {tree.str("blue"), tree.number(2)}}));
  EXPECT_THAT(test::error_of([&] { (void)make_plain(tree.model); }),
              test::is_error(ErrorCode::unsupported, "two keys of a dict would become the same"));
}

TEST(Plain, WhatAnObjectThatStaysIsMadeOfStaysToo) {
  Tree tree;
  const NodeId inner = tree.namespace_of({{tree.str("a"), tree.number(1)}});
  const NodeId call =
      tree.made(tree.cls("project", "build"), {tree.cls("project", "Net"), inner}, ObjectRecord::How::reduce);
  tree.put("net", call);
  tree.put("inner", inner);
  const RewriteReport report = make_plain(tree.model);
  EXPECT_EQ(tree.model.root()["net"].kind(), Kind::object);
  EXPECT_EQ(tree.document.kind(inner), Kind::object);
  EXPECT_EQ(tree.document.kind(tree.document.elements(tree.document.object_record(call).args)[0]), Kind::global);
  EXPECT_THAT(report.remaining, Contains(HasSubstr("project.build (it was made by a call with 2 arguments")));
  EXPECT_THAT(report.changed, IsEmpty());
}

TEST(Plain, ASubclassOfDictKeepsItsItemsAndNamesTheAttributesThatAreLost) {
  Tree tree;
  const NodeId config = tree.made(tree.cls("project", "Config"));
  const NodeId items[] = {tree.str("a"), tree.number(1)};
  tree.document.object_step(config, {ObjectRecord::Event::set_item, tree.document.tuple(items)});
  tree.with_fields(config, {{tree.str("a"), tree.number(1)}, {tree.str("path"), tree.str("x")}});
  tree.put("config", config);
  const RewriteReport report = make_plain(tree.model);
  EXPECT_EQ(tree.model.root()["config"]["a"].as_int(), 1);
  EXPECT_EQ(tree.model.root()["config"].size(), 1U);
  EXPECT_THAT(report.dropped, ElementsAre("project.Config: attribute path: config"));
}

TEST(Plain, AWholeModuleBecomesItsStateDict) {
  Checkpoint model = load(test::fixture("torch-2.13/shared_module.zip.pt"));
  (void)make_plain(model);
  ASSERT_TRUE(model.root().is_dict());
  EXPECT_EQ(model.root().dict_flavor(), DictFlavor::ordered_dict);
  std::vector<std::string> names;
  for (const Value::Item item : model.root().items()) names.emplace_back(item.key.as_str());
  EXPECT_THAT(names, ElementsAre("mask", "first.weight", "first.bias", "again.weight", "again.bias", "out.weight"));
  EXPECT_TRUE(model.tensor("first.weight").storage().is(model.tensor("out.weight").storage()));
  EXPECT_FALSE(model.tensor("first.weight").requires_grad());
}

TEST(Plain, AModuleThatIsInsideOfItselfIsCut) {
  Tree tree;
  const NodeId module = tree.made(tree.cls("project", "Net"));
  const NodeId children = tree.dict({{tree.str("me"), module}});
  const NodeId weight = tree.document.add_tensor(test::floats({1}));
  tree.with_fields(module, {{tree.str("_parameters"), tree.dict({{tree.str("w"), weight}})},
                            {tree.str("_buffers"), tree.dict({})},
                            {tree.str("_modules"), children}});
  tree.put("net", module);
  const RewriteReport report = make_plain(tree.model);
  EXPECT_EQ(tree.model.root()["net"].size(), 1U);
  EXPECT_THAT(report.dropped, Contains(HasSubstr("modules that are inside of themselves are cut")));
}

TEST(Plain, WhatWouldRunSomethingIsRefused) {
  Tree tree;
  tree.put("run", tree.made(tree.cls("os", "system"), {tree.str("true")}, ObjectRecord::How::reduce));
  EXPECT_THAT(test::error_of([&] { (void)make_plain(tree.model); }), test::is_error(ErrorCode::hostile, "os.system"));
}

TEST(Plain, ClassesThatAreValuesBecomeTheirNames) {
  Tree tree;
  tree.put("class", tree.cls("project.models", "Net"));
  (void)make_plain(tree.model);
  EXPECT_EQ(tree.model.root()["class"].as_str(), "project.models.Net");
}

}  // namespace
}  // namespace sconce
