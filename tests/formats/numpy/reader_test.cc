// `.npy` files: NumPy's own, and what is wrong with others.
#include "formats/numpy/reader.h"

#include "formats/numpy/dtypes.h"
#include "formats/numpy/numpy_files.h"

namespace sconce::formats::numpy {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Npy, IsOneTensor) {
  const Tensor tensor = open_bytes(fixture("float32_2x3.npy")).tensor();
  EXPECT_EQ(tensor.dtype(), DType::float32);
  EXPECT_THAT(tensor.shape(), ElementsAre(2, 3));
  EXPECT_THAT(tensor.strides(), ElementsAre(3, 1));
  EXPECT_THAT(tensor.to_vector<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_FALSE(tensor.is_numpy()) << "converted to .pt it is a tensor, not a pickled numpy.ndarray";
}

TEST(Npy, OfAnyVersion) {
  EXPECT_THAT(open_bytes(fixture("version_3.npy")).tensor().to_vector<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(Npy, InColumnMajorOrder) {
  const Tensor tensor = open_bytes(fixture("fortran.npy")).tensor();
  EXPECT_THAT(tensor.strides(), ElementsAre(1, 2));
  EXPECT_THAT(tensor.to_vector<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(Npy, OfTheOtherByteOrder) {
  const OpenedArrays file = open_bytes(fixture("big_endian.npy"));
  EXPECT_EQ(file.opened.facts.byte_order, std::endian::big);
  EXPECT_EQ(file.tensor().storage().byte_order(), std::endian::big);
  EXPECT_THAT(file.tensor().to_vector<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(Npy, WithoutElements) {
  const Tensor tensor = open_bytes(fixture("int64_empty.npy")).tensor();
  EXPECT_THAT(tensor.shape(), ElementsAre(0, 4));
  EXPECT_EQ(tensor.numel(), 0U);
}

TEST(Npy, WithoutDimensions) {
  const Tensor tensor = open_bytes(fixture("float16_scalar.npy")).tensor();
  EXPECT_EQ(tensor.dim(), 0);
  EXPECT_EQ(static_cast<float>(tensor.item<Float16>()), 1.5F);
}

TEST(Npy, OfEveryTypeThatBothHave) {
  for (const char* code : {"f8", "f4", "f2", "i8", "i4", "i2", "u8", "u4", "u2", "c8", "c16"})
    for (const char mark : {'<', '>'}) {
      const auto type = element_type(std::string(1, mark) + code);
      ASSERT_TRUE(type) << mark << code;
      EXPECT_EQ(type->order, mark == '<' ? std::endian::little : std::endian::big);
      EXPECT_EQ(descr_of(type->dtype), "<" + std::string(code));
    }
  for (const char* code : {"i1", "u1", "b1"}) EXPECT_TRUE(element_type("|" + std::string(code))) << code;
}

TEST(Npy, ArraysBehindOneAnother) {
  const OpenedArrays file = open_bytes(fixture("float32_2x3.npy") + fixture("bool_5.npy"));
  ASSERT_EQ(file.opened.roots.size(), 2U);
  EXPECT_EQ(file.tensor(1).dtype(), DType::boolean);
  EXPECT_THAT(file.tensor(1).shape(), ElementsAre(5));
}

TEST(Npy, OtherBytesBehindItAreNoted) {
  const OpenedArrays file = open_bytes(fixture("bool_5.npy") + "x");
  ASSERT_EQ(file.opened.facts.notes.size(), 1U);
  EXPECT_THAT(file.opened.facts.notes.front(), HasSubstr("from byte 133 on"));
}

TEST(Npy, WhatHasNoNumbersIsNamed) {
  EXPECT_THAT(open_error(fixture("objects.npy")), is_error(ErrorCode::unsupported, "Python objects"));
  EXPECT_THAT(open_error(fixture("records.npy")), is_error(ErrorCode::unsupported, "records of several fields"));
  const struct {
    const char* descr;
    const char* words;
  } cases[] = {{"'<U7'", "text"},           {"'|S3'", "byte strings"},      {"'<M8[ns]'", "dates"},
               {"'<m8[s]'", "dates"},       {"'<f16'", "of a width"},       {"'|V2'", "bytes without a type"},
               {"'<c32'", "PyTorch lacks"}, {"'f4'", "order of its bytes"}, {"'|f4'", "order of its bytes"},
               {"''", "PyTorch lacks"}};
  for (const auto& [descr, words] : cases)
    EXPECT_THAT(open_error(npy(dict_of(descr, "(0,)"))), is_error(ErrorCode::unsupported, words)) << descr;
}

TEST(Npy, MayBeCutShortInItsElements) {
  const std::string file = fixture("float32_2x3.npy");
  const Error error = open_error(file.substr(0, file.size() - 1));
  EXPECT_THAT(error, is_error(ErrorCode::truncated, "end at byte 152, but there are only 151"));
  EXPECT_EQ(error.place().offset, 151U);
}

TEST(Npy, AnImpossibleShapeIsRefused) {
  for (const char* shape : {"(4294967296, 4294967296)", "(9223372036854775807, 2)", "(9223372036854775807,)",
                            "(0, 4294967296, 4294967296)"}) {
    const ErrorCode code = open_error(npy(dict_of("'<f8'", shape))).code();
    EXPECT_TRUE(code == ErrorCode::damaged || code == ErrorCode::truncated) << shape;
  }
  std::string shape = "(";
  for (int dimension = 0; dimension < 65; ++dimension) shape += "1, ";
  EXPECT_THAT(open_error(npy(dict_of("'|u1'", shape + ")"), "x")), is_error(ErrorCode::unsupported, "65 dimensions"));
}

TEST(Npy, ItsElementsAreWhatVerifyReads) {
  const OpenedArrays file = open_bytes(fixture("float32_2x3.npy"));
  const auto checks = file.opened.file->records({true});
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_EQ(checks.front().file_offset, 128U);
  EXPECT_EQ(checks.front().open().bytes->size(), 24U);
}

}  // namespace
}  // namespace sconce::formats::numpy
