// Optimizers, schedulers and random state that real PyTorch saved go on in C++ as they went on there
// (tests/fixtures/optimizers has both), what does not fit is refused, and outputs are checked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn.h>
#include <torch/optim.h>
#include <torch/version.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <sconce/libtorch/check_outputs.h>
#include <sconce/libtorch/optimizer.h>
#include <sconce/libtorch/random.h>
#include <sconce/libtorch/save.h>
#include <sconce/libtorch/scheduler.h>
#include <sconce/sconce.h>

namespace sconce::libtorch {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

const char* const kVersions[] = {"1.7", "1.13", "2.6", "2.13", "2.14"};

const std::string kLibtorch = std::to_string(TORCH_VERSION_MAJOR) + "." + std::to_string(TORCH_VERSION_MINOR);

Checkpoint fixture(const std::string& version) {
  return load(std::string(SCONCE_SOURCE_DIR) + "/tests/fixtures/optimizers/torch-" + version + ".pt");
}

std::vector<at::Tensor> tensors(const Value& list) {
  std::vector<at::Tensor> made;
  for (const Value& one : list.elements()) made.push_back(to_tensor(one.as_tensor(), Sharing::copy));
  return made;
}

std::vector<at::Tensor> parameters(const Value& list) {
  std::vector<at::Tensor> made = tensors(list);
  for (at::Tensor& one : made) one.set_requires_grad(true);
  return made;
}

/// An optimizer of that class whose settings are not those of the file.
std::unique_ptr<torch::optim::Optimizer> make(std::string_view kind, const std::vector<at::Tensor>& of,
                                              bool two_groups) {
  std::vector<torch::optim::OptimizerParamGroup> groups{two_groups ? std::vector<at::Tensor>{of[0]} : of};
  if (two_groups) groups.emplace_back(std::vector<at::Tensor>(of.begin() + 1, of.end()));
  if (kind == "SGD") return std::make_unique<torch::optim::SGD>(groups, torch::optim::SGDOptions(77));
  if (kind == "Adam") return std::make_unique<torch::optim::Adam>(groups, torch::optim::AdamOptions(77));
  if (kind == "AdamW") return std::make_unique<torch::optim::AdamW>(groups, torch::optim::AdamWOptions(77));
  if (kind == "RMSprop") return std::make_unique<torch::optim::RMSprop>(groups, torch::optim::RMSpropOptions(77));
  if (kind == "Adagrad") return std::make_unique<torch::optim::Adagrad>(groups, torch::optim::AdagradOptions(77));
  return std::make_unique<torch::optim::LBFGS>(groups, torch::optim::LBFGSOptions(77));
}

/// The step of tests/fixtures/optimizers/make.py.
void step(torch::optim::Optimizer& optimizer, const std::vector<at::Tensor>& given) {
  optimizer.step([&] {
    at::AutoGradMode grad(true);
    optimizer.zero_grad();
    const at::Tensor loss = (given[0] - 0.5).pow(2).sum() + (given[1] + 0.25).pow(4).sum();
    loss.backward();
    return loss;
  });
}

double distance(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  double most = 0;
  for (std::size_t at = 0; at < a.size(); ++at) most = std::max(most, (a[at] - b[at]).abs().max().item<double>());
  return most;
}

Checkpoint holding(const Literal& root) {
  Checkpoint made;
  made.set_root(root);
  return made;
}

/// A run of an optimizer: its parameters, and it.
struct Trained {
  Trained(std::string_view kind, const Value& from, bool two_groups = false)
      : given(parameters(from)), optimizer(make(kind, given, two_groups)) {}
  std::vector<at::Tensor> given;
  std::unique_ptr<torch::optim::Optimizer> optimizer;
};

/// A scheduler of that name, with settings that are not those of the file; or as make.py makes it.
std::unique_ptr<SchedulerState> scheduler(const std::string& name, torch::optim::Optimizer& of, bool as_file = false) {
  using Milestones = std::vector<std::int64_t>;
  const auto pick = [&](auto file, auto other) { return as_file ? file : other; };
  if (name == "StepLR") return std::make_unique<StepLR>(of, pick(4, 99), pick(0.3, 0.1));
  if (name == "MultiStepLR")
    return std::make_unique<MultiStepLR>(of, pick(Milestones{2, 5, 5, 9}, Milestones{99}), pick(0.7, 0.1));
  if (name == "ExponentialLR") return std::make_unique<ExponentialLR>(of, pick(0.9, 0.123));
  if (name == "ConstantLR") return std::make_unique<ConstantLR>(of, pick(0.25, 0.5), 5);
  if (name == "LinearLR") return std::make_unique<LinearLR>(of, pick(0.2, 0.5), pick(0.9, 1.0), pick(7, 5));
  if (name == "PolynomialLR") return std::make_unique<PolynomialLR>(of, pick(8, 5), pick(1.5, 1.0));
  if (name == "CosineAnnealingLR") return std::make_unique<CosineAnnealingLR>(of, pick(5, 99), pick(0.001, 0.0));
  if (name == "CosineAnnealingWarmRestarts")
    return std::make_unique<CosineAnnealingWarmRestarts>(of, pick(2, 99), pick(2, 1), pick(0.001, 0.0));
  if (name == "LambdaLR")
    return std::make_unique<LambdaLR>(of, [](std::int64_t epoch) { return 1.0 / (1.0 + static_cast<double>(epoch)); });
  ReduceLROnPlateau::Options options;
  if (as_file) options.factor = 0.5, options.patience = 1, options.cooldown = 1;
  return std::make_unique<ReduceLROnPlateau>(of, options);
}

/// make.py's metrics, and a step of either kind of scheduler.
void forward(SchedulerState& scheduler, std::size_t epoch) {
  const double metrics[] = {1.0, 0.5, 0.6, 0.6, 0.6, 0.6, 0.4};
  if (auto* plateau = dynamic_cast<ReduceLROnPlateau*>(&scheduler))
    plateau->step(metrics[std::min<std::size_t>(epoch, 6)]);
  else
    dynamic_cast<LRScheduler&>(scheduler).step();
}

class EveryVersion : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Torch, EveryVersion, ::testing::ValuesIn(kVersions), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

TEST_P(EveryVersion, OptimizersGoOnInCpp) {
  const Checkpoint file = fixture(GetParam());
  for (const auto& [key, saved] : file["optimizers"].items()) {
    const std::string name(key.as_str());
    SCOPED_TRACE(name);
    Trained run(saved["class"].as_str(), saved["parameters"], name.ends_with("groups"));
    const OptimizerExtras extras = load_into(*run.optimizer, saved["state"]);

    // What was loaded is what was saved, to the last bit, and to the last key that only Python knows.
    const DiffReport report = diff(holding(saved["state"]), holding(state_dict(*run.optimizer, extras)));
    EXPECT_TRUE(report.same) << (report.values.empty() ? "" : report.values[0].name);
    EXPECT_EQ(report.tensors_compared == 0, name == "SGD plain");
    step(*run.optimizer, run.given);
    EXPECT_LT(distance(run.given, tensors(saved["after"])), 1e-6);
    if (kLibtorch == "1.13" && kLibtorch == GetParam()) {  // later ones differ in the last bit: Python uses lerp
      EXPECT_EQ(distance(run.given, tensors(saved["after"])), 0);
    }
    step(*run.optimizer, run.given);
    EXPECT_LT(distance(run.given, tensors(saved["after2"])), 2e-6);
  }
}

/// Files for tests/libtorch/training.py, which lets every PyTorch that is there take the next step.
TEST_P(EveryVersion, WhatCppWritesIsThereForPython) {
  const char* const folder = std::getenv("SCONCE_PEER_FILES");
  if (folder == nullptr)
    GTEST_SKIP() << "SKIPPED: no folder for a Python to look at (tests/libtorch/run gives SCONCE_PEER_FILES)";
  const Checkpoint file = fixture(GetParam());
  std::vector<Literal::Entry> fresh, kept;
  for (const auto& [key, saved] : file["optimizers"].items()) {
    const std::string name(key.as_str());
    Trained run(saved["class"].as_str(), saved["parameters"], name.ends_with("groups"));
    const OptimizerExtras extras = load_into(*run.optimizer, saved["state"]);
    step(*run.optimizer, run.given);
    std::vector<Literal> now, next;
    for (const at::Tensor& one : run.given) now.emplace_back(from_tensor(one.detach().clone()));
    const auto entry = [&](const Value& state) {
      return Literal::dict({{"class", saved["class"]},
                            {"state", state},
                            {"parameters", Literal::list(now)},
                            {"after", saved["after2"]}});
    };
    // Copies, since the optimizer's own tensors change with the next step.
    fresh.emplace_back(name, entry(state_dict(*run.optimizer)));
    kept.emplace_back(name, entry(state_dict(*run.optimizer, extras)));
    save(holding(Literal::dict({{"fresh", Literal::dict({fresh.back()})}, {"kept", Literal::dict({kept.back()})}})),
         std::string(folder) + "/from-" + GetParam() + "-" + std::to_string(kept.size()) + ".pt");
  }
}

TEST_P(EveryVersion, OptimizersThatCppHasNotAreRefusedByName) {
  const Checkpoint file = fixture(GetParam());
  for (const auto& [key, saved] : file["only_python"].items()) {
    const std::string kind(key.as_str());
    SCOPED_TRACE(kind);
    for (const char* const own : {"SGD", "Adam", "RMSprop", "Adagrad", "LBFGS"}) {
      Trained run(own, file["optimizers"]["Adam"]["parameters"]);
      const OptimizerReport report = check_load(*run.optimizer, saved);
      ASSERT_FALSE(report.fits()) << own;
      EXPECT_EQ(report.findings[0].kind, "other-optimizer");
      EXPECT_THAT(report.findings[0].message, HasSubstr("the state of " + kind + ",")) << own;
    }
  }
}

TEST_P(EveryVersion, SchedulersGoOnToTheLastBit) {
  const Checkpoint file = fixture(GetParam());
  for (const auto& [key, saved] : file["schedulers"].items()) {
    const std::string name(key.as_str());
    SCOPED_TRACE(name);
    Trained run("SGD", file["optimizers"]["Adam"]["parameters"], true);
    torch::optim::Optimizer& optimizer = *run.optimizer;
    const auto made = scheduler(name, optimizer);
    ASSERT_TRUE(made);
    load_into(optimizer, saved["optimizer"]);
    made->load_state_dict(saved["state"]);
    EXPECT_EQ(made->last_epoch(), 3);
    const DiffReport report = diff(holding(saved["state"]), holding(made->state_dict()));
    for (const ValueDifference& one : report.values)  // newer versions have more of these
      EXPECT_THAT(one.name,
                  ::testing::AnyOf("_is_initial", "_get_lr_called_within_step", "default_min_lr", "mode_worse"));
    for (std::size_t at = 0; at < saved["rates"].size(); ++at) {
      forward(*made, 3 + at);
      const Value rates = saved["rates"][static_cast<std::int64_t>(at)];
      EXPECT_EQ(made->get_last_lr()[0], rates[0].as_float()) << at;
      EXPECT_EQ(made->get_last_lr()[1], rates[1].as_float()) << at;
    }
  }
}

/// Three more steps of Python's schedulers, and six of C++'s own: nine are left for Python.
TEST_P(EveryVersion, SchedulersThatCppWritesAreThereForPython) {
  const char* const folder = std::getenv("SCONCE_PEER_FILES");
  if (folder == nullptr)
    GTEST_SKIP() << "SKIPPED: no folder for a Python to look at (tests/libtorch/run gives SCONCE_PEER_FILES)";
  const Checkpoint file = fixture(GetParam());
  std::vector<Literal::Entry> entries;
  for (const bool fresh : {false, true})
    for (const auto& [key, saved] : file["schedulers"].items()) {
      const std::string name(key.as_str());
      std::vector<torch::optim::OptimizerParamGroup> groups{std::vector{at::zeros({1})}};
      groups.emplace_back(std::vector{at::zeros({1})}, std::make_unique<torch::optim::SGDOptions>(0.02));
      torch::optim::SGD optimizer(groups, torch::optim::SGDOptions(0.1));
      const auto made = scheduler(name, optimizer, fresh);
      if (!fresh) {
        static_cast<torch::optim::SGDOptions&>(optimizer.param_groups()[0].options())
            .lr(saved["optimizer"]["param_groups"][0]["lr"].as_float());
        static_cast<torch::optim::SGDOptions&>(optimizer.param_groups()[1].options())
            .lr(saved["optimizer"]["param_groups"][1]["lr"].as_float());
        made->load_state_dict(saved["state"]);
      }
      for (std::size_t epoch = fresh ? 0 : 3; epoch < 6; ++epoch) forward(*made, epoch);
      OptimizerExtras extras;
      if (auto* counted = dynamic_cast<LRScheduler*>(made.get())) counted->note_initial_lr(extras);
      entries.emplace_back(name + (fresh ? " fresh" : " kept"),
                           Literal::dict({{"class", name},
                                          {"state", made->state_dict()},
                                          {"optimizer", state_dict(optimizer, extras)},
                                          {"rates", saved["rates"]}}));
    }
  save(holding(Literal::dict(std::move(entries))), std::string(folder) + "/schedulers-" + GetParam() + ".pt");
}

TEST_P(EveryVersion, RandomNumbersFollow) {
  const Checkpoint file = fixture(GetParam());
  const Value saved = file["rng"];
  set_rng_state(saved["state"].as_tensor());
  EXPECT_EQ(rng_state().sha256(), saved["state"].as_tensor().sha256());
  EXPECT_TRUE(at::rand({5}).equal(to_tensor(saved["rand"].as_tensor())));
  EXPECT_TRUE(at::randn({5}).equal(to_tensor(saved["randn"].as_tensor())));
  EXPECT_TRUE(at::randperm(10).equal(to_tensor(saved["randperm"].as_tensor())));
  EXPECT_TRUE(at::dropout(at::ones({20}), 0.5, true).equal(to_tensor(saved["dropout"].as_tensor())));
}

TEST(RandomState, WhatIsNoneIsRefusedAndChangesNothing) {
  const std::string before = rng_state().sha256();
  const std::vector<std::uint8_t> zeros(5056), few(16);
  for (const Tensor& bad :
       {Tensor::from(few, {16}), Tensor::from(zeros, {5056}), Tensor::from(std::vector<float>(4), {4}), Tensor()})
    EXPECT_THROW(set_rng_state(bad), Error);
  EXPECT_EQ(rng_state().sha256(), before);
}

// What does not fit.

/// An Adam of one group and a saved state of Adam, as a tree of its own that may be spoiled.
class Misfit : public ::testing::Test {
 protected:
  const Checkpoint file = fixture("2.13");
  Trained run{"Adam", file["optimizers"]["Adam"]["parameters"]};
  Checkpoint spoiled = holding(file["optimizers"]["Adam"]["state"]);
  Value groups = spoiled.root()["param_groups"];
  Value group = groups[0];
  Value state = spoiled.root()["state"];

  /// The findings, as "path: message".
  std::vector<std::string> findings() {
    step(*run.optimizer, run.given);
    const Checkpoint before = holding(state_dict(*run.optimizer));
    std::vector<std::string> found;
    for (const TrainingFinding& one : check_load(*run.optimizer, spoiled.root()).findings)
      if (one.wrong) found.push_back(one.kind + " " + one.path + ": " + one.message);
    EXPECT_THROW(load_into(*run.optimizer, spoiled.root()), Error);
    EXPECT_TRUE(diff(before, holding(state_dict(*run.optimizer))).same) << "something was changed";
    return found;
  }
};

TEST_F(Misfit, AnotherNumberOfGroups) {
  groups.append(Literal::dict());
  EXPECT_THAT(findings(), UnorderedElementsAre("wrong-groups param_groups: has 2 groups, the optimizer has 1"));
}

TEST_F(Misfit, AGroupWithoutParameters) {
  group.set("params", Literal::list());
  EXPECT_THAT(findings(),
              ::testing::Contains(
                  HasSubstr("group-without-parameters param_groups.0.params: is empty: the group has no parameters")));
  group.erase("params");
  EXPECT_THAT(findings(), ::testing::Contains(HasSubstr("group-without-parameters param_groups.0.params: is missing")));
}

TEST_F(Misfit, IdsThatAreTwiceOrNotThere) {
  group.set("params", Literal::list({0, 1, 1}));
  EXPECT_THAT(findings(), UnorderedElementsAre("duplicate-id param_groups.0.params: names parameter 1 a second time"));
  group.set("params", Literal::list({0, 5, 2}));
  EXPECT_THAT(findings(), UnorderedElementsAre("state-of-no-group state.1: belongs to no parameter of any group"));
}

TEST_F(Misfit, NumbersThatAreNone) {
  group.set("lr", std::nan(""));
  group.set("betas", Literal::tuple({0.9, 1.5}));
  group.set("eps", "small");
  group.erase("weight_decay");
  EXPECT_THAT(
      findings(),
      UnorderedElementsAre(HasSubstr("bad-learning-rate param_groups.0.lr: expected a finite number"),
                           HasSubstr("bad-setting param_groups.0.betas"), HasSubstr("bad-setting param_groups.0.eps"),
                           "missing-entry param_groups.0.weight_decay: is missing"));
}

TEST_F(Misfit, StatesThatAreIncompleteOrOfAnotherShape) {
  Value first = state[0], second = state[1];
  first.set("exp_avg", Tensor::from(std::vector<float>{1, 2}, {2}));
  first.set("step", 1.5);
  second.erase("exp_avg_sq");
  second.set("exp_avg", "text");
  EXPECT_THAT(findings(),
              UnorderedElementsAre(
                  HasSubstr("wrong-shape state.0.exp_avg: has shape [2], the optimizer's parameter asks for [2, 3]"),
                  HasSubstr("bad-step state.0.step"), "missing-entry state.1.exp_avg_sq: is missing",
                  HasSubstr("wrong-entry state.1.exp_avg:")));
}

TEST_F(Misfit, AmsgradWithoutItsMaximum) {
  group.set("amsgrad", true);
  EXPECT_THAT(findings(), UnorderedElementsAre("missing-entry state.0.max_exp_avg_sq: is missing",
                                               "missing-entry state.1.max_exp_avg_sq: is missing"));
}

TEST_F(Misfit, WhatCppCannotDoUnlessAllowed) {
  group.set("maximize", true);
  EXPECT_THAT(findings(), UnorderedElementsAre(
                              "unsupported-setting param_groups.0.maximize: is True: C++ optimizers only minimize"));
  const OptimizerExtras extras = load_into(*run.optimizer, spoiled.root(), {.ignore_settings = true});
  EXPECT_TRUE(state_dict(*run.optimizer, extras)["param_groups"][0]["maximize"].as_bool());
}

TEST_F(Misfit, WhatContainsItself) {
  Value first = state[0];
  first.set("history", Literal::list({state}));
  Value history = first["history"];
  history.append(history);
  EXPECT_THAT(findings(), UnorderedElementsAre("cycle state.0.history.0: leads back to what contains it"));
}

TEST_F(Misfit, OtherThings) {
  state.set(0, 7);
  EXPECT_THAT(findings(), UnorderedElementsAre("wrong-state state.0: expected a dict, found 7"));
  groups.append(group);
  EXPECT_THAT(findings(), ::testing::Contains(HasSubstr("wrong-groups")));
  spoiled.root().set("param_groups", "none");
  EXPECT_THAT(findings(), UnorderedElementsAre(HasSubstr("no-groups param_groups: expected a list")));
  spoiled.set_root(Literal::list());
  EXPECT_THAT(findings(), UnorderedElementsAre(HasSubstr("wrong-state : expected an optimizer's state_dict")));
}

TEST_F(Misfit, LongTextsAreCutBetweenCharacters) {
  std::string text;
  for (int at = 0; at < 40; ++at) text += "é";
  group.set("eps", text);
  const std::string shown = findings().at(0).substr(findings().at(0).find("found ") + 6);
  EXPECT_EQ(shown, "'" + text.substr(0, 58) + "…");
}

TEST_F(Misfit, AnotherNumberOfParameters) {
  group.set("params", Literal::list({0, 1}));
  EXPECT_THAT(findings(), UnorderedElementsAre(
                              "wrong-parameters param_groups.0.params: has 2 parameters, the optimizer's group has 3"));
}

TEST_F(Misfit, AnotherOptimizer) {
  spoiled.set_root(file["optimizers"]["SGD momentum"]["state"]);
  EXPECT_THAT(findings(),
              UnorderedElementsAre("other-optimizer param_groups.0: this is the state of SGD, not of Adam"));
}

TEST_F(Misfit, TheErrorTellsAllOfIt) {
  group.set("lr", -1);
  state.set(7, Literal::dict());
  try {
    load_into(*run.optimizer, spoiled.root());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_THAT(error.what(), ::testing::AllOf(HasSubstr("2 findings, nothing was changed"),
                                               HasSubstr("param_groups.0.lr"), HasSubstr("[bad-learning-rate]"),
                                               HasSubstr("state.7"), HasSubstr("[state-of-no-group]")));
  }
}

TEST_F(Misfit, ASchedulersStateOfAnotherKind) {
  StepLR scheduler(*run.optimizer, 5, 0.25);
  EXPECT_THROW(scheduler.load_state_dict(file["schedulers"]["ExponentialLR"]["state"]), Error);
  Checkpoint two_rates = holding(file["schedulers"]["StepLR"]["state"]);
  EXPECT_THROW(scheduler.load_state_dict(two_rates.root()), Error) << "two groups' rates for an optimizer of one";
  EXPECT_EQ(scheduler.state_dict()["step_size"].as_int(), 5);
  EXPECT_EQ(scheduler.last_epoch(), 0);
}

// Forms that older and other files have.

TEST_F(Misfit, IdsOfOldFilesAndNamesAreMappedByTheirOrder) {
  const Literal first = state[0], second = state[1];
  state.erase("0");
  spoiled["state"] = Literal::dict({{140234567890123, first}, {"net.bias", second}});
  group.set("params", Literal::list({140234567890123, "net.bias", 140234567890999}));
  load_into(*run.optimizer, spoiled.root());
  const Value back = state_dict(*run.optimizer);
  EXPECT_EQ(back["state"][1]["exp_avg"].as_tensor().sha256(),
            file["optimizers"]["Adam"]["state"]["state"][1]["exp_avg"].as_tensor().sha256());
}

TEST_F(Misfit, StepsComeAsIntsFloatsAndTensors) {
  for (const Literal& three : {Literal(3), Literal(3.0), Literal(Tensor::from(std::vector<std::int64_t>{3}, {1})),
                               Literal(Tensor::from(std::vector<float>{3}, {1}))}) {
    Value first = state[0];
    first.set("step", three);
    load_into(*run.optimizer, spoiled.root());
    const Tensor step = state_dict(*run.optimizer)["state"][0]["step"].as_tensor();
    EXPECT_EQ(step.dim(), 0);
    EXPECT_EQ(step.item<float>(), 3.0f);
  }
}

TEST_F(Misfit, StateIsCastToTheParametersDtypeAndCopied) {
  Trained doubles("Adam", file["optimizers"]["Adam"]["parameters"]);
  std::vector<at::Tensor> given;
  for (const at::Tensor& one : doubles.given) given.push_back(one.detach().to(at::kDouble).set_requires_grad(true));
  torch::optim::Adam optimizer(given);
  load_into(optimizer, spoiled.root());
  const Value back = state_dict(optimizer);
  EXPECT_EQ(back["state"][0]["exp_avg"].as_tensor().dtype(), DType::float64);
  EXPECT_EQ(back["state"][0]["step"].as_tensor().dtype(), DType::float32);
  step(optimizer, given);  // writes into the state: it is memory of its own
}

// From C++ first.

TEST(FreshTraining, HasTheKeysOfPython) {
  const Checkpoint file = fixture("2.13");
  for (const auto& [key, saved] : file["optimizers"].items()) {
    const std::string name(key.as_str());
    SCOPED_TRACE(name);
    Trained run(saved["class"].as_str(), saved["parameters"]);
    const Value group = state_dict(*run.optimizer)["param_groups"][0];
    const Value python = saved["state"]["param_groups"][0];
    std::vector<std::string> ours, theirs;
    for (const auto& [setting, value] : group.items()) ours.emplace_back(setting.as_str());
    for (const auto& [setting, value] : python.items())
      if (setting.as_str() != "label") theirs.emplace_back(setting.as_str());
    EXPECT_EQ(ours, theirs);
  }
}

TEST(FreshTraining, SavesModelOptimizerSchedulerAndNumbersInOneCall) {
  torch::nn::Sequential model(torch::nn::Linear(2, 3), torch::nn::BatchNorm1d(3));
  torch::optim::Adam optimizer(model->parameters(), torch::optim::AdamOptions(0.5));
  StepLR scheduler(optimizer, 2);
  const Checkpoint made = training_checkpoint({{"model", model},
                                               {"optimizer", optimizer},
                                               {"scheduler", scheduler},
                                               {"rng_state", rng_state()},
                                               {"loss", at::ones({})},
                                               {"epoch", 3},
                                               {"note", "text"}});
  EXPECT_EQ(made["epoch"].as_int(), 3);
  EXPECT_EQ(made["note"].as_str(), "text");
  EXPECT_EQ(made["model"]["0.weight"].as_tensor().numel(), 6u);
  EXPECT_EQ(made.root()["scheduler"]["base_lrs"][0].as_float(), 0.5);
  EXPECT_EQ(made["rng_state"].as_tensor().numel(), 5056u);

  const auto folder = std::filesystem::temp_directory_path() / ("sconce-training-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const std::string path = (folder / "run.pt").string();
  save(model, optimizer, scheduler, path);
  EXPECT_EQ(load(path).root()["optimizer"]["param_groups"][0]["initial_lr"].as_float(), 0.5);
  save(model, path);
  EXPECT_EQ(load(path).state_dict().size(), 7u);
  std::filesystem::remove_all(folder);
}

TEST(FreshTraining, LibtorchsOwnStepLrCountsFromOneBefore) {
  torch::optim::SGD theirs({at::zeros({1})}, torch::optim::SGDOptions(1)),
      ours({at::zeros({1})}, torch::optim::SGDOptions(1));
  torch::optim::StepLR step_lr(theirs, 2, 0.5);
  StepLR scheduler(ours, 2, 0.5);
  EXPECT_EQ(last_epoch(step_lr), -1);
  step_lr.step();  // what Python's constructor does
  for (int epoch = 1; epoch < 6; ++epoch) {
    step_lr.step();
    scheduler.step();
    EXPECT_EQ(last_epoch(step_lr), scheduler.last_epoch());
    EXPECT_EQ(theirs.param_groups()[0].options().get_lr(), ours.param_groups()[0].options().get_lr()) << epoch;
  }
  set_last_epoch(step_lr, 7);
  EXPECT_EQ(last_epoch(step_lr), 7);
  EXPECT_THROW(set_last_epoch(step_lr, -2), Error);
}

// Outputs.

class Outputs : public ::testing::Test {
 protected:
  void SetUp() override {
    path = (std::filesystem::temp_directory_path() / ("sconce-outputs-" + std::to_string(::getpid()) + ".pt")).string();
    at::NoGradGuard no_grad;
    model->eval();
    input = at::arange(8, at::kFloat).reshape({4, 2});
    output = model->forward(input);
    model->train();
  }
  void TearDown() override { std::filesystem::remove(path); }
  void write(const Literal& root) { save(holding(root), path); }

  std::string path;
  torch::nn::Sequential model{torch::nn::Linear(2, 3), torch::nn::BatchNorm1d(3), torch::nn::Dropout(0.5)};
  at::Tensor input, output;
};

TEST_F(Outputs, TheSameModelPassesInEvalModeAndTrainsOnAfterwards) {
  write(Literal::dict({{"inputs", Literal::list({from_tensor(input)})}, {"outputs", from_tensor(output)}}));
  const OutputReport report = check_outputs(model, path);
  EXPECT_TRUE(report.passed()) << report.to_text();
  EXPECT_EQ(report.outputs.at(0).max_absolute, 0);
  EXPECT_TRUE(model->is_training());
  EXPECT_TRUE(model[1]->as<torch::nn::BatchNorm1d>()->is_training());
}

TEST_F(Outputs, DifferencesAreMeasuredNotThrown) {
  const Literal in = Literal::list({from_tensor(input)});
  write(Literal::dict(
      {{"cases",
        Literal::list(
            {Literal::dict({{"name", "near"}, {"inputs", in}, {"outputs", from_tensor(output + 1e-3)}, {"atol", 1e-2}}),
             Literal::dict({{"name", "far"}, {"inputs", in}, {"outputs", from_tensor(output + 1)}}),
             Literal::dict({{"name", "nan"}, {"inputs", in}, {"outputs", from_tensor(output * std::nan(""))}}),
             Literal::dict({{"name", "shape"}, {"inputs", in}, {"outputs", from_tensor(output.reshape({3, 4}))}}),
             Literal::dict({{"name", "count"},
                            {"inputs", in},
                            {"outputs", Literal::list({from_tensor(output), from_tensor(output)})}}),
             Literal::dict({{"name", "throws"}, {"inputs", from_tensor(at::ones({7}))}, {"outputs", in}})})}}));
  const OutputReport report = check_outputs(model, path);
  ASSERT_EQ(report.outputs.size(), 6u);
  EXPECT_TRUE(report.outputs[0].passed());
  EXPECT_EQ(report.outputs[1].beyond, 12);
  EXPECT_NEAR(report.outputs[1].max_absolute, 1, 1e-5);
  EXPECT_EQ(report.outputs[2].max_absolute, HUGE_VAL);
  for (std::size_t at = 3; at < 6; ++at) EXPECT_FALSE(report.outputs[at].problem.empty());
  EXPECT_FALSE(report.passed());
  EXPECT_THAT(report.to_text(),
              ::testing::AllOf(HasSubstr("near, output 0: ok"), HasSubstr("12 of 12 elements beyond the tolerance")));
}

TEST_F(Outputs, FunctionsOfSeveralTensorsAndTuples) {
  write(Literal::dict({{"inputs", Literal::list({from_tensor(input), from_tensor(input)})},
                       {"outputs", Literal::list({from_tensor(input + input), from_tensor(input * input)})}}));
  EXPECT_TRUE(
      check_outputs([](const at::Tensor& a, const at::Tensor& b) { return std::tuple(a + b, a * b); }, path).passed());
  EXPECT_TRUE(check_outputs(
                  [](const std::vector<at::Tensor>& in) {
                    return std::vector{in[0] + in[1], in[0] * in[1]};
                  },
                  path)
                  .passed());
  EXPECT_FALSE(check_outputs([](const at::Tensor& a) { return a; }, path).passed());
}

TEST_F(Outputs, OfAnotherDtypeAreNoOutputsOfTheModel) {
  write(Literal::dict({{"inputs", from_tensor(input)}, {"outputs", from_tensor(input)}}));
  const auto check = [&](at::ScalarType type) {
    return check_outputs([type](const at::Tensor& in) { return in.to(type); }, path);
  };
  EXPECT_TRUE(check(at::kFloat).passed());
  EXPECT_THAT(check(at::kComplexFloat).to_text(), HasSubstr("is of type ComplexFloat, recorded is Float"));
  EXPECT_FALSE(check(at::kDouble).passed());
}

TEST_F(Outputs, AFileOfAnotherFormIsAnError) {
  write(Literal::dict({{"inputs", Literal::list({"text"})}, {"outputs", from_tensor(output)}}));
  EXPECT_THROW((void)check_outputs(model, path), Error);
  write(Literal::dict({{"inputs", Literal::list()}}));
  EXPECT_THROW((void)check_outputs(model, path), Error);
}

}  // namespace
}  // namespace sconce::libtorch
