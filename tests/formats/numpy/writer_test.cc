// What is written is what numpy.save writes, byte for byte.
#include "formats/numpy/writer.h"

#include "formats/numpy/numpy_files.h"
#include "io/plan_stream.h"

namespace sconce::formats::numpy {
namespace {

using namespace testing;

std::string written(const Tensor& tensor) {
  const io::WritePlan plan = plan_npy(tensor);
  std::string bytes(plan.size(), '\0');
  io::PlanStream stream(plan, false);
  EXPECT_EQ(stream.read(std::as_writable_bytes(std::span(bytes))), bytes.size());
  return bytes;
}

TEST(NpyWriter, WritesNumPysOwnBytes) {
  for (const char* name : {"float32_2x3.npy", "float16_scalar.npy", "int64_empty.npy", "bool_5.npy",
                           "uint16_1x2x1x2.npy", "complex128_2.npy"})
    EXPECT_EQ(written(open_bytes(fixture(name)).tensor()), fixture(name)) << name;
}

TEST(NpyWriter, LaysOutInRowMajorLittleEndianOrder) {
  for (const char* name : {"fortran.npy", "big_endian.npy", "version_3.npy"})
    EXPECT_EQ(written(open_bytes(fixture(name)).tensor()), fixture("float32_2x3.npy")) << name;
}

TEST(NpyWriter, AViewIsWrittenAloneAndInOrder) {
  const Tensor base = Tensor::from(std::vector<float>{9, 0, 3, 1, 4, 2, 5}, {7});
  const std::int64_t shape[] = {2, 3};
  const std::int64_t strides[] = {1, 2};
  EXPECT_EQ(written(Tensor::over(base.storage(), DType::float32, shape, strides, 1)), fixture("float32_2x3.npy"));
}

TEST(NpyWriter, ElementsBeginAtAMultipleOf64) {
  for (std::int64_t size = 1; size < 4; ++size) {
    std::vector<std::int64_t> shape(static_cast<std::size_t>(size) * 9, 1);
    const std::uint8_t value = 1;
    const std::string bytes = written(Tensor::from(std::span(&value, 1), shape));
    EXPECT_EQ((bytes.size() - 1) % 64, 0U);
    EXPECT_EQ(bytes[bytes.size() - 2], '\n');
  }
}

TEST(NpyWriter, TypesThatNumPyLacksAreRefused) {
  const std::byte bytes[16] = {};
  for (const DType dtype : {DType::bfloat16, DType::float8_e4m3fn, DType::complex32, DType::qint8, DType::quint4x2}) {
    const std::int64_t shape[] = {0};
    const Error error = error_of([&] { (void)plan_npy(Tensor::copy_of(dtype, std::span(bytes).first(0), shape)); });
    EXPECT_THAT(error, is_error(ErrorCode::unsupported, std::string(to_string(dtype))));
  }
}

}  // namespace
}  // namespace sconce::formats::numpy
