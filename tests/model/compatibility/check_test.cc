// Verdicts on real files; that they agree with real PyTorch is what tests/torch/agreement proves.
#include <sconce/check.h>

#include <string>
#include <vector>

#include "io/temporary_folder.h"
#include "model/model_builder.h"

namespace sconce {
namespace {

using test::checkpoint;
using test::error_of;
using test::fixture;
using test::floats;
using test::is_error;
using test::read_file;
using test::TemporaryFolder;
using test::write_file;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr TorchMode kPlain = TorchMode::plain;
constexpr TorchMode kWeightsOnly = TorchMode::weights_only;
constexpr TorchMode kMmap = TorchMode::mmap;
constexpr TorchMode kLibtorch = TorchMode::libtorch;

TorchVerdict verdict(const CheckReport& report, TorchVersion version, TorchMode mode) {
  const TorchVerdict* found = report.find(version, mode);
  EXPECT_NE(found, nullptr);
  return found == nullptr ? TorchVerdict() : *found;
}

/// The releases that open it in a mode: "1.5 to 2.14", or "" where none does.
std::string opened_by(const CheckReport& report, TorchMode mode) {
  std::vector<TorchVersion> opens;
  for (const TorchVersion version : known_torch_versions())
    if (verdict(report, version, mode).opens) opens.push_back(version);
  return opens.empty() ? "" : to_string(opens.front()) + " to " + to_string(opens.back());
}

TEST(TorchVersion, IsReadAsPeopleWriteIt) {
  EXPECT_EQ(torch_version_from_text("2.6"), (TorchVersion{2, 6}));
  EXPECT_EQ(torch_version_from_text("torch==1.13.1"), (TorchVersion{1, 13}));
  EXPECT_EQ(torch_version_from_text("1.7.0a0"), (TorchVersion{1, 7}));
  EXPECT_EQ(torch_version_from_text("2.13.0+cpu"), (TorchVersion{2, 13}));
  EXPECT_EQ(to_string(TorchVersion{1, 13}), "1.13");
  for (const char* const wrong : {"", "2", "2.", "two", "torch==", "2.x", "-1.2", "2.6 beta"})
    EXPECT_THAT(error_of([&] { (void)torch_version_from_text(wrong); }),
                is_error(ErrorCode::invalid_argument, "no version of PyTorch"))
        << wrong;
}

TEST(Check, JudgesEveryReleaseInEveryMode) {
  const CheckReport report = check(fixture("torch-2.13/dtypes.zip.pt"));
  EXPECT_THAT(known_torch_versions(), SizeIs(30));
  ASSERT_THAT(report.verdicts, SizeIs(4 * 30));
  EXPECT_EQ(report.verdicts.front().version, (TorchVersion{0, 4}));
  EXPECT_EQ(report.verdicts.back().version, (TorchVersion{2, 14}));
  EXPECT_EQ(report.verdicts[3].mode, kLibtorch);
  EXPECT_FALSE(verdict(report, {1, 13}, kPlain).by_source);
  EXPECT_FALSE(verdict(report, {2, 13}, kLibtorch).by_source);
  EXPECT_TRUE(verdict(report, {2, 6}, kLibtorch).by_source) << "no C++ of 2.6 was run";
  EXPECT_TRUE(verdict(report, {2, 3}, kPlain).by_source);
  EXPECT_EQ(report.find({3, 0}, kPlain), nullptr);
  for (const TorchVerdict& one : report.verdicts) {
    EXPECT_TRUE(one.opens || !one.why.empty()) << "a refusal says why";
    EXPECT_TRUE(!one.opens || one.message.empty()) << "PyTorch says nothing where it opens";
  }
}

TEST(Check, TheStateDictOfTodayOpensInPythonSince1_5AndInNoCpp) {
  const CheckReport report = check(fixture("torch-2.13/state_dict.zip.pt"));
  EXPECT_EQ(report.format, "pytorch-zip");
  EXPECT_EQ(opened_by(report, kPlain), "1.5 to 2.14");
  EXPECT_EQ(opened_by(report, kWeightsOnly), "1.13 to 2.14");
  EXPECT_EQ(opened_by(report, kMmap), "2.1 to 2.14");
  EXPECT_EQ(opened_by(report, kLibtorch), "");
  EXPECT_THAT(verdict(report, {2, 13}, kLibtorch).why, HasSubstr("OrderedDict"));
  EXPECT_THAT(verdict(report, {1, 12}, kWeightsOnly).why, HasSubstr("came with 1.13"));
  EXPECT_THAT(verdict(report, {2, 0}, kMmap).why, HasSubstr("came with 2.1"));
}

TEST(Check, TheStreamOfBefore1_6OpensEverywhereButMapped) {
  const CheckReport report = check(fixture("torch-1.7/dtypes.legacy.pt"));
  EXPECT_EQ(opened_by(report, kWeightsOnly), "1.13 to 2.14");
  EXPECT_EQ(opened_by(report, kMmap), "");
  EXPECT_THAT(verdict(report, {2, 13}, kMmap).message,
              StartsWith("RuntimeError: mmap can only be used with files saved"));
  EXPECT_EQ(opened_by(report, kPlain), "1.3 to 2.14") << "bfloat16 came with 1.3";
}

TEST(Check, SaysWhatPyTorchWouldSay) {
  const CheckReport floating = check(fixture("torch-1.13/optimizer_state.zip.pt"));
  EXPECT_EQ(opened_by(floating, kWeightsOnly), "2.1 to 2.14");
  EXPECT_EQ(verdict(floating, {1, 13}, kWeightsOnly).message, "Unsupported operand 71");

  const CheckReport young = check(fixture("torch-2.13/new_dtypes.zip.pt"));
  EXPECT_EQ(opened_by(young, kPlain), "2.3 to 2.14");
  EXPECT_THAT(verdict(young, {1, 13}, kPlain).message, HasSubstr("Can't get attribute '_rebuild_tensor_v3'"));

  const CheckReport classes = check(fixture("torch-2.13/objects.zip.pt"));
  EXPECT_EQ(opened_by(classes, kWeightsOnly), "");
  const TorchVerdict refused = verdict(classes, {2, 13}, kWeightsOnly);
  EXPECT_THAT(refused.message, StartsWith("Unsupported global: GLOBAL argparse.Namespace"));
  EXPECT_THAT(refused.why, HasSubstr("lab_classes.Holder")) << "all of them, not only the first";
}

TEST(Check, SaysWhatIsToBeKnownWhereItOpens) {
  const CheckReport numpy = check(fixture("torch-2.13/numpy_values.zip.pt"));
  EXPECT_TRUE(verdict(numpy, {1, 13}, kPlain).opens);
  EXPECT_THAT(verdict(numpy, {1, 13}, kPlain).why, HasSubstr("NumPy 1.26"));
  const CheckReport several = check(fixture("torch-2.13/several.legacy.pt"));
  EXPECT_THAT(verdict(several, {2, 13}, kPlain).why, HasSubstr("several objects"));
  const CheckReport cuda = check(fixture("torch-2.13/on_cuda.zip.pt"));
  EXPECT_THAT(verdict(cuda, {2, 13}, kPlain).why, HasSubstr("map_location"));
}

TEST(Check, JudgesWhatSconceDoesNotRead) {
  const CheckReport program = check(fixture("zip/torchscript.pt"));
  EXPECT_EQ(program.format, "torchscript");
  EXPECT_EQ(opened_by(program, kPlain), "1.5 to 2.14");
  EXPECT_EQ(opened_by(program, kWeightsOnly), "1.13 to 2.5") << "refused since 2.6";
  EXPECT_TRUE(verdict(program, {2, 13}, kLibtorch).opens);
  EXPECT_THAT(program.advice, Contains(HasSubstr("torch.jit.load")));

  const TemporaryFolder folder;
  write_file(folder / ".metadata", "pickle");
  const CheckReport distributed = check(folder.path());
  EXPECT_EQ(distributed.format, "dcp");
  EXPECT_EQ(opened_by(distributed, kPlain), "");
  EXPECT_THAT(verdict(distributed, {2, 13}, kPlain).why, HasSubstr("torch.distributed.checkpoint"));
}

TEST(Check, SafetensorsAreForTheirNameAndTheNewest) {
  const CheckReport report = check(fixture("safetensors/every_dtype.safetensors"));
  EXPECT_EQ(opened_by(report, kPlain), "2.13 to 2.14");
  const TemporaryFolder folder;
  write_file(folder / "model.bin", read_file(fixture("safetensors/every_dtype.safetensors")));
  EXPECT_EQ(opened_by(check(folder / "model.bin"), kPlain), "") << "recognised by its name only";
}

TEST(Check, RefusesWhatIsNoModelAndWhatIsDamaged) {
  const TemporaryFolder folder;
  write_file(folder / "page.pt", "<!DOCTYPE html><html></html>");
  EXPECT_EQ(error_of([&] { (void)check(folder / "page.pt"); }).code(), ErrorCode::unsupported);
  const std::string whole = read_file(fixture("torch-2.13/dtypes.zip.pt"));
  write_file(folder / "half.pt", whole.substr(0, whole.size() / 2));
  EXPECT_EQ(error_of([&] { (void)check(folder / "half.pt"); }).code(), ErrorCode::truncated);
  EXPECT_EQ(error_of([&] { (void)check(folder / "none.pt"); }).code(), ErrorCode::io);
}

TEST(Check, JudgesACheckpointInMemoryAsSaveWouldWriteIt) {
  const CheckReport report = check(checkpoint({{"weight", floats({1, 2})}, {"epoch", 3}}));
  EXPECT_EQ(report.format, "pytorch-zip");
  EXPECT_EQ(opened_by(report, kPlain), "1.5 to 2.14");
  EXPECT_EQ(opened_by(report, kWeightsOnly), "1.13 to 2.14");
  EXPECT_EQ(opened_by(report, kLibtorch), "1.5 to 2.14");
  const CheckReport rate = check(checkpoint({{"weight", floats({1, 2})}, {"lr", 0.5}}));
  EXPECT_EQ(opened_by(rate, kWeightsOnly), "2.1 to 2.14") << "a float";
}

TEST(CheckCode, ListsWhatMustBeImportableWithItsHistory) {
  const CheckReport report = check(fixture("torch-2.13/objects.zip.pt"));
  std::vector<std::string> names;
  for (const CodeNeed& need : report.code) names.push_back(need.name);
  EXPECT_THAT(names, ElementsAre("argparse.Namespace", "lab_classes.Holder", "lab_classes.Slots", "datetime.datetime"));
  EXPECT_EQ(report.code[0].history, "part of Python");
  EXPECT_EQ(report.code[1].package, "lab_classes");
  EXPECT_FALSE(report.code[1].part_of_torch);
  EXPECT_THAT(check(fixture("torch-2.13/state_dict.zip.pt")).code, IsEmpty()) << "OrderedDict and tensors need no code";
}

TEST(CheckCode, KnowsWhereClassesOfTorchWent) {
  // A module as 1.7 pickles it: {"m": torch.nn.modules.linear._LinearWithBias.__new__()}.
  const TemporaryFolder folder;
  const std::string head("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.",
                         15 + 6 + 4);
  write_file(folder / "old.pt", head + "\x80\x02}X\x01" + std::string(3, '\0') +
                                    "mctorch.nn.modules.linear\n_LinearWithBias\n)\x81}bs.\x80\x02].");
  const CheckReport report = check(folder / "old.pt");
  EXPECT_EQ(opened_by(report, kPlain), "1.4 to 1.8");
  EXPECT_THAT(verdict(report, {2, 13}, kPlain).message, HasSubstr("Can't get attribute '_LinearWithBias'"));
  ASSERT_THAT(report.code, SizeIs(1));
  EXPECT_TRUE(report.code[0].part_of_torch);
  EXPECT_THAT(report.code[0].history, HasSubstr("NonDynamicallyQuantizableLinear since 1.9"));
  EXPECT_THAT(report.code[0].versions_without, Contains("2.13"));
}

TEST(CheckDevices, SaysWhatAMachineNeeds) {
  const DeviceNeeds needs = check(fixture("demo/gpu_run.ckpt")).devices;
  EXPECT_THAT(needs.saved_on, ElementsAre("cuda:0"));
  EXPECT_TRUE(needs.map_location_needed);
  EXPECT_GT(needs.weights, 0U);
  EXPECT_GT(needs.optimizer, 0U);
  EXPECT_LE(needs.weights + needs.optimizer, needs.everything);
  EXPECT_EQ(needs.one_gpu, needs.weights);
  EXPECT_LT(needs.two_gpus, needs.one_gpu);
  EXPECT_GE(2 * needs.two_gpus, needs.one_gpu);
  EXPECT_FALSE(check(fixture("torch-2.13/dtypes.zip.pt")).devices.map_location_needed);
}

TEST(CheckDevices, CutsBetweenModulesOnly) {
  // Three blocks of 400, 800 and 400 bytes: the best cut leaves 1200 on one side.
  const CheckReport report = check(checkpoint({{"layers.0.weight", floats(std::vector<float>(60))},
                                               {"layers.0.bias", floats(std::vector<float>(40))},
                                               {"layers.1.weight", floats(std::vector<float>(200))},
                                               {"head.weight", floats(std::vector<float>(100))}}));
  EXPECT_EQ(report.devices.one_gpu, 1600U);
  EXPECT_EQ(report.devices.two_gpus, 1200U);
}

}  // namespace
}  // namespace sconce
