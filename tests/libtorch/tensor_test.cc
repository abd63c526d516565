// Tensors across the bridge, with nothing of libtorch but its tensors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sconce/libtorch/tensor.h>
#include <sconce/sconce.h>

#include <vector>

namespace {

using sconce::Tensor;
using sconce::libtorch::from_tensor;
using sconce::libtorch::to_tensor;

TEST(ToTensor, SharesMemory) {
  const Tensor given = Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3});
  const at::Tensor made = to_tensor(given);
  EXPECT_EQ(made.sizes(), at::IntArrayRef({2, 3}));
  EXPECT_EQ(made.data_ptr(), given.data<float>().data());
}

TEST(FromTensor, SharesMemory) {
  const at::Tensor given = to_tensor(Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3})).t();
  const Tensor read = from_tensor(given);
  EXPECT_THAT(read.shape(), testing::ElementsAre(3, 2));
  EXPECT_EQ(read.to_vector<float>(), (std::vector<float>{1, 4, 2, 5, 3, 6}));
}

}  // namespace
