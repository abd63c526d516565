// Files of real PyTorch of five ages, read, written and read again: the same tree, and then the same bytes.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "formats/pytorch/same_tree.h"
#include "formats/pytorch/write_file.h"

namespace sconce::formats::pytorch::testing {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> fixtures() {
  std::vector<fs::path> found;
  for (const auto& folder : fs::directory_iterator(fs::path(SCONCE_SOURCE_DIR) / "tests" / "fixtures")) {
    if (!folder.path().filename().string().starts_with("torch-")) continue;
    for (const auto& file : fs::directory_iterator(folder))
      if (file.path().extension() == ".pt" || file.path().extension() == ".pkl") found.push_back(file.path());
  }
  std::ranges::sort(found);
  return found;
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// What of a tree differs after it was written and read; "" where nothing does.
std::string difference(const Opened& before, const Opened& after) {
  if (before.roots.size() != after.roots.size()) return "another count of objects";
  for (std::size_t at = 0; at < before.roots.size(); ++at) {
    TreeComparer comparer(*before.document, *after.document);
    if (std::string text = comparer.difference(before.roots[at], after.roots[at]); !text.empty()) return text;
  }
  return {};
}

/// How many files came through; errors of kinds that are no failures are left out.
int round_trips(Plan plan) {
  int passed = 0;
  for (const fs::path& path : fixtures()) {
    SCOPED_TRACE(path.string());
    const OpenedTree before = open_bytes(bytes_of(path));
    Written first;
    try {
      first = write(plan, before.opened);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported) << error.what();  // what a format cannot hold
      continue;
    }
    const OpenedTree after = open_bytes(first.bytes);
    EXPECT_EQ(difference(before.opened, after.opened), "");
    EXPECT_EQ(write(plan, after.opened).bytes, first.bytes);
    ++passed;
  }
  return passed;
}

TEST(RoundTrip, ThroughAnArchive) {
  ASSERT_FALSE(fixtures().empty()) << "tests/fixtures is a part of the project";
  EXPECT_GT(round_trips(plan_torch_zip), 200);
}

TEST(RoundTrip, ThroughAStream) {
  ASSERT_FALSE(fixtures().empty()) << "tests/fixtures is a part of the project";
  EXPECT_GT(round_trips(plan_legacy_stream), 200);
}

}  // namespace
}  // namespace sconce::formats::pytorch::testing
