// Casts by OpenCL give what the CPU gives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "device/opencl_fixture.h"
#include "tensor/cast.h"

namespace sconce::device {
namespace {

using ::testing::HasSubstr;

std::vector<std::byte> cast_on(const Port& port, DType to, DType from, std::span<const std::byte> in,
                               std::uint64_t shift = 0) {
  const std::uint64_t count = in.size() / element_size(from);
  const MemoryPtr source = port.allocate(in.size() + shift);
  const MemoryPtr target = port.allocate(count * element_size(to) + shift);
  std::vector<std::byte> out(static_cast<std::size_t>(count * element_size(to)));
  const auto stream = port.stream();
  stream->copy_in({source.get(), shift, in.size()}, in);
  stream->cast({target.get(), shift, out.size()}, to, {source.get(), shift, in.size()}, from);
  stream->copy_out(out, {target.get(), shift, out.size()});
  return out;
}

std::vector<std::byte> cast_here(DType to, DType from, std::span<const std::byte> in) {
  const std::uint64_t count = in.size() / element_size(from);
  std::vector<std::byte> out(static_cast<std::size_t>(count * element_size(to)));
  tensor::cast_elements(from, in.data(), to, out.data(), count);
  return out;
}

template <typename Bits>
std::span<const std::byte> bytes_of_all(const std::vector<Bits>& values) {
  return std::as_bytes(std::span(values));
}

/// Every half, what lies next to it among the floats and halfway to the next; and floats from all over.
std::vector<std::uint32_t> telling_floats() {
  std::vector<std::uint32_t> floats;
  for (std::uint32_t high = 0; high < 0x10000; ++high) {
    for (const std::uint32_t low :
         {0x0000U, 0x0001U, 0x0fffU, 0x1000U, 0x1001U, 0x2000U, 0x7fffU, 0x8000U, 0x8001U, 0xffffU})
      floats.push_back(high << 16 | low);
  }
  for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += 4099)
    floats.push_back(static_cast<std::uint32_t>(bits));
  return floats;
}

class OpenClCasts : public OpenCl {
 protected:
  void SetUp() override {
    OpenCl::SetUp();
    if (port_ == nullptr) return;
    if (!port_->casts(DType::float16, DType::float32)) GTEST_SKIP() << "this OpenCL device builds no kernels";
  }
};

TEST_F(OpenClCasts, AllHalvesWidenAsOnTheCpu) {
  std::vector<std::uint16_t> all(65536);
  std::iota(all.begin(), all.end(), std::uint16_t{0});
  for (const DType from : {DType::float16, DType::bfloat16})
    EXPECT_EQ(cast_on(*port_, DType::float32, from, bytes_of_all(all)),
              cast_here(DType::float32, from, bytes_of_all(all)))
        << to_string(from);
}

TEST_F(OpenClCasts, FloatsNarrowAsOnTheCpu) {
  const auto floats = telling_floats();
  for (const DType to : {DType::float16, DType::bfloat16})
    EXPECT_EQ(cast_on(*port_, to, DType::float32, bytes_of_all(floats)),
              cast_here(to, DType::float32, bytes_of_all(floats)))
        << to_string(to);
}

TEST_F(OpenClCasts, WorkForAnyCountAndAnyPlace) {
  const auto bytes = pattern(4 * 1031);
  for (const std::size_t count : {1U, 2U, 255U, 256U, 257U, 1031U})
    for (const std::uint64_t shift : {0U, 1U, 2U, 3U}) {
      const auto in = std::span(bytes).first(4 * count);
      EXPECT_EQ(cast_on(*port_, DType::float16, DType::float32, in, shift),
                cast_here(DType::float16, DType::float32, in))
          << count << " elements from byte " << shift;
    }
}

TEST_F(OpenClCasts, LeaveTheBytesBesideAlone) {
  const std::vector<float> ones(100, 1.0F);
  const MemoryPtr source = port_->allocate(400);
  const MemoryPtr target = port_->allocate(1000);
  const auto stream = port_->stream();
  stream->fill({target.get(), 0, 1000}, std::byte{0x55});
  stream->copy_in({source.get(), 0, 400}, std::as_bytes(std::span(ones)));
  stream->cast({target.get(), 300, 200}, DType::bfloat16, {source.get(), 0, 400}, DType::float32);
  stream->synchronise();
  const auto bytes = read_back(*port_, target);
  EXPECT_EQ(bytes[299], std::byte{0x55});
  EXPECT_EQ(bytes[500], std::byte{0x55});
  EXPECT_EQ(bytes[301], std::byte{0x3f});
  EXPECT_EQ(bytes[499], std::byte{0x3f});
}

TEST_F(OpenCl, CastsThatItDoesNotDoAreRefused) {
  EXPECT_FALSE(port_->casts(DType::float32, DType::int64));
  const MemoryPtr memory = port_->allocate(64);
  const auto [code, text] = error_of([&] {
    port_->stream()->cast({memory.get(), 0, 32}, DType::float32, {memory.get(), 32, 32}, DType::int64);
  });
  EXPECT_EQ(code, ErrorCode::unsupported);
  EXPECT_THAT(text, HasSubstr("opencl:0 does not cast int64 to float32"));
}

}  // namespace
}  // namespace sconce::device
