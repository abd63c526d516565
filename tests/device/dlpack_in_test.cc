// DLPack in: what other programs may hand over, right or wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include <sconce/error.h>

#include "device/dlpack_exports.h"

namespace sconce {
namespace {

using namespace device::dlpack;
using device::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

}  // namespace
}  // namespace sconce
