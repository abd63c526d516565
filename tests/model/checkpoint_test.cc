// Checkpoint: names that lead to values, the model's state_dict, what is covered by tensors.
#include <sconce/checkpoint.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "archive/zip_builder.h"
#include "model/model_builder.h"
#include "model/state.h"
#include "tree/tree_builder.h"

namespace sconce {
namespace {

using test::checkpoint;
using test::error_of;
using test::fixture;
using test::floats;
using test::is_error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A file whose objects are these.
Checkpoint over(const tree::testing::Tree& tree, std::vector<tree::NodeId> roots) {
  auto state = std::make_shared<Checkpoint::State>();
  state->document = tree.document;
  state->roots = std::move(roots);
  return Checkpoint(std::move(state));
}

std::string names(const std::vector<NamedTensor>& tensors) {
  std::string text;
  for (const NamedTensor& tensor : tensors) text += tensor.name + " ";
  return text;
}

TEST(Checkpoint, IsAnEmptyDictAtFirst) {
  const Checkpoint fresh;
  EXPECT_TRUE(fresh.root().is_dict());
  EXPECT_EQ(fresh.root().size(), 0U);
  EXPECT_EQ(fresh.roots().size(), 1U);
  EXPECT_THAT(fresh.tensors(), IsEmpty());
  EXPECT_EQ(fresh.file().format, "");
}

TEST(Checkpoint, MakesTheDictsOnTheWay) {
  Checkpoint fresh;
  fresh["optimizer"]["group"]["lr"] = 0.5;
  EXPECT_EQ(fresh.at("optimizer.group.lr").as_float(), 0.5);
  EXPECT_EQ(fresh["optimizer"]["group"]["lr"].as_float(), 0.5);
}

TEST(Checkpoint, CopiesShareTheDocument) {
  Checkpoint first;
  Checkpoint second = first;
  second["epoch"] = 3;
  EXPECT_EQ(first.at("epoch").as_int(), 3);
}

TEST(FindPath, FollowsKeysPositionsAndIntegerKeys) {
  Checkpoint run;
  run["model"] = Literal::dict({{"conv1.weight", floats({1})}, {"blocks", Literal::list({floats({2}), floats({3})})}});
  run["state"] = Literal::dict({{0, "zero"}, {1, "one"}});
  EXPECT_EQ(run.tensor("model.conv1.weight").item<float>(), 1);
  EXPECT_EQ(run.tensor("model.blocks.1").item<float>(), 3);
  EXPECT_EQ(run.at("state.1").as_str(), "one");
  EXPECT_EQ(run.tensor({"model", "conv1.weight"}).item<float>(), 1);
}

TEST(FindPath, RefusesANameOfTwoValues) {
  const Checkpoint run = checkpoint({{"a", Literal::dict({{"b", floats({1})}})}, {"a.b", floats({2})}});
  EXPECT_THAT(error_of([&] { (void)run.tensor("a.b"); }), is_error(ErrorCode::not_found, "a.b"));
  EXPECT_EQ(run.tensor({"a", "b"}).item<float>(), 1);
  EXPECT_EQ(run.tensor({"a.b"}).item<float>(), 2);
}

TEST(FindPath, TellsTheNearestNames) {
  const Checkpoint run = checkpoint({{"conv1.weight", floats({1})}, {"conv1.bias", floats({1})}});
  EXPECT_THAT(error_of([&] { (void)run.tensor("conv1.wieght"); }), is_error(ErrorCode::not_found, "conv1.weight"));
  EXPECT_THAT(error_of([&] { (void)run.at("conv1.weight.0"); }), is_error(ErrorCode::not_found, "conv1.weight.0"));
}

TEST(FindPath, SaysWhatIsThereInsteadOfATensor) {
  const Checkpoint run = checkpoint({{"epoch", 3}});
  EXPECT_THAT(error_of([&] { (void)run.tensor("epoch"); }), is_error(ErrorCode::wrong_type, "int"));
}

TEST(FindPath, BeginsWithTheNumberOfTheObjectWhereThereAreSeveral) {
  const tree::testing::Tree tree;
  const auto pair = [&](std::int64_t first, std::int64_t second) {
    return tree.list({tree.number(first), tree.number(second)});
  };
  const Checkpoint file = over(tree, {tree.list({pair(1, 2), pair(3, 4)}), tree.dict({tree.text("x"), pair(5, 6)})});
  file.walk({}, [&](const Leaf& leaf) {
    EXPECT_EQ(file.at(leaf.name()).as_int(), leaf.value().as_int()) << leaf.name();
    EXPECT_EQ(file.at(leaf.path()).as_int(), leaf.value().as_int()) << leaf.name();
    return true;
  });
  EXPECT_EQ(file.at("1.x.0").as_int(), 5);
  EXPECT_EQ(file.at("1").kind(), Kind::dict);
  EXPECT_EQ(file.at("0.1").kind(), Kind::list) << "of the first object, not the element 1 of its element 0";
  EXPECT_THAT(error_of([&] { (void)file.at("2.x"); }), is_error(ErrorCode::not_found, "2.x"));
}

TEST(Walk, MeetsEveryTensorAtEveryPath) {
  const Tensor tied = floats({1});
  Checkpoint run =
      checkpoint({{"a", tied}, {"epoch", 3}, {"b", tied}, {"nested", Literal::dict({{"c", floats({2})}})}});
  EXPECT_EQ(names(run.tensors()), "a b nested.c ");
  std::string met;
  const WalkResult result = run.walk({}, [&](const Leaf& leaf) {
    met += std::string(leaf.name()) + (leaf.is_tensor() ? "* " : " ");
    return true;
  });
  EXPECT_EQ(met, "a* epoch b* nested.c* ");
  EXPECT_TRUE(result.complete);
  EXPECT_EQ(result.tensors, 3U);
  EXPECT_EQ(result.values, 1U);
}

TEST(Walk, EndsWhereTheVisitorHasSeenEnough) {
  const Checkpoint run = checkpoint({{"a", 1}, {"b", 2}, {"c", 3}});
  EXPECT_EQ(run.walk({}, [](const Leaf& leaf) { return leaf.name() != "b"; }).values, 2U);
}

TEST(Walk, NumbersStoragesThatAreShared) {
  const Tensor tied = floats({1, 2});
  const Checkpoint run = checkpoint({{"a", tied}, {"b", floats({1})}, {"c", tied}, {"n", 1}});
  std::vector<std::optional<std::uint64_t>> storages;
  run.walk({}, [&](const Leaf& leaf) {
    storages.push_back(leaf.storage_number());
    return true;
  });
  ASSERT_EQ(storages.size(), 4U);
  EXPECT_EQ(storages[0], storages[2]);
  EXPECT_NE(storages[0], storages[1]);
  EXPECT_EQ(storages[3], std::nullopt);
}

TEST(StateDict, IsTheRootWhereThatIsOne) {
  const StateDict found = checkpoint({{"conv.weight", floats({1})}, {"conv.bias", floats({2})}}).state_dict();
  EXPECT_EQ(found.path(), "");
  EXPECT_EQ(found.size(), 2U);
  EXPECT_EQ(found["conv.bias"].item<float>(), 2);
  EXPECT_TRUE(found.contains("conv.weight"));
  EXPECT_THAT(error_of([&] { (void)found["conv.wait"]; }), is_error(ErrorCode::not_found, "conv.weight"));
}

TEST(StateDict, IsFoundWhereItIsNested) {
  Checkpoint run;
  run["epoch"] = 3;
  run["model"] = Literal::ordered_dict({{"w", floats({1})}});
  run["optimizer"] = Literal::dict({{"state", Literal::dict()}, {"param_groups", Literal::list()}});
  const StateDict found = run.state_dict();
  EXPECT_EQ(found.path(), "model");
  EXPECT_EQ(found["w"].item<float>(), 1);
}

TEST(StateDict, IsTheRootWhereNumbersStandBesideItsTensors) {
  const Checkpoint fresh = checkpoint({{"weight", floats({1})}, {"epoch", 3}});
  EXPECT_EQ(fresh.state_dict().size(), 1U);
  EXPECT_THAT(fresh.state_dict().others(), ::testing::ElementsAre("epoch"));
}

TEST(StateDict, IsNotMadeOfAnOptimizersTensors) {
  Checkpoint run;
  run["state"] = Literal::dict({{0, Literal::dict({{"exp_avg", floats({1})}})}});
  run["param_groups"] = Literal::list();
  EXPECT_THAT(error_of([&] { (void)run.state_dict(); }), is_error(ErrorCode::not_found, "state_dict"));
}

TEST(Load, EndsWhereItIsCancelled) {
  test::StringSink sink;
  SaveOptions saving;
  saving.format = "pytorch-zip";
  save(checkpoint({{"w", floats({1})}}), sink, saving);
  std::stop_source stop;
  LoadOptions options;
  options.cancel = stop.get_token();
  Checkpoint run = load(memory_source(std::as_bytes(std::span(sink.text))), options);
  stop.request_stop();
  run["epoch"] = 3;  // opening is over
  EXPECT_EQ(error_of([&] { (void)load(memory_source(std::as_bytes(std::span(sink.text))), options); }).code(),
            ErrorCode::cancelled);
}

TEST(StateDict, IsAskedForByNameWhereThereAreSeveral) {
  Checkpoint run;
  run["generator"] = Literal::dict({{"w", floats({1})}});
  run["discriminator"] = Literal::dict({{"w", floats({2})}});
  EXPECT_EQ(run.state_dict("discriminator")["w"].item<float>(), 2);
  const Error error = error_of([&] { (void)run.state_dict("critic"); });
  EXPECT_THAT(error, is_error(ErrorCode::not_found, "critic"));
}

TEST(StateDict, OfAModuleLeavesOutWhatTheModuleDoesNotSave) {
  const tree::testing::Tree tree;
  const auto module = [&](std::vector<tree::NodeId> buffers, std::vector<tree::NodeId> modules) {
    const tree::NodeId made = tree.object("mine", "Module");
    const tree::NodeId unsaved = tree->set(Kind::set);
    EXPECT_TRUE(tree->dict_set(unsaved, tree.text("cache"), tree::kNoNode));
    tree.state(made, tree.dict({tree.text("_parameters"), tree.dict({}), tree.text("_buffers"), tree.dict(buffers),
                                tree.text("_non_persistent_buffers_set"), unsaved, tree.text("_modules"),
                                tree.dict(modules)}));
    return made;
  };
  const auto buffers = [&] { return std::vector{tree.text("mean"), tree.tensor(), tree.text("cache"), tree.tensor()}; };
  const Checkpoint whole = over(tree, {module(buffers(), {tree.text("inner"), module(buffers(), {})})});
  std::string found;
  for (const auto& [name, tensor] : whole.state_dict()) found += name + " ";
  EXPECT_EQ(found, "mean inner.mean ");
}

TEST(StateDict, IsNotFoundWhereThereIsNone) {
  EXPECT_THAT(error_of([] { (void)checkpoint({{"epoch", 3}}).state_dict(); }), is_error(ErrorCode::not_found, ""));
}

TEST(UnreferencedBytes, AreThoseOfStoragesThatNoTensorShows) {
  const Tensor whole = floats({1, 2, 3, 4});
  const auto part = [&](std::int64_t size, std::int64_t offset) {
    return Tensor::over(whole.storage(), DType::float32, std::vector<std::int64_t>{size}, std::vector<std::int64_t>{1},
                        offset);
  };
  EXPECT_EQ(checkpoint({{"a", whole}}).unreferenced_bytes(), 0U);
  EXPECT_EQ(checkpoint({{"a", part(1, 0)}}).unreferenced_bytes(), 12U);
  EXPECT_EQ(checkpoint({{"a", part(2, 0)}, {"b", part(2, 1)}}).unreferenced_bytes(), 4U) << "what overlaps counts once";
}

TEST(Load, NamesTheFileInItsErrors) {
  EXPECT_THAT(error_of([] { (void)load(fixture("no such file.pt")); }), is_error(ErrorCode::io, "no such file.pt"));
  const std::string empty;
  EXPECT_THAT(error_of([&] { (void)load(memory_source(std::as_bytes(std::span(empty)), {}, "empty.pt")); }),
              is_error(ErrorCode::truncated, "empty.pt"));
}

TEST(Load, KeepsWhatIsKnownOfTheFile) {
  const Checkpoint run = load(fixture("torch-2.13/state_dict.zip.pt"));
  EXPECT_EQ(run.file().format, "pytorch-zip");
  EXPECT_THAT(run.file().producer, HasSubstr("PyTorch 2"));
  EXPECT_EQ(run.file().byte_order, std::endian::little);
  EXPECT_GT(run.file().bytes, 0U);
}

}  // namespace
}  // namespace sconce
