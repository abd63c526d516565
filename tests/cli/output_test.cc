#include "cli/output.h"

#include <gtest/gtest.h>

namespace sconce::cli {
namespace {

TEST(Columns, CountsWhatATerminalShows) {
  EXPECT_EQ(columns("abc"), 3U);
  EXPECT_EQ(columns("é"), 1U);
  EXPECT_EQ(columns("重み"), 4U);
  EXPECT_EQ(columns("\xFF"), 1U) << "a byte that is no UTF-8 takes a column";
}

TEST(Shortened, LeavesOutTheMiddle) {
  EXPECT_EQ(shortened("encoder.layer.weight", 20), "encoder.layer.weight");
  EXPECT_EQ(shortened("encoder.layer.weight", 13), "encode…weight");
  EXPECT_LE(columns(shortened("重み重み重み重み重み", 11)), 11U);
}

TEST(Append, PadsByColumns) {
  std::string out;
  append_left(out, "é", 3);
  append_right(out, "é", 3);
  EXPECT_EQ(out, "é    é");
}

TEST(Counted, KnowsOneFromMany) {
  EXPECT_EQ(counted(1, "tensor"), "1 tensor");
  EXPECT_EQ(counted(0, "tensor"), "0 tensors");
  EXPECT_EQ(counted(1234, "tensor"), "1,234 tensors");
}

}  // namespace
}  // namespace sconce::cli
