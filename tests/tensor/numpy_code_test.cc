#include "tensor/numpy_code.h"

#include <gtest/gtest.h>

namespace sconce::tensor {
namespace {

TEST(NumpyCode, NamesEveryTypeThatBothHave) {
  EXPECT_EQ(numpy_code(DType::float32), "f4");
  EXPECT_EQ(numpy_code(DType::complex128), "c16");
  EXPECT_EQ(numpy_code(DType::boolean), "b1");
  EXPECT_EQ(numpy_code(DType::bfloat16), "");
}

TEST(NumpyCode, ComesBackAsTheDType) {
  for (std::size_t at = 0; at < kDTypeCount; ++at) {
    const auto dtype = static_cast<DType>(at);
    if (numpy_code(dtype).empty()) continue;
    EXPECT_EQ(dtype_of_numpy_code(numpy_code(dtype)), dtype);
  }
  EXPECT_EQ(dtype_of_numpy_code("U7"), std::nullopt);
  EXPECT_EQ(dtype_of_numpy_code(""), std::nullopt);
}

}  // namespace
}  // namespace sconce::tensor
