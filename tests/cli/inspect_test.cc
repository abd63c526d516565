// What inspect prints, to the letter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/run_sconce.h"

namespace sconce::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kModel[] = "torch-2.13/state_dict.zip.pt";

TEST(Inspect, ShowsATableToPeople) {
  const Ran ran = run_sconce({"inspect", kModel});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(ran.out,
            "torch-2.13/state_dict.zip.pt\n"
            "  format     pytorch-zip, little-endian\n"
            "  written by PyTorch 2.7 or newer\n"
            "  size       3.88 KiB (3,977 bytes)\n"
            "  tensors    9, with 80 elements in 324 B\n"
            "  dtypes     float32 × 8, int64 × 1\n"
            "\n"
            "Tensors\n"
            "  0.weight               float32  [3, 2, 3, 3]  216 B\n"
            "  0.bias                 float32  [3]            12 B\n"
            "  1.weight               float32  [3]            12 B\n"
            "  1.bias                 float32  [3]            12 B\n"
            "  1.running_mean         float32  [3]            12 B\n"
            "  1.running_var          float32  [3]            12 B\n"
            "  1.num_batches_tracked  int64    []              8 B\n"
            "  3.0.weight             float32  [2, 4]         32 B\n"
            "  3.0.bias               float32  [2]             8 B\n"
            "\n"
            "Other values (6)\n"
            "  _metadata..version     int  1\n"
            "  _metadata.0.version    int  1\n"
            "  _metadata.1.version    int  2\n"
            "  _metadata.2.version    int  1\n"
            "  _metadata.3.version    int  1\n"
            "  _metadata.3.0.version  int  1\n");
}

TEST(Inspect, FoldsIndentsSortsAndFilters) {
  const std::vector<std::string> only = {"inspect", kModel, "--match", "[0-9].*"};
  const auto table = [&](std::vector<std::string> more) {
    more.insert(more.begin(), only.begin(), only.end());
    const std::string out = run_sconce(more).out;
    return out.substr(out.find("Tensors\n"));
  };
  EXPECT_EQ(table({"--depth", "1"}),
            "Tensors\n"
            "  0.*  2 tensors  57  228 B\n"
            "  1.*  5 tensors  13   56 B\n"
            "  3.*  2 tensors  10   40 B\n");
  EXPECT_EQ(table({"--sort", "size", "--limit", "2"}),
            "Tensors\n"
            "  0.weight    float32  [3, 2, 3, 3]  216 B\n"
            "  3.0.weight  float32  [2, 4]         32 B\n"
            "  … and 7 more; --limit shows more\n");
}

TEST(Inspect, SaysWhichTensorsShareAndHowTheyLie) {
  const std::string out = run_sconce({"inspect", "torch-2.13/views.zip.pt", "--match", "[bt]*"}).out;
  EXPECT_THAT(out, HasSubstr("  transposed  float32  [12, 5]  240 B  stride [1, 12], shares storage with base\n"));
}

TEST(Inspect, ShowsCallsThatWouldExecute) {
  const TemporaryFolder folder;
  write_file(folder / "calls.pkl", kCallingPickle);
  const Ran ran = run_sconce({"inspect", folder / "calls.pkl", "--color", "always"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.out, HasSubstr("\x1b[31mcall os.getcwd\x1b[0m  \x1b[2mat byte 27\x1b[0m"));
  EXPECT_THAT(run_sconce({"inspect", folder / "calls.pkl", "--json"}).out,
              HasSubstr("{\"name\":\"os.getcwd\",\"what\":\"call\",\"effect\":\"effect\",\"record\":null,"
                        "\"offset\":27,\"count\":1}"));
}

TEST(Inspect, PrintsOneObjectForPrograms) {
  const Ran ran = run_sconce({"inspect", "torch-2.13/tied.zip.pt", "--json", "--hash"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.out,
              testing::StartsWith("{\"format\":\"pytorch-zip\",\"sconce\":1,\"file\":\"torch-2.13/tied.zip.pt\","));
  EXPECT_THAT(ran.out, testing::EndsWith("\"extras\":[],\"notes\":[]}\n"));
  for (const char* key : {"name", "path", "dtype", "shape", "stride", "storage_offset", "storage", "device", "nbytes",
                          "record", "file_offset", "sha256"})
    EXPECT_THAT(ran.out, HasSubstr("\"" + std::string(key) + "\":")) << key;
  EXPECT_THAT(ran.out, HasSubstr("\"storage\":0,"));
}

TEST(Inspect, HashesOnlyWhereAsked) {
  EXPECT_THAT(run_sconce({"inspect", kModel, "--json"}).out, Not(HasSubstr("sha256")));
}

TEST(Inspect, ListsNullForWhatIsNotThere) {
  const std::string out =
      run_sconce({"inspect", "torch-2.13/sparse_coo.zip.pt", "--json", "--hash", "--match", "coo"}).out;
  EXPECT_THAT(out,
              HasSubstr("\"name\":\"coo\",\"path\":[\"coo\"],\"dtype\":\"float32\",\"shape\":[3,4],\"stride\":null,"
                        "\"storage_offset\":null,\"storage\":null,\"device\":\"cpu\",\"nbytes\":48,\"record\":null,"
                        "\"file_offset\":null,\"sha256\":null,\"layout\":\"sparse_coo\"}"));
}

TEST(Inspect, ReadsStandardInput) {
  const std::string model = SCONCE_SOURCE_DIR "/tests/fixtures/" + std::string(kModel);
  const Ran ran = run_sconce({"inspect", "-"}, {.in = model});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.out, testing::StartsWith("standard input\n"));
}

TEST(Inspect, UsesNoColourWhereNoTerminalReads) {
  EXPECT_THAT(run_sconce({"inspect", kModel}).out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(run_sconce({"inspect", kModel}, {.environment = {"NO_COLOR=1"}}).out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(run_sconce({"inspect", kModel, "--color=always"}).out, HasSubstr("\x1b[1m"));
}

TEST(Inspect, EscapesNamesThatWouldSpeakToTheTerminal) {
  // {"\x1b[2J": 1} as a pickle of protocol 2
  const TemporaryFolder folder;
  write_file(folder / "name.pkl", std::string("\x80\x02}X\x04\0\0\0\x1b[2JK\x01s.", 16));
  EXPECT_THAT(run_sconce({"inspect", folder / "name.pkl"}).out, HasSubstr("  \\x1b[2J  int  1\n"));
}

TEST(Inspect, SaysAtWhichByteATruncatedFileEnds) {
  const TemporaryFolder folder;
  const std::string model = read_file(SCONCE_SOURCE_DIR "/tests/fixtures/" + std::string(kModel));
  write_file(folder / "half.pt", std::string_view(model).substr(0, model.size() / 2));
  const Ran ran = run_sconce({"inspect", folder / "half.pt"});
  EXPECT_EQ(ran.code, 3);
  EXPECT_THAT(ran.err, HasSubstr("half.pt"));
  EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1);
  EXPECT_EQ(run_sconce({"inspect", "torch-2.13"}).code, 4);
}

}  // namespace
}  // namespace sconce::test
