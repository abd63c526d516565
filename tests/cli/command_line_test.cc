// What the command says to a wrong command line, and how it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/run_sconce.h"

namespace sconce::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char kModel[] = "torch-2.13/state_dict.zip.pt";

TEST(CommandLine, NamesTheNearestCommand) {
  const Ran ran = run_sconce({"inspec", kModel});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err, "sconce: there is no command \"inspec\"; did you mean sconce inspect?\n");
}

TEST(CommandLine, NamesTheNearestOption) {
  EXPECT_EQ(run_sconce({"inspect", kModel, "--mach=x"}).err,
            "sconce: there is no option --mach; did you mean --match?\n");
  EXPECT_EQ(run_sconce({"inspect", kModel, "--mach=x"}).code, 2);
}

TEST(CommandLine, RefusesWhatTheTableDoesNotAllow) {
  EXPECT_EQ(run_sconce({}).err, "sconce: a command is missing; sconce --help lists them\n");
  EXPECT_EQ(run_sconce({"inspect"}).err,
            "sconce: something is missing behind \"inspect\"; usage: sconce inspect [OPTION]... FILE\n");
  EXPECT_EQ(run_sconce({"inspect", "a", "b"}).err, "sconce: too much: \"b\"; usage: sconce inspect [OPTION]... FILE\n");
  EXPECT_EQ(run_sconce({"inspect", kModel, "--sort", "colour"}).err,
            "sconce: --sort cannot be \"colour\"; one of: tree name size dtype shape\n");
  EXPECT_EQ(run_sconce({"inspect", kModel, "--limit=many"}).err,
            "sconce: --limit wants a whole number, not \"many\"\n");
  EXPECT_EQ(run_sconce({"inspect", kModel, "--json=1"}).code, 2);
  EXPECT_EQ(run_sconce({"inspect", kModel, "--match"}).code, 2);
  EXPECT_EQ(run_sconce({"inspect", kModel, "--depth=1", "--depth=2"}).code, 2);
  EXPECT_EQ(run_sconce({"diff", "-", "-"}).code, 2);
  EXPECT_EQ(run_sconce({"diff", kModel, kModel, "--rtol", "-1"}).code, 2);
}

TEST(CommandLine, SaysErrorsAsJsonToo) {
  const Ran ran = run_sconce({"inspect", "--json", "no.pt"});
  EXPECT_EQ(ran.code, 4);
  EXPECT_EQ(ran.err, "sconce: no.pt: opening the file: No such file or directory; check the path\n");
  EXPECT_EQ(
      ran.out,
      "{\"error\":{\"code\":\"io\",\"message\":\"opening the file: No such file or directory\",\"file\":\"no.pt\","
      "\"offset\":null,\"record\":null,\"key\":null,\"advice\":\"check the path\"}}\n");
  EXPECT_THAT(run_sconce({"inspect", "--json", "--nothing", "x"}).out,
              StartsWith("{\"error\":{\"code\":\"invalid_argument\""));
}

TEST(CommandLine, EscapesWhatItRepeats) {
  EXPECT_THAT(run_sconce({"inspect", "no\n\x1b[2J.pt"}).err, StartsWith("sconce: no\\n\\x1b[2J.pt: "));
}

TEST(CommandLine, TakesOptionsInEveryForm) {
  const std::string expected = run_sconce({"inspect", kModel, "--match", "1.*", "--limit", "2"}).out;
  EXPECT_THAT(expected, HasSubstr("1.weight"));
  EXPECT_EQ(run_sconce({"inspect", "--match=1.*", "--limit=2", kModel}).out, expected);
  EXPECT_EQ(run_sconce({"inspect", "-m", "1.*", "-n2", "--", kModel}).out, expected);
}

TEST(CommandLine, ExplainsItself) {
  EXPECT_THAT(run_sconce({"--version"}).out, StartsWith("sconce "));
  EXPECT_THAT(run_sconce({"--help"}).out, HasSubstr("  convert "));
  const std::string help = run_sconce({"convert", "--help"}).out;
  EXPECT_EQ(run_sconce({"help", "convert"}).out, help);
  EXPECT_THAT(help, HasSubstr("sconce convert model.pt model.safetensors"));
  EXPECT_LT(run_sconce({"convert", "-h"}).out.size(), help.size() / 2);
  EXPECT_EQ(run_sconce({"help", "nothing"}).code, 2);
}

TEST(CommandLine, EndsQuietlyWhereNobodyReads) {
  const TemporaryFolder folder;
  const std::string script = std::string("set -o pipefail; '") + SCONCE_COMMAND + "' inspect " + SCONCE_SOURCE_DIR +
                             "/tests/fixtures/" + kModel + " --json 2>'" + (folder / "err") + "' | true";
  for (int round = 0; round < 5; ++round) {
    EXPECT_EQ(std::system(("bash -c \"" + script + "\"").c_str()), 0);
    EXPECT_EQ(read_file(folder / "err"), "");
  }
}

TEST(CommandLine, SaysThatTheDiskIsFull) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "SKIPPED: there is no /dev/full here";
  const Ran ran = run_sconce({"inspect", kModel}, {.out = "/dev/full"});
  EXPECT_EQ(ran.code, 4);
  EXPECT_EQ(ran.err, "sconce: standard output: writing failed: No space left on device\n");
}

}  // namespace
}  // namespace sconce::test
