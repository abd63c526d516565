#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/run_sconce.h"

namespace sconce::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char kModel[] = "torch-2.13/state_dict.zip.pt";

/// A copy of the model with one bit of its first tensor turned.
std::string damaged_copy(const TemporaryFolder& folder) {
  std::string bytes = read_file(SCONCE_SOURCE_DIR "/tests/fixtures/" + std::string(kModel));
  const std::size_t name = bytes.find("/data/0");
  const std::size_t at = (name + 64) / 64 * 64;  // torch.save aligns the first byte of a tensor to 64
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  write_file(folder / "damaged.pt", bytes);
  return folder / "damaged.pt";
}

TEST(VerifyCommand, SaysThatAFileIsWhole) {
  const Ran ran = run_sconce({"verify", kModel});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out,
            "torch-2.13/state_dict.zip.pt: whole; pytorch-zip, 3.88 KiB: 9 tensors inside their storages, 15 checksums "
            "right\n");
  EXPECT_EQ(run_sconce({"verify", "--quiet", kModel}).out, "");
}

TEST(VerifyCommand, FindsAWrongChecksum) {
  const TemporaryFolder folder;
  const Ran ran = run_sconce({"verify", damaged_copy(folder)});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.out,
              HasSubstr("damaged.pt: not whole; 1 thing is wrong in this pytorch-zip of 3.88 KiB\n  wrong  record "));
  EXPECT_THAT(run_sconce({"verify", "--json", damaged_copy(folder)}).out, HasSubstr("\"whole\":false"));
}

TEST(VerifyCommand, GivesTheWorstCodeOfSeveral) {
  const TemporaryFolder folder;
  write_file(folder / "empty.pt", "");
  const std::string bad = damaged_copy(folder);
  EXPECT_EQ(run_sconce({"verify", bad, kModel}).code, 1);
  EXPECT_EQ(run_sconce({"verify", bad, folder / "empty.pt", kModel}).code, 3);
  const Ran ran = run_sconce({"verify", "--json", folder / "empty.pt", "no.pt", kModel});
  EXPECT_EQ(ran.code, 4);
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 3) << "one object a line for each file";
  EXPECT_THAT(ran.out, StartsWith("{\"error\":{\"code\":\"truncated\""));
}

}  // namespace
}  // namespace sconce::test
