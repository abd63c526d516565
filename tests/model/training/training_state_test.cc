// What real PyTorch saved besides weights, as it is found again. tests/fixtures/training/make.py made the files.
#include <sconce/training.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "model/model_builder.h"

namespace sconce {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

std::string file(const std::string& name) { return test::fixture("training/" + name); }
TrainingState state_of(const std::string& name) { return training_state(load(file(name))); }

const TrainingPart& part(const TrainingState& state, const std::string& path) {
  const auto found = std::ranges::find(state.parts, path, &TrainingPart::path);
  if (found != state.parts.end()) return *found;
  ADD_FAILURE() << "no part at " << path;
  static const TrainingPart none;
  return none;
}

std::vector<std::string> names_of(const OptimizerState& optimizer) {
  std::vector<std::string> names;
  for (const ParameterState& parameter : optimizer.parameters) names.push_back(parameter.name);
  return names;
}

std::map<std::string, std::string> texts(const std::vector<std::pair<std::string, Value>>& values) {
  std::map<std::string, std::string> result;
  for (const auto& [name, value] : values) result[name] = value.is_tensor() ? "tensor" : value.to_text();
  return result;
}

const std::vector<std::string> kNet = {"conv.weight", "conv.bias", "bn.weight", "bn.bias", "fc.weight", "fc.bias"};

// A whole run, of three PyTorches.

class WholeRun : public testing::TestWithParam<const char*> {};

TEST_P(WholeRun, ShowsEveryPartForWhatItIs) {
  const TrainingState state = state_of(std::string(GetParam()) + "/whole.pt");
  EXPECT_EQ(state.layout, "torchvision's references");
  EXPECT_THAT(state.layout_evidence, HasSubstr("\"lr_scheduler\""));
  EXPECT_EQ(part(state, "model").kind, PartKind::model);
  EXPECT_EQ(part(state, "model").tensors, 9U);
  EXPECT_EQ(part(state, "model").what, "state_dict of 9 tensors");
  EXPECT_EQ(part(state, "model_ema").kind, PartKind::ema);
  EXPECT_EQ(part(state, "optimizer").kind, PartKind::optimizer);
  EXPECT_THAT(part(state, "optimizer").what, HasSubstr("SGD"));
  EXPECT_EQ(part(state, "optimizer").by, KnownBy::layout);
  EXPECT_EQ(part(state, "lr_scheduler").what, "StepLR");
  EXPECT_EQ(part(state, "scaler").what, "GradScaler");
  EXPECT_THAT(part(state, "rng_state").what, HasSubstr("Python"));
  EXPECT_THAT(part(state, "rng_state").what, HasSubstr("torch"));
  EXPECT_EQ(part(state, "args").kind, PartKind::hyper_parameters);
  EXPECT_THAT(state.findings, IsEmpty());
  EXPECT_TRUE(state.has_training());
}

TEST_P(WholeRun, ShowsHowFarItWasAndWithWhichSettings) {
  const TrainingState state = state_of(std::string(GetParam()) + "/whole.pt");
  EXPECT_THAT(texts(state.progress),
              ElementsAre(Pair("best_acc", "tensor"), Pair("epoch", "7"), Pair("global_step", "1400")));
  const auto settings = texts(state.hyper_parameters);
  EXPECT_EQ(settings.at("args.lr"), "0.1");
  EXPECT_EQ(settings.at("args.batch_size"), "32");
  EXPECT_TRUE(settings.contains("args.milestones"));
}

TEST_P(WholeRun, GivesParametersTheirNames) {
  const TrainingState state = state_of(std::string(GetParam()) + "/whole.pt");
  ASSERT_EQ(state.optimizers.size(), 1U);
  const OptimizerState& optimizer = state.optimizers[0];
  EXPECT_EQ(names_of(optimizer), kNet);  // and none for running_mean, which is a buffer
  EXPECT_EQ(optimizer.named_by, "order");
  EXPECT_EQ(optimizer.parameters[0].shape, (std::vector<std::int64_t>{2, 1, 3, 3}));
  EXPECT_EQ(optimizer.parameters[0].device, "cpu");
  EXPECT_EQ(state.bytes_of(PartKind::optimizer), state.bytes_of(PartKind::model) - (2 + 2) * 4 - 8);
}

TEST_P(WholeRun, KnowsSchedulersByTheirState) {
  const TrainingState state = state_of(std::string(GetParam()) + "/schedulers.pt");
  const std::map<std::string, std::string> known = {{"cosine", "CosineAnnealingLR"},
                                                    {"plateau", "ReduceLROnPlateau"},
                                                    {"multistep", "MultiStepLR"},
                                                    {"onecycle", "OneCycleLR"},
                                                    {"restarts", "CosineAnnealingWarmRestarts"},
                                                    {"exponential", "ExponentialLR"},
                                                    {"lambda", "LambdaLR or MultiplicativeLR"}};
  for (const auto& [name, what] : known) {
    EXPECT_EQ(part(state, "schedulers." + name).what, what);
    EXPECT_EQ(part(state, "schedulers." + name).kind, PartKind::scheduler);
  }
}

TEST_P(WholeRun, TellsAlgorithmsApart) {
  const std::string version = GetParam();
  const TrainingState state = state_of(version + "/algorithms.pt");
  const bool old = version == "torch-1.7";
  const std::map<std::string, std::string> known = {{"sgd", "SGD"},
                                                    {"sgd_plain", "SGD"},
                                                    {"adam", old ? "Adam or AdamW" : "Adam"},
                                                    {"adam_amsgrad", old ? "Adam or AdamW" : "Adam"},
                                                    {"adamw", old ? "Adam or AdamW" : "AdamW"},
                                                    {"rmsprop", "RMSprop"},
                                                    {"adagrad", "Adagrad"},
                                                    {"adadelta", "Adadelta"},
                                                    {"adamax", "Adamax"},
                                                    {"asgd", "ASGD"},
                                                    {"rprop", "Rprop"},
                                                    {"lbfgs", "LBFGS"},
                                                    {"nadam", "NAdam"},
                                                    {"radam", "RAdam"},
                                                    {"adafactor", "Adafactor"},
                                                    {"named", "AdamW"}};
  EXPECT_GE(state.optimizers.size(), 12U);
  for (const OptimizerState& optimizer : state.optimizers) {
    const std::string name = optimizer.path.substr(std::string("optimizers.").size());
    EXPECT_EQ(optimizer.algorithm, known.at(name)) << name;
    EXPECT_TRUE(optimizer.algorithm_inferred);
    EXPECT_FALSE(optimizer.algorithm_evidence.empty());
    EXPECT_THAT(names_of(optimizer), ElementsAre("weight", "bias")) << name;
    EXPECT_EQ(optimizer.named_by, name == "named" ? "names in the groups" : "order") << name;
    // Two steps were made: an int or a tensor says so; SGD counts none, and LBFGS its iterations.
    if (!name.starts_with("sgd") && name != "lbfgs") {
      EXPECT_EQ(optimizer.parameters[0].step, 2.0) << name;
    }
  }
  EXPECT_THAT(state.findings, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(TrainingState, WholeRun, testing::Values("torch-1.7", "torch-1.13", "torch-2.13"));

// Layouts of trainers.

TEST(TrainingLayouts, AreKnownByKeysThatOnlyTheyWrite) {
  const std::map<std::string, std::string> known = {{"tutorial.pt", "PyTorch's tutorial"},
                                                    {"lightning.ckpt", "Lightning 2.1.0"},
                                                    {"timm.pth.tar", "timm"},
                                                    {"mmengine.pth", "MMEngine 0.10.3"},
                                                    {"fairseq.pt", "fairseq"},
                                                    {"megatron.pt", "Megatron-LM 3.0"},
                                                    {"yolo.pt", "Ultralytics 8.1.0"},
                                                    {"random_states_0.pkl", "accelerate"},
                                                    {"rng_state.pth", "HF Trainer"},
                                                    {"optimizer.pt", "HF Trainer"}};
  for (const auto& [name, layout] : known) {
    const TrainingState state = state_of("torch-1.13/" + name);
    EXPECT_EQ(state.layout, layout) << name;
    EXPECT_FALSE(state.layout_evidence.empty()) << name;
    EXPECT_THAT(state.findings, IsEmpty()) << name;
  }
}

TEST(TrainingLayouts, FoundByStructureAreSaidToBe) {
  Checkpoint made = load(file("torch-1.13/tutorial.pt"));
  Checkpoint other;
  other["net_weights"] = made["model_state_dict"].get();
  other["sub"]["solver"] = made["optimizer_state_dict"].get();
  const TrainingState state = training_state(other);
  EXPECT_EQ(state.layout, "");
  EXPECT_EQ(part(state, "net_weights").by, KnownBy::structure);
  EXPECT_EQ(part(state, "sub.solver").kind, PartKind::optimizer);
  EXPECT_EQ(names_of(state.optimizers.at(0)), kNet);
}

TEST(TrainingLayouts, OfLightningHaveLoopsAndHyperParameters) {
  const TrainingState state = state_of("torch-1.13/lightning.ckpt");
  EXPECT_EQ(part(state, "optimizer_states.0").kind, PartKind::optimizer);
  EXPECT_EQ(part(state, "optimizer_states.0").by, KnownBy::layout);
  EXPECT_EQ(part(state, "lr_schedulers.0").what, "ExponentialLR");
  EXPECT_EQ(part(state, "loops").kind, PartKind::progress);
  const auto settings = texts(state.hyper_parameters);
  EXPECT_EQ(settings.at("hyper_parameters.lr"), "0.001");
  EXPECT_EQ(settings.at("hyper_parameters.deep.drop"), "0.1");
  EXPECT_EQ(texts(state.progress).at("global_step"), "2");
}

TEST(TrainingLayouts, OfMegatronHaveMasterWeights) {
  const TrainingState state = state_of("torch-1.13/megatron.pt");
  ASSERT_EQ(state.optimizers.size(), 1U);
  EXPECT_THAT(state.optimizers[0].form, HasSubstr("32-bit master weights"));
  EXPECT_EQ(state.optimizers[0].path, "optimizer");
  EXPECT_EQ(part(state, "opt_param_scheduler").what, "OptimizerParamScheduler (Megatron)");
  EXPECT_EQ(part(state, "model").kind, PartKind::model);
  EXPECT_EQ(state.optimizers[0].parameters[0].name, "language_model.conv.weight");
}

TEST(TrainingLayouts, OfFairseqNameTheOptimizersClass) {
  const TrainingState state = state_of("torch-1.13/fairseq.pt");
  EXPECT_EQ(state.optimizers.at(0).algorithm, "Adam");
  EXPECT_FALSE(state.optimizers.at(0).algorithm_inferred);
  EXPECT_EQ(texts(state.progress).at("extra_state.train_iterator.epoch"), "2");
  EXPECT_EQ(texts(state.progress).at("optimizer_history.0.num_updates"), "2");
}

TEST(TrainingLayouts, OfUltralyticsMayHaveTheModelAsEmaOnly) {
  const TrainingState state = state_of("torch-1.13/yolo.pt");
  EXPECT_EQ(part(state, "ema").kind, PartKind::ema);
  EXPECT_EQ(names_of(state.optimizers.at(0)), kNet);  // a module says which are buffers
}

TEST(TrainingLayouts, OfAdaptersAreNoModels) {
  const TrainingState state = state_of("torch-1.13/adapter_model.bin");
  ASSERT_EQ(state.parts.size(), 1U);
  EXPECT_EQ(state.parts[0].kind, PartKind::adapter);
  EXPECT_EQ(state.parts[0].what, "LoRA of rank 2 on 1 layer");
}

TEST(TrainingLayouts, OfPickledOptimizersNameTheirClassAndTensors) {
  const TrainingState state = state_of("torch-1.13/objects.pt");
  ASSERT_EQ(state.optimizers.size(), 1U);
  EXPECT_EQ(state.optimizers[0].algorithm, "SGD");
  EXPECT_FALSE(state.optimizers[0].algorithm_inferred);
  // The module beside it has the last two of the six; it is the very same tensors.
  EXPECT_EQ(state.optimizers[0].named_by, "the parameters themselves");
  EXPECT_THAT(names_of(state.optimizers[0]), ElementsAre("", "", "", "", "weight", "bias"));
}

TEST(TrainingLayouts, ABareModelHasNothingElse) {
  Checkpoint made;
  made["fc.weight"] = test::floats({1, 2});
  const TrainingState state = training_state(made);
  EXPECT_FALSE(state.has_training());
  ASSERT_EQ(state.parts.size(), 1U);
  EXPECT_EQ(state.parts[0].path, "");
  EXPECT_EQ(state.parts[0].kind, PartKind::model);
}

// Every file that there is: no error, and findings only where something is wrong.

std::vector<std::string> files_below(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path().string());
  std::ranges::sort(files);
  return files;
}

/// Looks at all files that can be read; how many had something to find.
std::size_t look_at(const std::vector<std::string>& files) {
  std::size_t found = 0;
  for (const std::string& name : files) {
    std::optional<Checkpoint> checkpoint;
    try {
      checkpoint = load(name);
    } catch (const Error&) {
      continue;
    }
    const TrainingState state = training_state(*checkpoint);
    found += state.has_training() ? 1U : 0U;
    for (const TrainingFinding& finding : state.findings)
      EXPECT_FALSE(finding.wrong) << name << ": " << finding.path << ": " << finding.message;
  }
  return found;
}

TEST(TrainingState, LooksAtEveryFixture) { EXPECT_GE(look_at(files_below(test::fixture(""))), 20U); }

TEST(TrainingState, LooksAtEveryFileOfTheCorpus) {
  const std::string corpus = std::string(SCONCE_SOURCE_DIR) + "/../shared/corpus";
  if (!std::filesystem::is_directory(corpus))
    GTEST_SKIP() << "SKIPPED: the corpus of real files is not here (../shared/corpus)";
  EXPECT_GE(look_at(files_below(corpus)), 10U);
}

}  // namespace
}  // namespace sconce
