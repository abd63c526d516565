// DLPack out, and back, within one process; tests/device/dlpack_python does the same with real PyTorch and NumPy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include <sconce/error.h>

#include "device/dlpack_exports.h"
#include "tensor/storage_data.h"
#include "tensor/tensor_data.h"

namespace sconce {
namespace {

using namespace device::dlpack;
using device::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(DlpackOut, DescribesTheTensorWithoutACopy) {
  const Tensor tensor = six_floats();
  const Exported out(to_dlpack(tensor));
  EXPECT_EQ(out->version.major, 1U);
  EXPECT_EQ(out->version.minor, 1U);
  EXPECT_EQ(out->flags, 0U);
  const View& view = out->dl_tensor;
  EXPECT_EQ(view.data, tensor.data<float>().data());
  EXPECT_EQ(view.byte_offset, 0U);
  EXPECT_EQ(view.device.type, kCpu);
  EXPECT_EQ(view.device.id, 0);
  EXPECT_EQ(view.dtype, (DataType{kFloat, 32, 1}));
  EXPECT_THAT(std::span(view.shape, 2), ElementsAre(2, 3));
  EXPECT_THAT(std::span(view.strides, 2), ElementsAre(3, 1));
}

TEST(DlpackOut, StridesAndOffsetOfAViewAreKept) {
  const Tensor all = six_floats();
  const std::array<std::int64_t, 2> shape{2, 2};
  const std::array<std::int64_t, 2> strides{1, 3};
  const Tensor transposed = Tensor::over(all.storage(), DType::float32, shape, strides, 1);
  const ExportedOld out(to_dlpack_unversioned(transposed));
  EXPECT_EQ(out->dl_tensor.data, all.data<float>().data() + 1);
  EXPECT_THAT(std::span(out->dl_tensor.strides, 2), ElementsAre(1, 3));
}

TEST(DlpackOut, TheMemoryLivesUntilTheDeleterIsCalled) {
  auto owner = std::make_shared<std::vector<std::byte>>(24);
  const std::weak_ptr<std::vector<std::byte>> watched = owner;
  const std::array<std::int64_t, 1> shape{6};
  Tensor tensor = Tensor::view(DType::float32, *owner, shape, owner);
  Exported out(to_dlpack(tensor));
  tensor = Tensor();
  owner.reset();
  EXPECT_FALSE(watched.expired());
  out.reset();
  EXPECT_TRUE(watched.expired());
}

TEST(DlpackOut, AScalarAndATensorWithoutElements) {
  const Exported scalar(to_dlpack(Tensor::from(std::vector<double>{7}, {})));
  EXPECT_EQ(scalar->dl_tensor.ndim, 0);
  EXPECT_EQ(*static_cast<double*>(scalar->dl_tensor.data), 7);
  const Exported empty(to_dlpack(Tensor::from(std::vector<double>{}, {0, 4})));
  EXPECT_EQ(empty->dl_tensor.ndim, 2);
  EXPECT_EQ(empty->dl_tensor.data, nullptr);
}

/// Bytes that say that they lie in a file, as those of a mapped one do.
class MappedBytes final : public ByteSource {
 public:
  explicit MappedBytes(std::size_t size) : bytes_(size) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), into.size(), into.begin());
  }
  [[nodiscard]] const std::byte* view(std::uint64_t offset, std::uint64_t) const override {
    return bytes_.data() + offset;
  }
  [[nodiscard]] std::optional<FileExtent> extent(std::uint64_t offset, std::uint64_t size) const override {
    return FileExtent{3, offset, size};
  }
  [[nodiscard]] const std::string& name() const noexcept override { return name_; }

 private:
  std::vector<std::byte> bytes_;
  std::string name_ = "mapped";
};

Tensor mapped_tensor() {
  const std::array<std::int64_t, 1> shape{4};
  const std::array<std::int64_t, 1> strides{1};
  return Tensor::over(storage_over(std::make_shared<MappedBytes>(16), DType::float32), DType::float32, shape, strides,
                      0);
}

TEST(DlpackOut, AMappedFileIsReadOnly) {
  const Exported out(to_dlpack(mapped_tensor()));
  EXPECT_EQ(out->flags, kReadOnly);
  const auto [code, text] = error_of([] { static_cast<void>(to_dlpack_unversioned(mapped_tensor())); });
  EXPECT_EQ(code, ErrorCode::unsupported);
  EXPECT_THAT(text, HasSubstr("must not be written"));
  const ExportedOld trusted(to_dlpack_unversioned(mapped_tensor(), DlpackReadOnly::trust));
  EXPECT_EQ(trusted->dl_tensor.ndim, 1);
}

Tensor changed(const Tensor& tensor, void (*change)(TensorData&)) {
  auto data = std::make_shared<TensorData>(*tensor.data_handle());
  change(*data);
  return Tensor(std::move(data));
}

TEST(DlpackOut, WhatDlpackCannotSayIsRefusedWithTheCallThatHelps) {
  struct Case {
    const char* what;
    Tensor tensor;
    ErrorCode code;
    const char* text;
  };
  const std::vector<std::byte> bytes(16);
  const std::array<std::int64_t, 1> four{4};
  const std::array<std::int64_t, 1> one{1};
  const Storage swapped =
      storage_over(memory_source(bytes), DType::float32,
                   std::endian::native == std::endian::little ? std::endian::big : std::endian::little);
  const Tensor complex = Tensor::from(std::vector<std::complex<float>>{{1, 2}}, {1});
  const Case cases[] = {
      {"conj", changed(complex, [](TensorData& data) { data.conj = true; }), ErrorCode::wrong_type, "contiguous()"},
      {"neg", changed(six_floats(), [](TensorData& data) { data.neg = true; }), ErrorCode::wrong_type, "contiguous()"},
      {"sparse", changed(six_floats(), [](TensorData& data) { data.layout = Layout::sparse_coo; }),
       ErrorCode::wrong_type, "parts()"},
      {"meta",
       changed(six_floats(),
               [](TensorData& data) {
                 data.meta = true;
                 data.has_storage = false;
               }),
       ErrorCode::wrong_type, "meta"},
      {"quantised", changed(six_floats(), [](TensorData& data) { data.dtype = DType::qint32; }), ErrorCode::unsupported,
       "qint32"},
      {"other byte order", Tensor::over(swapped, DType::float32, four, one, 0), ErrorCode::wrong_type, "contiguous()"},
      {"unaligned",
       Tensor::over(storage_over(memory_source(std::span(bytes).subspan(1, 4)), DType::float32), DType::float32, one,
                    one, 0),
       ErrorCode::wrong_type, "contiguous()"},
  };
  for (const Case& each : cases) {
    const auto [code, text] = error_of([&] { static_cast<void>(to_dlpack(each.tensor)); });
    EXPECT_EQ(code, each.code) << each.what;
    EXPECT_THAT(text, HasSubstr(each.text)) << each.what;
  }
  EXPECT_EQ(error_of([] { static_cast<void>(to_dlpack(Tensor())); }).first, ErrorCode::invalid_argument);
  // Single bytes have no order.
  const Storage bytes_swapped = storage_over(memory_source(bytes), DType::uint8, std::endian::big);
  const Exported out(to_dlpack(Tensor::over(bytes_swapped, DType::uint8, four, one, 0)));
  EXPECT_EQ(out->dl_tensor.data, bytes.data());
}

// --- there and back ---

TEST(Dlpack, EveryDtypeThatItHasComesBack) {
  int known = 0;
  for (std::size_t i = 0; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    if (!data_type_of(dtype)) continue;
    ++known;
    const std::vector<std::byte> bytes(3 * element_size(dtype));
    const std::array<std::int64_t, 1> three{3};
    const Tensor tensor = Tensor::copy_of(dtype, bytes, three);
    const Tensor back = from_dlpack(to_dlpack(tensor), only_the_cpu());
    EXPECT_EQ(back.dtype(), dtype);
    EXPECT_EQ(back.data<std::byte>().data(), tensor.data<std::byte>().data()) << to_string(dtype);
    const Exported again(to_dlpack(tensor));
    const View& view = again->dl_tensor;
    EXPECT_EQ(view.dtype.bits * view.dtype.lanes, info(dtype).bits) << to_string(dtype);
  }
  EXPECT_EQ(known, 22);
}

TEST(Dlpack, ReadOnlyStaysReadOnlyThroughSconce) {
  Exported out(to_dlpack(six_floats()));
  out->flags = kReadOnly;
  const Tensor back = from_dlpack(out.release(), only_the_cpu());
  EXPECT_THAT(back.to_vector<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(back.data<float>().size(), 6U);
  EXPECT_EQ(Exported(to_dlpack(back))->flags, kReadOnly);
  EXPECT_EQ(error_of([&] { static_cast<void>(to_dlpack_unversioned(back)); }).first, ErrorCode::unsupported);
}

}  // namespace
}  // namespace sconce
