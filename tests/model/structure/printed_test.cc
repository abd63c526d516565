// What print(model) shows, from pickles alone: byte for byte what PyTorch 2.13 printed of the same files
// (tests/fixtures/structure/make).
#include <gtest/gtest.h>
#include <sconce/structure.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace sconce {
namespace {

const std::filesystem::path kFixtures = std::filesystem::path(SCONCE_SOURCE_DIR) / "tests/fixtures/structure";

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string printed(const std::filesystem::path& path) { return to_text(module_tree(load(path.string()))) + "\n"; }

/// Line by line, so that a failure says which.
void expect_same_lines(const std::string& got, const std::string& wanted) {
  std::istringstream a(got);
  std::istringstream b(wanted);
  std::string x;
  std::string y;
  for (int line = 1; std::getline(b, y); ++line) {
    ASSERT_TRUE(std::getline(a, x)) << "ends before line " << line << ": " << y;
    EXPECT_EQ(x, y) << "line " << line;
  }
  EXPECT_EQ(got, wanted);
}

class PrintedModel : public testing::TestWithParam<std::string> {};

TEST_P(PrintedModel, IsWhatPyTorchPrints) {
  const std::filesystem::path file = kFixtures / GetParam();
  expect_same_lines(printed(file), text_of(std::filesystem::path(file).replace_extension(".txt")));
}

INSTANTIATE_TEST_SUITE_P(AllAges, PrintedModel,
                         testing::Values("torch-2.13/kinds.pt", "torch-2.13/containers.pt", "torch-2.13/quantised.pt",
                                         "torch-2.13/own.pt", "torch-1.13/kinds.pt", "torch-1.13/containers.pt",
                                         "torch-1.13/quantised.pt", "torch-1.7/kinds.pt", "torch-1.7/containers.pt"));

}  // namespace
}  // namespace sconce
