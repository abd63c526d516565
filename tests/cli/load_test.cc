// sconce load and sconce devices: onto the CPU and whatever else is here, and what is said where something is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/run_sconce.h"

namespace sconce::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kRun[] = "demo/gpu_run.ckpt";

TEST(Devices, NamesTheCpuAndWhatIsMissing) {
  const Ran ran = run_sconce({"devices"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(StartsWith("cpu "), HasSubstr(" free")));
  EXPECT_THAT(run_sconce({"devices", "--json"}).out,
              AllOf(StartsWith("{\"devices\":[{\"device\":\"cpu\""), HasSubstr("\"absent\":{")));
}

TEST(Devices, MeasuresCopiesOfAnySize) {
  const Ran ran = run_sconce({"devices", "--measure", "--bytes", "1MiB", "--json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("\"bytes_per_second\":{\"copy_in\":"));
  EXPECT_EQ(run_sconce({"devices", "--measure", "--bytes", "lots"}).code, 2);
}

TEST(Load, OfAGpuFileOnTheCpuNeedsNoFlag) {
  const Ran ran = run_sconce({"load", kRun});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(StartsWith("loaded demo/gpu_run.ckpt: "), HasSubstr("\n  cpu  54 storages")));
}

TEST(Load, TellsTimesAndWays) {
  const Ran ran = run_sconce({"load", kRun, "--device", "cpu", "--time", "--way", "read"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("  open  "), HasSubstr("  way             read"), HasSubstr("  checksums  ")));
}

TEST(Load, PlansWithoutReading) {
  const Ran ran = run_sconce({"load", kRun, "--device", "cpu", "--dry-run", "--json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("\"dry_run\":true"), HasSubstr("\"fits\":true"), HasSubstr("\"checksums\":0")));
}

TEST(Load, ThatWouldNotFitIsAnAnswerOfAPlanAndAFailureOfALoad) {
  const std::vector<std::string> words = {"load", kRun, "--device", "cpu", "--host-memory", "1KiB"};
  std::vector<std::string> plan = words;
  plan.push_back("--dry-run");
  const Ran planned = run_sconce(plan);
  EXPECT_EQ(planned.code, 1);
  EXPECT_THAT(planned.out, HasSubstr("does not fit"));
  const Ran ran = run_sconce(words);
  EXPECT_EQ(ran.code, 4);
  EXPECT_THAT(ran.err, HasSubstr("cpu has 1.00 KiB free"));
}

TEST(Load, OnADeviceThatIsNotHereSaysWhatIs) {
  const Ran ran = run_sconce({"load", kRun, "--device", "cuda:77"});
  EXPECT_EQ(ran.code, 5);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("there is no cuda:77 here"), HasSubstr("devices that are here: cpu")));
}

TEST(Load, RefusesWordsThatAreNoPlace) {
  EXPECT_EQ(run_sconce({"load", kRun, "--device", "gpu"}).code, 2);
  EXPECT_EQ(run_sconce({"load", kRun, "--cast", "everything"}).code, 2);
  EXPECT_EQ(run_sconce({"load", kRun, "--dtype", "float17"}).code, 2);
  EXPECT_EQ(run_sconce({"load", kRun, "--way", "teleport"}).code, 2);
}

TEST(ConvertDtype, IsWhatIsInTheNewFile) {
  const TemporaryFolder folder;
  const Ran ran = run_sconce({"convert", kRun, folder / "half.pt", "--dtype", "float16", "--cast", "*norm*=float64"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("float32 becomes float16"), HasSubstr("becomes float64")));
  const Ran json = run_sconce({"inspect", folder / "half.pt", "--json"});
  EXPECT_THAT(json.out, AllOf(HasSubstr("\"dtype\":\"float16\""), HasSubstr("\"dtype\":\"float64\"")));
  EXPECT_EQ(run_sconce({"verify", folder / "half.pt"}).code, 0);
}

TEST(ConvertDtype, ForTheCpuMakesHalvesFloats) {
  const TemporaryFolder folder;
  const Ran ran = run_sconce({"convert", kRun, folder / "cpu.safetensors", "--for-device", "cpu", "--drop"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("bfloat16 becomes float32"));
  EXPECT_THAT(run_sconce({"inspect", folder / "cpu.safetensors", "--json"}).out,
              testing::Not(HasSubstr("\"dtype\":\"bfloat16\"")));
}

TEST(ConvertDtype, OfDoublesThatAreNoHalvesCountsThem) {
  const TemporaryFolder folder;
  const Ran ran = run_sconce({"convert", kRun, folder / "tiny.pt", "--dtype", "float8_e4m3fn"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("became zero"));
}

}  // namespace
}  // namespace sconce::test
