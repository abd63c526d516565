// Folders that are given where a file is needed.
#include "formats/foreign/folder_kinds.h"

#include <filesystem>

#include "formats/foreign/foreign_files.h"
#include "io/temporary_folder.h"

namespace sconce::formats::foreign {
namespace {

using namespace testing;

TEST(ForeignFolder, ADistributedCheckpointIsNamed) {
  const test::TemporaryFolder folder;
  test::write_file(folder / ".metadata", "x");
  EXPECT_THAT(error_of([&] { refuse_folder(folder.path()); }),
              is_error(ErrorCode::unsupported, "the folder of a distributed checkpoint (DCP)"));
}

TEST(ForeignFolder, AnUnpackedCheckpointIsNamed) {
  const test::TemporaryFolder folder;
  test::write_file(folder / "data.pkl", "x");
  EXPECT_THAT(error_of([&] { refuse_folder(folder.path()); }), is_error(ErrorCode::unsupported, "that was unpacked"));
}

TEST(ForeignFolder, OthersAreLeftToWhoOpensFiles) {
  const test::TemporaryFolder folder;
  EXPECT_FALSE(folder_finding(folder.path()));
  EXPECT_FALSE(folder_finding(folder / "missing"));
  EXPECT_NO_THROW(refuse_folder(folder.path()));
}

}  // namespace
}  // namespace sconce::formats::foreign
