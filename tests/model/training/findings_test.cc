// State that does not fit: each has a name, and none ends the look at the rest.
#include <cmath>
#include <limits>

#include <sconce/training.h>

#include "model/model_builder.h"

namespace sconce {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Tensor zeros(std::initializer_list<std::int64_t> shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return Tensor::from(std::vector<float>(static_cast<std::size_t>(count)), shape);
}

Literal entry(const Tensor& like) { return Literal::dict({{"step", 5}, {"exp_avg", like}, {"exp_avg_sq", like}}); }

Literal group(const std::vector<Literal>& params, const Literal& lr = 0.001) {
  return Literal::dict({{"lr", lr},
                        {"betas", Literal::tuple({0.9, 0.999})},
                        {"eps", 1e-8},
                        {"weight_decay", 0},
                        {"amsgrad", false},
                        {"params", Literal::list(params)}});
}

Literal optimizer(std::vector<Literal::Entry> state, std::vector<Literal> groups) {
  return Literal::dict(
      {{"state", Literal::dict(std::move(state))}, {"param_groups", Literal::list(std::move(groups))}});
}

/// A model of two layers with an optimizer.
Checkpoint run(const Literal& optimizer_state) {
  Checkpoint made;
  made["model"] = Literal::dict({{"a.weight", zeros({3, 2})}, {"a.bias", zeros({3})}, {"b.weight", zeros({1, 3})}});
  made["optimizer"] = optimizer_state;
  return made;
}

auto finding(const std::string& kind, const std::string& words) {
  return AllOf(Field(&TrainingFinding::kind, kind), Field(&TrainingFinding::message, HasSubstr(words)));
}

std::vector<Literal::Entry> whole_state() {
  return {{0, entry(zeros({3, 2}))}, {1, entry(zeros({3}))}, {2, entry(zeros({1, 3}))}};
}

TEST(TrainingFindings, AreNoneWhereAllFits) {
  const TrainingState state = training_state(run(optimizer(whole_state(), {group({0, 1, 2})})));
  EXPECT_THAT(state.findings, IsEmpty());
  EXPECT_EQ(state.optimizers.at(0).parameters.at(2).name, "b.weight");
  EXPECT_EQ(state.optimizers.at(0).parameters.at(2).step, 5.0);
}

TEST(TrainingFindings, NameStateOfAnotherShapeThanTheParameter) {
  auto wrong = whole_state();
  wrong[1] = {1, entry(zeros({4}))};
  const TrainingState state = training_state(run(optimizer(wrong, {group({0, 1, 2})})));
  EXPECT_THAT(state.findings, Contains(finding("wrong-shape", "(a.bias) has shape [4], the model's tensor has [3]")));
}

TEST(TrainingFindings, NameEntriesOfOneStateThatDisagree) {
  auto wrong = whole_state();
  wrong[0] = {0, Literal::dict({{"step", 1}, {"exp_avg", zeros({3, 2})}, {"exp_avg_sq", zeros({2, 3})}})};
  const TrainingState state = training_state(run(optimizer(wrong, {group({0, 1, 2})})));
  EXPECT_THAT(state.findings, Contains(finding("wrong-shape", "[2, 3]")));
}

TEST(TrainingFindings, NameGroupsWithoutParameters) {
  const Literal none = Literal::dict({{"lr", 0.1}});
  EXPECT_THAT(training_state(run(optimizer(whole_state(), {group({0, 1, 2}), none}))).findings,
              Contains(finding("group-without-parameters", "no list of parameters")));
  EXPECT_THAT(training_state(run(optimizer(whole_state(), {group({0, 1, 2}), group({})}))).findings,
              Contains(finding("group-without-parameters", "empty")));
}

TEST(TrainingFindings, NameIdsThatAreThereTwice) {
  const TrainingState state = training_state(run(optimizer(whole_state(), {group({0, 1}), group({1, 2})})));
  EXPECT_THAT(state.findings, Contains(finding("duplicate-id", "parameter 1")));
}

TEST(TrainingFindings, NameStateOfNoGroup) {
  const TrainingState state = training_state(run(optimizer(whole_state(), {group({0, 1})})));
  EXPECT_THAT(state.findings, Contains(finding("state-of-no-group", "parameter 2")));
  EXPECT_FALSE(state.optimizers.at(0).parameters.at(2).index.has_value());
}

TEST(TrainingFindings, NameLearningRatesThatCannotBe) {
  const double kBad[] = {std::nan(""), std::numeric_limits<double>::infinity(), -0.1};
  const char* const kWords[] = {"is NaN", "is infinite", "is negative"};
  for (std::size_t at = 0; at < 3; ++at) {
    const TrainingState state = training_state(run(optimizer(whole_state(), {group({0, 1, 2}, kBad[at])})));
    EXPECT_THAT(state.findings, Contains(finding("bad-learning-rate", kWords[at])));
  }
  const Tensor nan = Tensor::from(std::vector<float>{std::nanf("")}, {1});
  EXPECT_THAT(training_state(run(optimizer(whole_state(), {group({0, 1, 2}, nan)}))).findings,
              Contains(finding("bad-learning-rate", "is NaN")));
}

TEST(TrainingFindings, NameStructuresThatContainThemselves) {
  Checkpoint made = run(optimizer(whole_state(), {group({0, 1, 2})}));
  Value state = made["optimizer"]["state"].get();
  Value zeroth = state[0];
  // The state of a parameter holds the state of all: such a file can be written by hand only.
  const std::shared_ptr<tree::Document> document = made.root().document();
  Value inner(document, state.node());
  zeroth.set("loop", inner);
  EXPECT_THAT(training_state(made).findings, Contains(finding("cycle", "contains itself")));
}

TEST(TrainingFindings, NameNamesThatReadAlike) {
  Checkpoint made;
  made["model"] = Literal::dict({{"a", Literal::dict({{"weight", zeros({2})}})}, {"a.weight", zeros({2})}});
  made["epoch"] = 1;
  EXPECT_THAT(training_state(made).findings, Contains(finding("colliding-names", "two tensors")));
}

// Names, where the file does not say enough.

TEST(ParameterNames, AreNotGuessedWhereSeveralFit) {
  Checkpoint made;
  std::vector<Literal::Entry> model;
  for (const char* name : {"a", "b", "c"}) model.emplace_back(name, zeros({2, 2}));
  made["model"] = Literal::dict(model);
  made["optimizer"] = optimizer({{0, entry(zeros({2, 2}))}, {1, entry(zeros({2, 2}))}}, {group({0, 1})});
  const OptimizerState state = training_state(made).optimizers.at(0);
  for (const ParameterState& parameter : state.parameters) {
    EXPECT_EQ(parameter.name, "");
    EXPECT_THAT(parameter.why_unnamed, HasSubstr("several parameters of shape [2, 2] fit"));
  }
  EXPECT_EQ(state.named_by, "");
}

TEST(ParameterNames, AreGivenWhereShapesLeaveOneOrder) {
  // A frozen layer in the middle, and two groups that are spread over the model.
  Checkpoint made;
  made["model"] = Literal::dict({{"a.weight", zeros({4, 2})},
                                 {"a.bias", zeros({4})},
                                 {"b.weight", zeros({5, 4})},
                                 {"b.bias", zeros({5})},
                                 {"c.weight", zeros({6, 5})},
                                 {"c.bias", zeros({6})}});
  made["optimizer"] =
      optimizer({{0, entry(zeros({4, 2}))}, {1, entry(zeros({6, 5}))}, {2, entry(zeros({4}))}, {3, entry(zeros({6}))}},
                {group({0, 1}), group({2, 3})});
  const OptimizerState state = training_state(made).optimizers.at(0);
  EXPECT_EQ(state.named_by, "shapes");
  EXPECT_EQ(state.parameters[0].name, "a.weight");
  EXPECT_EQ(state.parameters[1].name, "c.weight");
  EXPECT_EQ(state.parameters[2].name, "a.bias");
  EXPECT_EQ(state.parameters[3].name, "c.bias");
}

TEST(ParameterNames, OfTwoModelsAreThoseOfTheOneThatFits) {
  Checkpoint made;
  made["generator"] = Literal::dict({{"w", zeros({4, 2})}, {"v", zeros({3})}});
  made["discriminator"] = Literal::dict({{"w", zeros({7, 2})}, {"v", zeros({5})}});
  made["optimizer_D"] = optimizer({{0, entry(zeros({7, 2}))}, {1, entry(zeros({5}))}}, {group({0, 1})});
  const OptimizerState state = training_state(made).optimizers.at(0);
  EXPECT_EQ(state.parameters[0].name, "discriminator.w");
  EXPECT_EQ(state.parameters[1].name, "discriminator.v");
}

TEST(ParameterNames, NeedAModel) {
  Checkpoint made;
  made["optimizer"] = optimizer(whole_state(), {group({0, 1, 2})});
  const OptimizerState state = training_state(made).optimizers.at(0);
  EXPECT_THAT(state.parameters[0].why_unnamed, HasSubstr("no model"));
}

TEST(ParameterNames, LeaveOutBuffersAndCountTiedTensorsOnce) {
  Checkpoint made;
  const Tensor tied = zeros({4, 2});
  made["model"] = Literal::dict({{"embed.weight", tied},
                                 {"bn.weight", zeros({4})},
                                 {"bn.running_mean", zeros({4})},
                                 {"bn.num_batches_tracked", test::vector_of<std::int64_t>({3})},
                                 {"head.weight", tied},
                                 {"head.bias", zeros({4})}});
  made["optimizer"] =
      optimizer({{0, entry(zeros({4, 2}))}, {1, entry(zeros({4}))}, {2, entry(zeros({4}))}}, {group({0, 1, 2})});
  const OptimizerState state = training_state(made).optimizers.at(0);
  EXPECT_EQ(state.named_by, "order");
  EXPECT_EQ(state.parameters[2].name, "head.bias");
}

TEST(Algorithms, OfBitsandbytesKeepTheirForm) {
  const Tensor quantised = test::vector_of<std::uint8_t>({1, 2, 3});
  const Literal state = Literal::dict(
      {{"step", 7},
       {"__bnb_optimizer_quant_state__",
        Literal::dict(
            {{"state1", quantised}, {"state2", quantised}, {"qmap1", zeros({256})}, {"absmax1", zeros({1})}})}});
  Checkpoint made;
  made["optimizer"] = optimizer({{0, state}}, {group({0})});
  const OptimizerState found = training_state(made).optimizers.at(0);
  EXPECT_EQ(found.algorithm, "bitsandbytes: Adam, AdamW or LAMB");
  EXPECT_THAT(found.form, HasSubstr("8-bit"));
  EXPECT_EQ(found.parameters[0].step, 7.0);
  EXPECT_EQ(found.parameters[0].shape, std::vector<std::int64_t>{3});
}

TEST(TrainingState, BoundsItsWorkOnListsThatAreShared) {
  // One list of parameters in every group: many times as many parameters as the file has values.
  Checkpoint made;
  std::vector<Literal> ids;
  for (int id = 0; id < 3000; ++id) ids.emplace_back(id);
  made["shared"] = Literal::list(ids);
  const Value shared = made["shared"];
  std::vector<Literal> groups;
  made["optimizer"] = optimizer({}, {});
  Value list = made["optimizer"]["param_groups"].get();
  for (int at = 0; at < 2000; ++at) {
    list.append(Literal::dict({{"lr", 0.1}}));
    list[at].set("params", shared);
  }
  const TrainingState state = training_state(made);
  EXPECT_LE(state.optimizers.at(0).parameters.size(), 400'000U);
  EXPECT_THAT(state.findings, Contains(finding("too-much", "more parameters")));
}

TEST(TrainingState, BoundsItsMemoryOnKeysThatAreLong) {
  // A key of 4 MiB over lists that hold one dict many times.
  const std::string long_key(std::size_t{4} << 20, 'k');
  Checkpoint made;
  made["args"][long_key][long_key] = 1;
  made["list"] = Literal::list();
  for (int at = 0; at < 100; ++at)
    made["list"].get().append(Literal::dict({{long_key, Literal::dict({{"epoch", 1}})}}));
  const TrainingState state = training_state(made);
  std::size_t bytes = 0;
  for (const auto& [name, value] : state.progress) bytes += name.size();
  for (const auto& [name, value] : state.hyper_parameters) bytes += name.size();
  EXPECT_LT(bytes, std::size_t{64} << 20);
  EXPECT_THAT(state.findings, Contains(finding("too-much", "more values")));
}

TEST(TrainingState, LooksOnceAtWhatManyPlacesShare) {
  Checkpoint made;
  std::vector<Literal::Entry> entries;
  for (int at = 0; at < 20'000; ++at) entries.emplace_back("layer" + std::to_string(at) + ".weight", 1);
  made["big"] = Literal::dict(entries);
  made["list"] = Literal::list();
  Value list = made["list"].get();
  Value big = made["big"].get();
  for (int at = 0; at < 4000; ++at) {
    list.append(Literal::dict());
    list[at].set("again", big);
  }
  EXPECT_FALSE(training_state(made).has_training());
}

TEST(RandomState, IsNotTakenFromSixteenBytesAlone) {
  const Tensor sixteen = test::vector_of<std::uint8_t>(std::vector<std::uint8_t>(16));
  Checkpoint made;
  made["model"] = Literal::dict({{"mask", sixteen}});
  made["head"] = Literal::dict({{"weight", zeros({2, 2})}});
  made["cuda_rng_state"] = sixteen;
  const TrainingState state = training_state(made);
  EXPECT_EQ(state.parts.at(0).kind, PartKind::model);
  EXPECT_EQ(state.parts.at(2).kind, PartKind::rng);
  EXPECT_EQ(state.parts.at(2).what, "CUDA");
}

TEST(TrainingState, OfTensorsAndNumbersInOneDict) {
  Checkpoint made;
  made["fc.weight"] = zeros({2, 2});
  made["fc.bias"] = zeros({2});
  made["epoch"] = 3;
  const TrainingState state = training_state(made);
  EXPECT_EQ(state.parts.at(0).kind, PartKind::model);
  ASSERT_EQ(state.progress.size(), 1U);
  EXPECT_EQ(state.progress[0].first, "epoch");
}

}  // namespace
}  // namespace sconce
