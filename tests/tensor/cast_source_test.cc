// Casts that are done when bytes are read, and the order of elements that is made then.
#include "tensor/cast_source.h"

#include <cstring>
#include <numeric>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <sconce/error.h>

#include "base/slice.h"
#include "tensor/cast.h"
#include "tensor/memory_format.h"
#include "tensor/storage_data.h"
#include "tensor/swap.h"

namespace sconce::tensor {
namespace {

std::vector<float> floats(std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t at = 0; at < count; ++at) values[at] = static_cast<float>(at) * 0.37F - 1000;
  return values;
}

std::vector<std::byte> read_all(const ByteSource& source) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(source.size()));
  source.read_at(0, bytes);
  return bytes;
}

/// Gives no views, as a compressed record does not.
class Unmapped final : public ByteSource {
 public:
  explicit Unmapped(SourcePtr inner) : inner_(std::move(inner)) {}
  std::uint64_t size() const override { return inner_->size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> into) const override { inner_->read_at(offset, into); }
  const std::string& name() const noexcept override { return inner_->name(); }

 private:
  SourcePtr inner_;
};

TEST(CastSource, ReadsAnyRange) {
  const std::vector<float> values = floats(40000);
  std::vector<std::byte> expected(values.size() * 2);
  const auto bytes = std::as_bytes(std::span(values));
  cast_elements(DType::float32, bytes.data(), DType::float16, expected.data(), values.size());
  std::vector<std::byte> turned(bytes.begin(), bytes.end());
  swap_in_place(turned, 4);
  const std::endian other = std::endian::native == std::endian::little ? std::endian::big : std::endian::little;
  const SourcePtr sources[] = {cast_source(memory_source(bytes), DType::float32, std::endian::native, DType::float16),
                               cast_source(std::make_shared<Unmapped>(memory_source(bytes)), DType::float32,
                                           std::endian::native, DType::float16),
                               cast_source(memory_source(turned), DType::float32, other, DType::float16)};
  for (const SourcePtr& source : sources) {
    ASSERT_EQ(source->size(), expected.size());
    EXPECT_EQ(read_all(*source), expected);
    for (const auto& [offset, size] :
         {std::pair(0U, 0U), std::pair(0U, 1U), std::pair(1U, 1U), std::pair(1U, 70000U), std::pair(3U, 4U),
          std::pair(32767U, 2U), std::pair(79999U, 1U), std::pair(80000U, 0U)}) {
      std::vector<std::byte> found(size);
      source->read_at(offset, found);
      EXPECT_EQ(std::memcmp(found.data(), expected.data() + offset, size), 0) << offset << ", " << size;
    }
    std::vector<std::byte> more(2);
    EXPECT_THROW(source->read_at(79999, more), Error);
  }
}

TEST(CastSource, LeavesOutBytesBehindTheLastElement) {
  const std::vector<std::byte> bytes(7);
  EXPECT_EQ(cast_source(memory_source(bytes), DType::float32, std::endian::native, DType::float64)->size(), 8U);
}

TEST(CastSource, RefusesWhatIsNoNumber) {
  EXPECT_THROW((void)cast_source(memory_source({}), DType::qint8, std::endian::native, DType::float32), Error);
}

TEST(CastStorage, IsReadWhenItIsReadAndCountsWhatWasLost) {
  const std::vector<float> values = {1, 1e9F, 1e-30F, 4};
  const Storage inner =
      storage_over(memory_source(std::as_bytes(std::span(values))), DType::float32, std::endian::native, "cuda:3");
  const Storage cast = cast_storage(inner, DType::float32, DType::float16);
  EXPECT_EQ(cast.location(), "cuda:3");
  EXPECT_EQ(cast.nbytes(), 8U);
  EXPECT_EQ(cast.dtype(), DType::float16);
  EXPECT_TRUE(cast.view().empty());
  EXPECT_EQ(cast_counts(cast).elements, 0U);
  std::vector<std::uint16_t> found(4);
  cast.read(0, std::as_writable_bytes(std::span(found)));
  EXPECT_EQ(found, (std::vector<std::uint16_t>{0x3C00, 0x7C00, 0, 0x4400}));
  const CastCounts counts = cast_counts(cast);
  EXPECT_EQ(counts.elements, 4U);
  EXPECT_EQ(counts.to_infinity, 1U);
  EXPECT_EQ(counts.to_zero, 1U);
}

TEST(CastStorage, TellsWhatItIsMadeOf) {
  const std::vector<float> values = {1, 2};
  const Storage inner = storage_over(memory_source(std::as_bytes(std::span(values))), DType::float32);
  const auto facts = cast_facts(cast_storage(inner, DType::float32, DType::bfloat16));
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->from, DType::float32);
  EXPECT_EQ(facts->to, DType::bfloat16);
  EXPECT_EQ(facts->inner->size(), 8U);
  EXPECT_FALSE(cast_facts(inner));
}

TEST(CastStorage, MayBeReadFromManyThreads) {
  const std::vector<float> values = floats(100000);
  const Storage inner = storage_over(memory_source(std::as_bytes(std::span(values))), DType::float32);
  const Storage cast = cast_storage(inner, DType::float32, DType::float16);
  const std::vector<std::byte> expected =
      read_all(*open_storage(*cast_storage(inner, DType::float32, DType::float16).data()));
  std::vector<std::byte> found(expected.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t at = 0; at < 4; ++at)
      threads.emplace_back([&, at] { cast.read(at * 50000, std::span(found).subspan(at * 50000, 50000)); });
  }
  EXPECT_EQ(found, expected);
  EXPECT_EQ(cast_counts(cast).elements, 100000U);
}

Tensor counted(std::initializer_list<std::int64_t> shape) {
  std::vector<std::int32_t> values(120);
  std::iota(values.begin(), values.end(), 0);
  return Tensor::from(values, shape);
}

TEST(MemoryFormat, ChannelsLastHoldsTheSameElements) {
  const Tensor tensor = counted({2, 3, 4, 5});
  const Tensor last = to_channels_last(tensor);
  EXPECT_FALSE(is_channels_last(tensor));
  EXPECT_TRUE(is_channels_last(last));
  EXPECT_EQ(std::vector<std::int64_t>(last.strides().begin(), last.strides().end()),
            (std::vector<std::int64_t>{60, 1, 15, 3}));
  EXPECT_EQ(last.to_vector<std::int32_t>(), tensor.to_vector<std::int32_t>());
  std::vector<std::int32_t> stored(120);
  last.storage().read(0, std::as_writable_bytes(std::span(stored)));
  EXPECT_EQ(std::vector<std::int32_t>(stored.begin(), stored.begin() + 4), (std::vector<std::int32_t>{0, 20, 40, 1}));
}

TEST(MemoryFormat, GoesThereAndBackFromAnyStrides) {
  const Tensor whole = counted({2, 3, 4, 5});
  const std::int64_t shape[] = {3, 2, 2, 2};
  const std::int64_t strides[] = {20, 60, 5, 2};
  const Tensor part = Tensor::over(whole.storage(), DType::int32, shape, strides, 6);
  const std::vector<std::int32_t> expected = part.to_vector<std::int32_t>();
  EXPECT_EQ(to_channels_last(part).to_vector<std::int32_t>(), expected);
  EXPECT_EQ(to_row_major(to_channels_last(part)).to_vector<std::int32_t>(), expected);
  EXPECT_TRUE(to_row_major(part).is_contiguous());
  EXPECT_EQ(to_row_major(part).storage().nbytes(), 96U);
}

TEST(MemoryFormat, IsForFourDimensionsAndElementsOfOnesOwn) {
  EXPECT_THROW((void)to_channels_last(counted({120})), Error);
  EXPECT_THROW((void)to_row_major(Tensor()), Error);
  EXPECT_TRUE(is_channels_last(counted({1, 1, 12, 10})));
}

}  // namespace
}  // namespace sconce::tensor
