#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "cli/run_sconce.h"

namespace sconce::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char kModel[] = "torch-2.13/state_dict.zip.pt";

TEST(Convert, GoesThroughEveryFormatAndBack) {
  const TemporaryFolder folder;
  const Ran there = run_sconce({"convert", kModel, folder / "m.safetensors"});
  EXPECT_EQ(there.code, 0) << there.err;
  EXPECT_THAT(there.out, StartsWith("wrote "));
  EXPECT_EQ(run_sconce({"convert", folder / "m.safetensors", folder / "old.pt", "--to", "pytorch-legacy"}).code, 0);
  EXPECT_EQ(run_sconce({"convert", folder / "old.pt", folder / "m.pt", "--quiet"}).out, "");
  const Ran same = run_sconce({"diff", kModel, folder / "m.pt"});
  EXPECT_EQ(same.code, 0) << same.out;
  EXPECT_THAT(same.out, StartsWith("the same: 9 tensors, 324 B compared\n"));
}

TEST(Convert, TouchesNoFileThatExists) {
  const TemporaryFolder folder;
  write_file(folder / "m.pt", "mine");
  const Ran ran = run_sconce({"convert", kModel, folder / "m.pt"});
  EXPECT_EQ(ran.code, 4);
  EXPECT_THAT(ran.err, HasSubstr("m.pt: the file exists already; --force replaces it\n"));
  EXPECT_EQ(read_file(folder / "m.pt"), "mine");
  EXPECT_EQ(run_sconce({"convert", kModel, folder / "m.pt", "--force"}).code, 0);
  EXPECT_THAT(folder.names(), testing::ElementsAre("m.pt"));
}

TEST(Convert, WritesToDevicesWithoutForce) { EXPECT_EQ(run_sconce({"convert", kModel, "/dev/null"}).code, 0); }

TEST(Convert, BringsASafetensorsFileBackByteForByte) {
  const TemporaryFolder folder;
  for (const auto& [from, to] : {std::pair<std::string, std::string>{kModel, folder / "m.safetensors"},
                                 {folder / "m.safetensors", folder / "m.pt"},
                                 {folder / "m.pt", folder / "again.safetensors"}}) {
    const Ran ran = run_sconce({"convert", from, to});
    EXPECT_EQ(ran.code, 0) << ran.err;
  }
  EXPECT_EQ(read_file(folder / "again.safetensors"), read_file(folder / "m.safetensors"));
}

TEST(Convert, RefusesWhatWouldExecute) {
  const TemporaryFolder folder;
  write_file(folder / "calls.pkl", kCallingPickle);
  const Ran ran = run_sconce({"convert", folder / "calls.pkl", folder / "m.pt"});
  EXPECT_EQ(ran.code, 3);
  EXPECT_THAT(ran.err, HasSubstr("os.getcwd"));
  EXPECT_THAT(folder.names(), testing::ElementsAre("calls.pkl"));
}

TEST(Convert, ListsWhatIsDropped) {
  const TemporaryFolder folder;
  const Ran refused = run_sconce({"convert", "torch-2.13/objects.zip.pt", folder / "m.safetensors"});
  EXPECT_EQ(refused.code, 5) << refused.err;
  const Ran dropped = run_sconce({"convert", "torch-2.13/objects.zip.pt", folder / "m.safetensors", "--drop"});
  EXPECT_EQ(dropped.code, 0) << dropped.err;
  EXPECT_THAT(dropped.out, HasSubstr("dropped  "));
}

TEST(Convert, WritesToStandardOutput) {
  const TemporaryFolder folder;
  EXPECT_EQ(run_sconce({"convert", kModel, "-"}).code, 2) << "the format is not known";
  const Ran ran = run_sconce({"convert", kModel, "-", "--to", "safetensors"}, {.out = folder / "piped"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, StartsWith("wrote -: safetensors, ")) << "standard output is the model's alone";
  EXPECT_EQ(run_sconce({"convert", kModel, folder / "m.safetensors"}).code, 0);
  EXPECT_EQ(read_file(folder / "piped"), read_file(folder / "m.safetensors"));
}

TEST(Convert, ReportsForPrograms) {
  const TemporaryFolder folder;
  EXPECT_THAT(run_sconce({"convert", "--json", kModel, folder / "m.pt"}).out,
              testing::MatchesRegex(
                  "\\{\"in\":\"torch-2.13/state_dict.zip.pt\",\"out\":\".*m.pt\",\"format\":"
                  "\"pytorch-zip\",\"bytes\":[0-9]+,\"seconds\":.*,\"dropped\":\\[\\],\"notes\":\\[.*\\]\\}\n"));
}

TEST(Convert, RefusesAnAlignmentThatIsNone) {
  const TemporaryFolder folder;
  EXPECT_EQ(run_sconce({"convert", kModel, folder / "m.pt", "--align", "100"}).code, 2);
  EXPECT_THAT(folder.names(), testing::IsEmpty());
}

}  // namespace
}  // namespace sconce::test
