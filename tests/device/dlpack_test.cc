// DLPack in and out within one process; tests/device/dlpack_python does the same with real PyTorch and NumPy.
#include <sconce/dlpack.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>

#include <sconce/error.h>

#include "device/dlpack_abi.h"
#include "device/dlpack_types.h"
#include "device/opencl_here.h"
#include "tensor/storage_data.h"
#include "tensor/tensor_data.h"

namespace sconce {
namespace {

using namespace device::dlpack;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Devices& only_the_cpu() {
  static const Devices devices({.cuda = false, .opencl = false});
  return devices;
}

/// Code and text of the Error that `body` throws.
template <typename Body>
std::pair<ErrorCode, std::string> error_of(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  ADD_FAILURE() << "no Error was thrown";
  return {};
}

/// Ends an export as its consumer would.
struct Release {
  template <typename Managed>
  void operator()(Managed* self) const {
    self->deleter(self);
  }
};
using Exported = std::unique_ptr<DLManagedTensorVersioned, Release>;
using ExportedOld = std::unique_ptr<DLManagedTensor, Release>;

Tensor six_floats() { return Tensor::from(std::vector<float>{0, 1, 2, 3, 4, 5}, {2, 3}); }

// --- out ---

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

// --- in ---

/// A producer that counts how often it is told that nobody needs its tensor any more.
class Producer {
 public:
  Producer() {
    versioned.version = {kMajor, kMinor};
    versioned.manager_ctx = this;
    versioned.deleter = [](DLManagedTensorVersioned* self) { ++static_cast<Producer*>(self->manager_ctx)->deleted; };
    versioned.dl_tensor = {values.data(), {kCpu, 0}, 2, {kFloat, 32, 1}, shape.data(), strides.data(), 0};
  }
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  std::vector<float> values{0, 1, 2, 3, 4, 5};
  std::vector<std::int64_t> shape{2, 3};
  std::vector<std::int64_t> strides{3, 1};
  DLManagedTensorVersioned versioned{};
  int deleted = 0;
};

TEST(DlpackIn, SharesTheMemoryAndEndsItOnce) {
  Producer producer;
  Tensor tensor = from_dlpack(&producer.versioned, only_the_cpu());
  EXPECT_EQ(tensor.data<float>().data(), producer.values.data());
  EXPECT_THAT(tensor.shape(), ElementsAre(2, 3));
  EXPECT_EQ(tensor.storage().device(), Device{});
  EXPECT_EQ(tensor.storage().nbytes(), 24U);
  const Storage storage = tensor.storage();
  tensor = Tensor();
  EXPECT_EQ(producer.deleted, 0);
  EXPECT_EQ(storage.view().size(), 24U);
}

TEST(DlpackIn, TheDeleterIsCalledWithTheLastHandle) {
  Producer producer;
  {
    const Tensor tensor = from_dlpack(&producer.versioned, only_the_cpu());
    const Tensor copy = tensor;
    EXPECT_EQ(producer.deleted, 0);
  }
  EXPECT_EQ(producer.deleted, 1);
}

TEST(DlpackIn, AStructureWithoutADeleterIsFine) {
  Producer producer;
  producer.versioned.deleter = nullptr;
  EXPECT_EQ(from_dlpack(&producer.versioned, only_the_cpu()).numel(), 6U);
}

TEST(DlpackIn, NullStridesAreRowMajor) {
  Producer producer;
  producer.versioned.dl_tensor.strides = nullptr;
  const Tensor tensor = from_dlpack(&producer.versioned, only_the_cpu());
  EXPECT_TRUE(tensor.is_contiguous());
  EXPECT_THAT(tensor.to_vector<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(DlpackIn, StridesAndByteOffsetAreKept) {
  Producer producer;
  producer.shape = {2, 2};
  producer.strides = {1, 3};
  producer.versioned.dl_tensor.byte_offset = 4;
  const Tensor tensor = from_dlpack(&producer.versioned, only_the_cpu());
  EXPECT_THAT(tensor.to_vector<float>(), ElementsAre(1, 4, 2, 5));
  EXPECT_EQ(tensor.storage().nbytes(), 20U);
}

TEST(DlpackIn, TheOldStructureIsReadToo) {
  static int deleted = 0;
  Producer producer;
  DLManagedTensor old{producer.versioned.dl_tensor, nullptr, [](DLManagedTensor*) { ++deleted; }};
  EXPECT_THAT(from_dlpack(&old, only_the_cpu()).to_vector<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(deleted, 1);
  old.dl_tensor.ndim = -1;
  EXPECT_EQ(error_of([&] { static_cast<void>(from_dlpack(&old, only_the_cpu())); }).first, ErrorCode::invalid_argument);
  EXPECT_EQ(deleted, 2);
}

TEST(DlpackIn, StridesThatMeanNothingMayBeAnything) {
  Producer producer;
  producer.shape = {1, 6};
  producer.strides = {-9, 1};
  EXPECT_THAT(from_dlpack(&producer.versioned, only_the_cpu()).to_vector<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
  Producer empty;
  empty.shape = {0, 3};
  empty.strides = {-7, std::numeric_limits<std::int64_t>::max()};
  empty.versioned.dl_tensor.data = nullptr;
  EXPECT_EQ(from_dlpack(&empty.versioned, only_the_cpu()).numel(), 0U);
}

TEST(DlpackIn, WhatIsWrongIsRefusedAndEndedOnce) {
  constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
  struct Case {
    const char* what;
    void (*spoil)(Producer&);
    ErrorCode code;
    const char* text;
  };
  const Case cases[] = {
      {"negative ndim", [](Producer& p) { p.versioned.dl_tensor.ndim = -1; }, ErrorCode::invalid_argument,
       "-1 dimensions"},
      {"too many dimensions", [](Producer& p) { p.versioned.dl_tensor.ndim = 65; }, ErrorCode::unsupported,
       "65 dimensions"},
      {"absurd ndim", [](Producer& p) { p.versioned.dl_tensor.ndim = std::numeric_limits<std::int32_t>::max(); },
       ErrorCode::unsupported, "dimensions"},
      {"no shape", [](Producer& p) { p.versioned.dl_tensor.shape = nullptr; }, ErrorCode::invalid_argument, "no sizes"},
      {"negative size", [](Producer& p) { p.shape[0] = -2; }, ErrorCode::invalid_argument, "negative"},
      {"sizes that overflow",
       [](Producer& p) {
         p.shape = {kHuge, 3};
       },
       ErrorCode::invalid_argument, "overflow"},
      {"negative stride", [](Producer& p) { p.strides[0] = -3; }, ErrorCode::unsupported, "negative stride"},
      {"strides that overflow",
       [](Producer& p) {
         p.strides[0] = kHuge;
         p.strides[1] = kHuge;
       },
       ErrorCode::invalid_argument, ""},
      {"bytes that overflow", [](Producer& p) { p.strides[0] = kHuge / 2; }, ErrorCode::invalid_argument, "2^63"},
      {"offset that overflows", [](Producer& p) { p.versioned.dl_tensor.byte_offset = UINT64_MAX - 3; },
       ErrorCode::invalid_argument, "offset"},
      {"beyond the address space",
       [](Producer& p) { p.versioned.dl_tensor.data = reinterpret_cast<void*>(UINTPTR_MAX - 3); },
       ErrorCode::invalid_argument, "address space"},
      {"null data", [](Producer& p) { p.versioned.dl_tensor.data = nullptr; }, ErrorCode::invalid_argument, "null"},
      {"unknown type code", [](Producer& p) { p.versioned.dl_tensor.dtype.code = 200; }, ErrorCode::unsupported,
       "type code 200"},
      {"a handle",
       [](Producer& p) {
         p.versioned.dl_tensor.dtype = {3, 64, 1};
       },
       ErrorCode::unsupported, "type code 3"},
      {"float of 24 bits", [](Producer& p) { p.versioned.dl_tensor.dtype.bits = 24; }, ErrorCode::unsupported,
       "24 bits"},
      {"four lanes", [](Producer& p) { p.versioned.dl_tensor.dtype.lanes = 4; }, ErrorCode::unsupported, "4 lanes"},
      {"padded halves of bytes",
       [](Producer& p) {
         p.versioned.dl_tensor.dtype = {kFloat4E2M1Fn, 4, 2};
         p.versioned.flags = kSubBytePadded;
       },
       ErrorCode::unsupported, "type code 17"},
      {"unknown device",
       [](Producer& p) {
         p.versioned.dl_tensor.device = {8, 0};
       },
       ErrorCode::unsupported, "type 8"},
      {"negative device",
       [](Producer& p) {
         p.versioned.dl_tensor.device = {kCuda, -1};
       },
       ErrorCode::unsupported, "number -1"},
      {"device that is not here",
       [](Producer& p) {
         p.versioned.dl_tensor.device = {kCuda, 3};
       },
       ErrorCode::unsupported, "cuda:3"},
      {"later major version",
       [](Producer& p) {
         p.versioned.version = {2, 0};
       },
       ErrorCode::unsupported, "2.0"},
  };
  for (const Case& each : cases) {
    Producer producer;
    each.spoil(producer);
    const auto [code, text] = error_of([&] { static_cast<void>(from_dlpack(&producer.versioned, only_the_cpu())); });
    EXPECT_EQ(code, each.code) << each.what << ": " << text;
    EXPECT_THAT(text, HasSubstr(each.text)) << each.what;
    EXPECT_EQ(producer.deleted, 1) << each.what;
  }
  DLManagedTensor* nothing = nullptr;
  EXPECT_EQ(error_of([&] { static_cast<void>(from_dlpack(nothing, only_the_cpu())); }).first,
            ErrorCode::invalid_argument);
}

TEST(DlpackIn, ALaterMinorVersionIsRead) {
  Producer producer;
  producer.versioned.version = {1, 9};
  EXPECT_EQ(from_dlpack(&producer.versioned, only_the_cpu()).numel(), 6U);
}

// --- on a device ---

class DlpackOpenCl : public testing::Test {
 protected:
  void SetUp() override {
    const device::Backend backend = device::opencl_here();
    if (backend.ports.empty()) GTEST_SKIP() << "no OpenCL device here: " << backend.absence;
    devices_.emplace(DeviceSearch{.cuda = false});
    port_ = device::port_of(*devices_, opencl_);
    ASSERT_NE(port_, nullptr);
    memory_ = port_->allocate(64);
    std::array<float, 16> values{};
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    port_->stream()->copy_in({memory_.get(), 0, 64}, std::as_bytes(std::span(values)));
  }
  const Device opencl_{DeviceType::opencl, 0};
  std::optional<Devices> devices_;
  device::PortPtr port_;
  device::MemoryPtr memory_;
};

TEST_F(DlpackOpenCl, AClMemGoesOutWithItsByteOffset) {
  const std::array<std::int64_t, 1> shape{3};
  const std::array<std::int64_t, 1> strides{2};
  const Storage storage = device::storage_on(port_, memory_, 16, 48, DType::float32);
  const Tensor tensor = Tensor::over(storage, DType::float32, shape, strides, 1);
  const Exported out(to_dlpack(tensor));
  EXPECT_EQ(out->dl_tensor.device.type, kOpenCl);
  EXPECT_EQ(out->dl_tensor.device.id, 0);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(out->dl_tensor.data), memory_->address());
  EXPECT_EQ(out->dl_tensor.byte_offset, 20U);
  EXPECT_EQ(out->flags, 0U);
}

TEST_F(DlpackOpenCl, AndComesBackWithoutACopy) {
  const std::array<std::int64_t, 1> shape{3};
  const std::array<std::int64_t, 1> strides{2};
  const Storage storage = device::storage_on(port_, memory_, 16, 48, DType::float32);
  Tensor tensor = Tensor::over(storage, DType::float32, shape, strides, 1);
  const Tensor back = from_dlpack(to_dlpack(tensor), *devices_);
  tensor = Tensor();
  EXPECT_EQ(back.storage().device(), opencl_);
  EXPECT_EQ(back.storage().device_address(), memory_->address());
  EXPECT_THAT(back.to_vector<float>(), ElementsAre(5, 7, 9));
}

TEST_F(DlpackOpenCl, ReadOnlyMemoryOfADeviceStaysReadable) {
  const std::array<std::int64_t, 1> shape{16};
  const std::array<std::int64_t, 1> strides{1};
  const Storage storage = device::storage_on(port_, memory_, 0, 64, DType::float32);
  Exported out(to_dlpack(Tensor::over(storage, DType::float32, shape, strides, 0)));
  out->flags = kReadOnly;
  const Tensor back = from_dlpack(out.release(), *devices_);
  EXPECT_EQ(back.storage().device(), opencl_);
  EXPECT_EQ(back.to_vector<float>()[15], 15);
  EXPECT_EQ(device::memory_of(back.storage())->address(), memory_->address());
  EXPECT_EQ(Exported(to_dlpack(back))->flags, kReadOnly);
}

}  // namespace
}  // namespace sconce
