// load_to_device(): the same bytes on devices that the host does not see, and on those that show their memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "device/cpu/cpu.h"
#include "transfer/far_port.h"
#include "transfer/pages.h"
#include "transfer/region_set.h"

namespace sconce::transfer::test {
namespace {

constexpr Way kWays[] = {Way::automatic, Way::read, Way::sequential, Way::direct, Way::ring, Way::copy};

void expect_on_device(const RegionSet& set, std::span<const DeviceBytes> loaded) {
  ASSERT_EQ(loaded.size(), set.expected().size());
  for (std::size_t at = 0; at < loaded.size(); ++at) {
    const std::string& expected = set.expected()[at];
    if (expected.empty()) continue;
    const auto* begin = reinterpret_cast<const char*>(loaded[at].memory->address()) + loaded[at].offset;
    EXPECT_EQ(loaded[at].offset % 512, 0U);
    ASSERT_TRUE(std::string_view(begin, expected.size()) == expected) << "region " << at << " of " << expected.size();
  }
}

/// Onto a far device with much and with little staging memory, and onto the CPU.
void all_ways_agree(RegionSet& set) {
  const device::PortPtr cpu = device::open_cpu({}).ports.at(0);
  for (const Way way : kWays) {
    for (const std::uint64_t staging : {std::uint64_t{256} << 20, std::uint64_t{1} << 20, std::uint64_t{1}}) {
      SCOPED_TRACE(std::string(to_string(way)) + ", staging: " + std::to_string(staging));
      EngineOptions options;
      options.way = way;
      options.threads = 3;
      options.staging = staging;
      EngineReport report;
      try {
        const auto far = std::make_shared<FarPort>();
        expect_on_device(set, load_to_device(set.regions(), far, options, report));
        EXPECT_EQ(far->counts->memory, 0);
        EXPECT_EQ(far->counts->staging, 0);
        expect_on_device(set, load_to_device(set.regions(), cpu, options, report));
      } catch (const Error& error) {
        ASSERT_TRUE(error.code() == ErrorCode::unsupported && way != Way::automatic) << error.what();
      }
    }
  }
}

TEST(LoadToDevice, SizesAroundAlignmentsAgreeByAllWays) {
  RegionSet set;
  set.file("noise", noise(kTask + 12345, 1));
  for (const std::uint64_t off : {511UL, 512UL, 4095UL, 4096UL, 4097UL, 100000UL, kTask})
    for (const std::uint64_t size : {1UL, 511UL, 512UL, 513UL, 4095UL, 4096UL, 4097UL}) set.add(0, off, size);
  all_ways_agree(set);
}

TEST(LoadToDevice, LargeRegionsBetweenSmallOnes) {
  RegionSet set;
  set.file("noise", noise(4 * kTask, 2));
  std::uint64_t at = 77;
  for (const std::uint64_t size : {100UL, 2 * kTask + 5, 3000UL, 4000UL, (std::uint64_t{1} << 20) + 1, 64UL}) {
    set.add(0, at, size);
    at += size + 64;
  }
  all_ways_agree(set);
}

TEST(LoadToDevice, ManySmallRegionsAreFewCopies) {
  RegionSet set;
  set.file("noise", noise(4 << 20, 3));
  for (std::uint64_t at = 64; at + 1000 < (4 << 20); at += 1088) set.add(0, at, 1000);
  const auto far = std::make_shared<FarPort>();
  EngineReport report;
  expect_on_device(set, load_to_device(set.regions(), far, {}, report));
  EXPECT_LE(far->counts->copies, 12) << set.regions().size() << " regions";
  all_ways_agree(set);
}

TEST(LoadToDevice, SourcesThatAreNoFilesAndEmptyRegions) {
  RegionSet set;
  const std::string large = noise(kTask + 5, 4);
  set.add_source(std::make_shared<MakingSource>(large), large);
  set.add_source(std::make_shared<MakingSource>(""), "");
  for (std::uint32_t at = 0; at < 2000; ++at) {
    const std::string bytes = noise(1 + at % 300, at);
    set.add_source(std::make_shared<MakingSource>(bytes), bytes, at % 2 == 0);
  }
  all_ways_agree(set);
}

TEST(LoadToDevice, ColdFilesAgreeByAllWays) {
  RegionSet set;
  set.file("noise", noise(3 * kTask, 5));
  set.add(0, 64, 2 * kTask);
  set.add(0, 2 * kTask + 128, 100);
  make_cold(set.path("noise"));
  EngineReport report;
  expect_on_device(set, load_to_device(set.regions(), std::make_shared<FarPort>(), {}, report));
  all_ways_agree(set);
}

TEST(LoadToDevice, StagingStaysInItsBounds) {
  RegionSet set;
  set.file("noise", noise(8 * kTask, 6));
  set.add(0, 100, 7 * kTask);
  set.add(0, 7 * kTask + 200, 5000);
  for (const std::uint64_t staging : {256UL << 10, 1UL << 20, 20UL << 20, 256UL << 20}) {
    for (const unsigned threads : {1U, 2U, 40U}) {
      EngineOptions options;
      options.staging = staging;
      options.threads = threads;
      const auto far = std::make_shared<FarPort>();
      EngineReport report;
      expect_on_device(set, load_to_device(set.regions(), far, options, report));
      EXPECT_LE(static_cast<std::uint64_t>(far->counts->most_staging), staging);
      EXPECT_LE(report.staging, staging);
      EXPECT_GE(report.staging, static_cast<std::uint64_t>(far->counts->most_staging));
    }
  }
}

TEST(LoadToDevice, SmallLoadsTakeSmallBuffers) {
  RegionSet set;
  set.file("noise", noise(10000, 7));
  set.add(0, 100, 9000);
  EngineReport report;
  expect_on_device(set, load_to_device(set.regions(), std::make_shared<FarPort>(), {}, report));
  EXPECT_LE(report.staging, 64U << 10);
}

TEST(LoadToDevice, TooLittleMemoryIsSaidBeforeAnythingIsRead) {
  RegionSet set;
  set.file("noise", noise(3 << 20, 8));
  set.add(0, 0, 1 << 20);
  set.add(0, 1 << 20, 1 << 20);
  EngineReport report;
  try {
    static_cast<void>(load_to_device(set.regions(), std::make_shared<FarPort>((2U << 20) - 1), {}, report));
    FAIL() << "loaded";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::memory);
    EXPECT_THAT(error.message(), testing::HasSubstr("far device"));
  }
  EXPECT_EQ(report.bytes_read, 0U);
}

TEST(LoadToDevice, RegionLargerThanTheLargestBlockIsNamed) {
  RegionSet set;
  set.file("noise", noise(3 << 20, 9));
  set.add(0, 0, 3 << 20);
  EngineReport report;
  try {
    static_cast<void>(load_to_device(set.regions(), std::make_shared<FarPort>(4U << 20), {}, report));
    FAIL() << "loaded";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::memory);
    EXPECT_EQ(error.place().record, "record 0");
  }
}

TEST(LoadToDevice, DeviceLostInTheMiddleLeavesNothing) {
  RegionSet set;
  set.file("noise", noise(4 * kTask, 10));
  set.add(0, 0, 4 * kTask);
  const auto far = std::make_shared<FarPort>(std::uint64_t{1} << 30, 3);
  EngineOptions options;
  options.staging = 4 << 20;
  EngineReport report;
  try {
    static_cast<void>(load_to_device(set.regions(), far, options, report));
    FAIL() << "loaded";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::device);
  }
  EXPECT_EQ(far->counts->memory, 0);
  EXPECT_EQ(far->counts->staging, 0);
  EXPECT_EQ(far->counts->streams, 0);
}

}  // namespace
}  // namespace sconce::transfer::test
