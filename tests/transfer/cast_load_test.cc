// Regions that are cast on their way: by every way, on the host and on devices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "device/fake_cuda.h"
#include "device/opencl_here.h"
#include "tensor/cast.h"
#include "tensor/cast_count.h"
#include "tensor/swap.h"
#include "transfer/cast_region.h"
#include "transfer/far_port.h"
#include "transfer/pages.h"
#include "transfer/region_set.h"

namespace sconce::transfer::test {
namespace {

/// Regions with casts, what they must become, and what was counted of them.
class CastSet {
 public:
  CastSet() { set_.file("noise", bytes_); }

  /// Plain bytes of the file; `in_file`: false where they come from a source that makes them.
  void add(std::uint64_t offset, std::uint64_t size, DType from, DType to, bool in_file = true,
           std::endian order = std::endian::native) {
    std::string plain = bytes_.substr(offset, size);
    Region& region =
        in_file ? set_.add(0, offset, size) : set_.add_source(std::make_shared<MakingSource>(plain), plain);
    if (order != std::endian::native)
      tensor::swap_in_place(std::as_writable_bytes(std::span(plain)), info(from).swap_unit);
    const std::uint64_t count = size / element_size(from);
    const auto* const elements = reinterpret_cast<const std::byte*>(plain.data());
    tensor::add(expected_counts, tensor::count_cast(from, elements, to, count));
    std::string become(count * element_size(to), '\0');
    tensor::cast_elements(from, elements, to, reinterpret_cast<std::byte*>(become.data()), count);
    Cast cast{from, to, order, size, std::make_shared<tensor::CastCounter>(from, to), {}};
    cast.count = [this](const CastCounts& counts) {
      elements_ += counts.elements;
      infinities_ += counts.to_infinity;
    };
    region.cast = cast;
    region.size = become.size();
    become_.push_back(std::move(become));
  }

  /// A mixture: shrinking and growing, large and tiny, odd offsets, bytes behind the last element, another byte order.
  void add_mixture() {
    add(64, (5 << 20) / 2 + 4, DType::float32, DType::float16);
    add((3 << 20) + 129, (1 << 20) + 2, DType::float16, DType::float32);
    add((5 << 20) + 301, 4097, DType::uint8, DType::float64);
    add((5 << 20) + 8000, 3 * kPage + 3, DType::float32, DType::bfloat16);
    add((5 << 20) + 30000, 6, DType::bfloat16, DType::float32);
    add((5 << 20) + 30010, 3, DType::float32, DType::float16);  // no element
    add((5 << 20) + 40000, 80000, DType::float32, DType::float64, true, std::endian::big);
    add(77, (1 << 20) + 5, DType::float64, DType::float32, false);
    add(99, 1001, DType::float16, DType::float32, false);
  }

  [[nodiscard]] std::vector<Region>& regions() noexcept { return set_.regions(); }
  [[nodiscard]] const std::vector<std::string>& become() const noexcept { return become_; }
  [[nodiscard]] std::string path() const { return set_.path("noise"); }
  [[nodiscard]] std::uint64_t plain_bytes() const {
    std::uint64_t bytes = 0;
    for (const std::string& plain : set_.expected()) bytes += plain.size();
    return bytes;
  }

  /// Counts since the last time.
  void expect_counts() {
    EXPECT_EQ(elements_.exchange(0), expected_counts.elements);
    EXPECT_EQ(infinities_.exchange(0), expected_counts.to_infinity);
  }
  void expect_host(std::span<const HostBytes> loaded) const {
    ASSERT_EQ(loaded.size(), become_.size());
    for (std::size_t at = 0; at < loaded.size(); ++at)
      ASSERT_TRUE(text_of(loaded[at].bytes) == become_[at]) << "region " << at;
  }
  void expect_device(std::span<const DeviceBytes> loaded, const device::Port& port) const {
    ASSERT_EQ(loaded.size(), become_.size());
    const auto stream = port.stream();
    for (std::size_t at = 0; at < loaded.size(); ++at) {
      if (become_[at].empty()) continue;
      std::string found(become_[at].size(), '\0');
      stream->copy_out(std::as_writable_bytes(std::span(found)),
                       {loaded[at].memory.get(), loaded[at].offset, found.size()});
      ASSERT_TRUE(found == become_[at]) << "region " << at;
    }
  }

  CastCounts expected_counts;

 private:
  const std::string bytes_ = noise(6 << 20, 21);
  RegionSet set_;
  std::vector<std::string> become_;
  std::atomic<std::uint64_t> elements_ = 0;
  std::atomic<std::uint64_t> infinities_ = 0;
};

constexpr Way kWays[] = {Way::automatic, Way::read, Way::sequential, Way::direct, Way::ring, Way::copy};

/// False where this machine does not have the way.
template <typename Load>
bool possible(Load&& load) {
  try {
    load();
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unsupported) throw;
    return false;
  }
}

void all_places_agree(CastSet& set, const device::PortPtr& port) {
  for (const CastPlace place : {CastPlace::automatic, CastPlace::host, CastPlace::device}) {
    for (const Way way : kWays) {
      for (const std::uint64_t staging : {256UL << 10, 20UL << 20}) {
        EngineOptions options;
        options.way = way;
        options.cast_place = place;
        options.staging = staging;
        EngineReport report;
        std::vector<DeviceBytes> loaded;
        if (!possible([&] { loaded = load_to_device(set.regions(), port, options, report); })) continue;
        set.expect_device(loaded, *port);
        set.expect_counts();
        EXPECT_EQ(report.checksums, 8U);
        EXPECT_LE(report.staging, std::max<std::uint64_t>(staging, 256U << 10));
      }
    }
  }
}

TEST(CastLoad, OnTheHostAgreesByAllWaysAndThreads) {
  CastSet set;
  set.add_mixture();
  for (const Way way : kWays) {
    for (const unsigned threads : {1U, 3U}) {
      EngineOptions options;
      options.way = way;
      options.threads = threads;
      EngineReport report;
      std::vector<HostBytes> loaded;
      if (!possible([&] { loaded = load_to_host(set.regions(), options, report); })) continue;
      set.expect_host(loaded);
      set.expect_counts();
      EXPECT_EQ(report.checksums, 8U) << "all but the one that has no element";
      EXPECT_EQ(report.bytes_read, set.plain_bytes() - 3);
    }
  }
}

TEST(CastLoad, ColdFilesAgree) {
  CastSet set;
  set.add_mixture();
  make_cold(set.path());
  EngineReport report;
  set.expect_host(load_to_host(set.regions(), {}, report));
  set.expect_counts();
}

TEST(CastLoad, PlainNeighboursStayWhatTheyAre) {
  RegionSet set;
  const std::string bytes = noise(1 << 20, 5);
  set.file("noise", bytes);
  set.add(0, 64, 4096);
  Region& cast = set.add(0, 4160, 4000);
  cast.cast = Cast{DType::uint8, DType::int16, std::endian::native, 4000, nullptr, {}};
  cast.size = 8000;
  set.add(0, 8160, 70000);
  for (const Way way : kWays) {
    EngineOptions options;
    options.way = way;
    EngineReport report;
    std::vector<HostBytes> loaded;
    if (!possible([&] { loaded = load_to_host(set.regions(), options, report); })) continue;
    EXPECT_TRUE(text_of(loaded[0].bytes) == set.expected()[0]);
    EXPECT_TRUE(text_of(loaded[2].bytes) == set.expected()[2]);
    for (std::size_t at = 0; at < 4000; ++at) {
      std::int16_t element = 0;
      std::memcpy(&element, loaded[1].bytes.data() + 2 * at, 2);
      ASSERT_EQ(element, static_cast<std::uint8_t>(bytes[4160 + at])) << at;
    }
  }
}

TEST(CastLoad, WrongChecksumIsNamedOnTheHostAndOnADevice) {
  for (const std::size_t wrong : {0U, 1U, 2U, 3U, 7U}) {
    CastSet set;
    set.add_mixture();
    *set.regions()[wrong].crc32 ^= 1U;
    const auto expect_named = [&](auto&& load) {
      try {
        load();
        ADD_FAILURE() << "loaded";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::checksum);
        EXPECT_EQ(error.place().record, "record " + std::to_string(wrong));
      }
    };
    EngineReport report;
    expect_named([&] { static_cast<void>(load_to_host(set.regions(), {}, report)); });
    const auto far = std::make_shared<FarPort>();
    expect_named([&] { static_cast<void>(load_to_device(set.regions(), far, {}, report)); });
    EXPECT_EQ(far->counts->memory, 0);
    EXPECT_EQ(far->counts->staging, 0);
  }
}

TEST(CastLoad, DevicesAgreeWhereverTheCastIs) {
  device::FakeCuda fake;
  {
    const Devices devices(device::FakeCuda::search());
    CastSet set;
    set.add_mixture();
    all_places_agree(set, device::port_of(devices, {DeviceType::cuda, 0}));
  }
  EXPECT_EQ(fake.leftovers(), "");
}

TEST(CastLoad, GrowingCastsAreTheDevicesAndShrinkingTheHosts) {
  device::FakeCuda fake;
  const Devices devices(device::FakeCuda::search());
  const device::PortPtr port = device::port_of(devices, {DeviceType::cuda, 0});
  CastSet shrinking;
  shrinking.add(0, 1 << 20, DType::float32, DType::float16);
  CastSet growing;
  growing.add(0, 1 << 20, DType::float16, DType::float32);
  EngineReport report;
  EngineOptions options;
  shrinking.expect_device(load_to_device(shrinking.regions(), port, options, report), *port);
  EXPECT_EQ(fake->calls("cuLaunchKernel"), 0);
  options.cast_place = CastPlace::device;
  shrinking.expect_device(load_to_device(shrinking.regions(), port, options, report), *port);
  const long asked = fake->calls("cuLaunchKernel");
  EXPECT_GT(asked, 0);
  growing.expect_device(load_to_device(growing.regions(), port, {}, report), *port);
  const long grown = fake->calls("cuLaunchKernel");
  EXPECT_GT(grown, asked);
  options.cast_place = CastPlace::host;
  growing.expect_device(load_to_device(growing.regions(), port, options, report), *port);
  EXPECT_EQ(fake->calls("cuLaunchKernel"), grown);
}

TEST(CastLoad, OpenclAgrees) {
  const device::Backend opencl = device::opencl_here();
  if (opencl.ports.empty()) GTEST_SKIP() << opencl.absence;
  CastSet set;
  set.add_mixture();
  all_places_agree(set, opencl.ports.front());
}

}  // namespace
}  // namespace sconce::transfer::test
