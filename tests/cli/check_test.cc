#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/run_sconce.h"

namespace sconce::test {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(CheckCommand, PrintsATableAndEachReasonOnce) {
  const Ran ran = run_sconce({"check", "torch-2.13/state_dict.zip.pt"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, StartsWith("torch-2.13/state_dict.zip.pt: pytorch-zip\n\n"
                                  "PyTorch       plain         weights_only  mmap          libtorch\n"
                                  "0.4 to 1.3    no (1)        no (2)        no (3)        no (4)\n"));
  EXPECT_THAT(ran.out, HasSubstr("\n2.1 to 2.14   yes           yes           yes           no (7)\n"));
  EXPECT_THAT(ran.out, HasSubstr("\n  (2) weights_only came with 1.13\n"));
  EXPECT_THAT(ran.out, HasSubstr("\nMemory    weights "));
}

TEST(CheckCommand, ForOnePyTorchTheExitCodeIsTheAnswer) {
  const char* const kFile = "torch-1.13/optimizer_state.zip.pt";
  EXPECT_EQ(run_sconce({"check", kFile, "--for", "torch==1.13"}).code, 0);
  const Ran refused = run_sconce({"check", kFile, "--for", "torch==1.13", "--weights-only"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.out, AllOf(StartsWith("PyTorch 1.13, weights_only: does not open: "), HasSubstr("BINFLOAT"),
                                 EndsWith("Unsupported operand 71\n")));
  EXPECT_EQ(run_sconce({"check", kFile, "--for", "2.6", "--weights-only", "--mmap"}).code, 0);
  EXPECT_EQ(run_sconce({"check", kFile, "--for", "2.0", "--mmap"}).code, 1);
  EXPECT_EQ(run_sconce({"check", "torch-2.13/dtypes.zip.pt", "--for", "2.13.1", "--libtorch"}).code, 0);
  EXPECT_THAT(run_sconce({"check", kFile, "--for", "3.1"}).out, HasSubstr("judged as 2.14, the newest that is known"));
  const Ran quiet = run_sconce({"check", kFile, "--for", "1.13", "-q"});
  EXPECT_EQ(quiet.out, "");
}

TEST(CheckCommand, JsonIsTheTableAndMore) {
  const Ran ran = run_sconce({"check", "torch-2.13/objects.zip.pt", "--json"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(
      ran.out,
      StartsWith("{\"format\":\"pytorch-zip\",\"targets\":[{\"pytorch\":\"0.4\",\"mode\":\"plain\",\"opens\":false,"
                 "\"why\":\""));
  EXPECT_THAT(ran.out,
              HasSubstr("{\"pytorch\":\"2.13\",\"mode\":\"plain\",\"opens\":true,\"why\":null,\"message\":null,"
                        "\"by_source\":false}"));
  EXPECT_THAT(ran.out, HasSubstr("\"devices\":{\"saved_on\":[\"cpu\"],\"map_location_needed\":false,"));
  EXPECT_THAT(ran.out, HasSubstr("\"code\":[{\"name\":\"argparse.Namespace\",\"package\":\"argparse\","
                                 "\"part_of_torch\":false,\"history\":\"part of Python\",\"versions_without\":[]}"));
  const Ran one = run_sconce({"check", "torch-2.13/objects.zip.pt", "--for", "2.13", "--json"});
  EXPECT_THAT(
      one.out,
      StartsWith("{\"format\":\"pytorch-zip\",\"targets\":[{\"pytorch\":\"2.13\",\"mode\":\"plain\",\"opens\":true,"));
  EXPECT_THAT(one.out, Not(HasSubstr("\"pytorch\":\"2.6\"")));
}

TEST(CheckCommand, SaysWhetherTheModelFits) {
  EXPECT_THAT(run_sconce({"check", "demo/gpu_run.ckpt", "--gpu-memory", "24GiB"}).out,
              HasSubstr(": fits into 24.0 GiB"));
  EXPECT_THAT(run_sconce({"check", "demo/gpu_run.ckpt", "--gpu-memory", "1KiB"}).out,
              AllOf(HasSubstr(": does not fit into 1.00 KiB"), HasSubstr("map_location=\"cpu\"")));
}

TEST(CheckCommand, ExitCodes) {
  EXPECT_EQ(run_sconce({"check", "zip/torchscript.pt"}).code, 0) << "a model file, although Sconce does not read it";
  EXPECT_EQ(run_sconce({"check", "-"}, {.in = SCONCE_SOURCE_DIR "/tests/fixtures/zip/torchscript.pt"}).code, 0);
  EXPECT_EQ(run_sconce({"check", "-"}, {.in = SCONCE_SOURCE_DIR "/tests/fixtures/README.md"}).code, 5);
  EXPECT_EQ(run_sconce({"check", "README.md"}).code, 5);
  EXPECT_EQ(run_sconce({"check", "no such file"}).code, 4);
  EXPECT_EQ(run_sconce({"check", "demo/gpu_run.ckpt", "--for", "0.3"}).code, 2);
  EXPECT_EQ(run_sconce({"check", "demo/gpu_run.ckpt", "--for", "new"}).code, 2);
  EXPECT_EQ(run_sconce({"check", "demo/gpu_run.ckpt", "--mmap"}).code, 2) << "of which PyTorch?";
  EXPECT_EQ(run_sconce({"check", "demo/gpu_run.ckpt", "--for", "2.6", "--libtorch", "--mmap"}).code, 2);
}

}  // namespace
}  // namespace sconce::test
