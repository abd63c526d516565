#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/run_sconce.h"

namespace sconce::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr char kDTypes[] = "torch-2.13/new_dtypes.zip.pt";
constexpr char kObjects[] = "torch-2.13/objects.zip.pt";

TEST(ConvertFor, SaysWhatItChangedAndWhatIsLost) {
  const TemporaryFolder folder;
  const Ran ran = run_sconce({"convert", "torch-2.13/attributes.zip.pt", folder / "m.pt", "--for", "torch==1.7"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("dropped  attribute label of a tensor: parameter\n"));
  const Ran coo = run_sconce({"convert", "torch-2.13/sparse_coo.zip.pt", folder / "c.pt", "--for", "1.13", "--json"});
  EXPECT_THAT(coo.out, HasSubstr("\"changed\":[\"a sparse tensor does not say whether it is coalesced: coo"));
  EXPECT_THAT(coo.out, HasSubstr("\"remaining\":[]"));
}

TEST(ConvertFor, WhatTheReleaseCannotHoldIsListedAndNothingIsWritten) {
  const TemporaryFolder folder;
  const Ran ran = run_sconce({"convert", kDTypes, folder / "m.pt", "--for", "torch==1.7"});
  EXPECT_EQ(ran.code, 5);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("a tensor of uint16, which PyTorch 1.7 does not have"), HasSubstr("--cast")));
  EXPECT_THAT(folder.names(), testing::IsEmpty());
}

TEST(ConvertFor, CastWithoutAValueStandsAnywhere) {
  const TemporaryFolder folder;
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"convert", "--for", "2.6", "--cast", "torch-2.13/newest_dtypes.zip.pt",
                                 folder / "a.pt"},
        {"convert", "torch-2.13/newest_dtypes.zip.pt", folder / "b.pt", "--cast", "--for", "torch==2.6"},
        {"convert", "torch-2.13/newest_dtypes.zip.pt", folder / "c.pt", "--for=torch==2.6", "--cast"}}) {
    const Ran ran = run_sconce(words);
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("float8_e8m0fnu becomes bfloat16"));
  }
  const Ran alone = run_sconce({"convert", kDTypes, folder / "d.pt", "--cast"});
  EXPECT_EQ(alone.code, 2);
  EXPECT_THAT(alone.err, HasSubstr("--cast wants a value"));
}

TEST(ConvertFor, PlainOpensTheWayForWeightsOnly) {
  const TemporaryFolder folder;
  const Ran refused = run_sconce({"convert", kObjects, folder / "m.pt", "--weights-only"});
  EXPECT_EQ(refused.code, 5);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("argparse.Namespace"), HasSubstr("--plain")));
  const Ran plain = run_sconce({"convert", kObjects, folder / "m.pt", "--weights-only", "--plain"});
  EXPECT_EQ(plain.code, 0) << plain.err;
  EXPECT_THAT(plain.out, HasSubstr("argparse.Namespace becomes a dict of its fields: args"));
  EXPECT_EQ(run_sconce({"check", folder / "m.pt", "--for", "torch==2.6", "--weights-only"}).code, 0);
  EXPECT_EQ(run_sconce({"check", kObjects, "--for", "torch==2.6", "--weights-only"}).code, 1);
}

TEST(ConvertFor, ContradictionsAreRefusedBeforeAnythingIsRead) {
  const TemporaryFolder folder;
  EXPECT_EQ(run_sconce({"convert", "no.pt", folder / "m.safetensors", "--for", "1.7"}).code, 2);
  EXPECT_EQ(run_sconce({"convert", "no.pt", folder / "m.pt", "--for", "soon"}).code, 2);
  EXPECT_EQ(run_sconce({"convert", "no.pt", folder / "m.pt", "--for", "1.5", "--to", "pytorch-zip"}).code, 2);
  EXPECT_EQ(run_sconce({"convert", kDTypes, folder / "m.pt", "--for", "1.7", "--weights-only"}).code, 2);
}

}  // namespace
}  // namespace sconce::test
