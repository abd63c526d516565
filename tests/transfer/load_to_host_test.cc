// load_to_host(): the bytes of every region, whatever the way, wherever they lie.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "base/fail.h"
#include "transfer/pages.h"
#include "transfer/plan.h"
#include "transfer/region_set.h"

namespace sconce::transfer::test {
namespace {

constexpr Way kWays[] = {Way::automatic, Way::read, Way::sequential, Way::direct, Way::ring, Way::copy};

/// Loads by one way; skips where the machine does not have it.
std::vector<HostBytes> load(RegionSet& set, Way way, EngineReport& report, unsigned threads = 0) {
  EngineOptions options;
  options.way = way;
  options.threads = threads;
  return load_to_host(set.regions(), options, report);
}

void all_ways_agree(RegionSet& set) {
  for (const Way way : kWays) {
    for (const unsigned threads : {1U, 3U}) {
      SCOPED_TRACE(std::string(to_string(way)) + ", threads: " + std::to_string(threads));
      EngineReport report;
      try {
        set.expect(load(set, way, report, threads));
      } catch (const Error& error) {
        ASSERT_TRUE(error.code() == ErrorCode::unsupported && way != Way::automatic) << error.what();
        continue;
      }
      for (const auto& [used, bytes] : report.ways) {
        EXPECT_TRUE(way == Way::automatic || used == way) << to_string(used);
        EXPECT_GT(bytes, 0U);
      }
    }
  }
}

TEST(LoadToHost, SizesAndOffsetsAroundAlignmentsAgreeByAllWays) {
  RegionSet set;
  const std::string bytes = noise(3 * kTask + 12345, 1);
  set.file("noise", bytes);
  for (const std::uint64_t unit : {512UL, 4096UL, kTask}) {
    for (const std::uint64_t off : {unit - 1, unit, unit + 1})
      for (const std::uint64_t size : {1UL, 511UL, 512UL, 513UL, 4095UL, 4096UL, 4097UL}) set.add(0, off, size);
  }
  set.add(0, bytes.size() - 1, 1);
  set.add(0, bytes.size() - 5000, 5000);
  all_ways_agree(set);
}

TEST(LoadToHost, OneLargeRegionAgreesByAllWays) {
  RegionSet set;
  set.file("noise", noise(5 * kTask + 77, 2));
  set.add(0, 13, 5 * kTask + 64);
  all_ways_agree(set);
}

TEST(LoadToHost, ColdFilesAgreeByAllWays) {
  RegionSet set;
  set.file("noise", noise(3 * kTask + 1000, 3));
  set.add(0, 64, 2 * kTask);
  set.add(0, 2 * kTask + 128, 100);
  set.add(0, 2 * kTask + 256, kTask);
  for (const Way way : kWays) {
    make_cold(set.path("noise"));
    EngineReport report;
    try {
      set.expect(load(set, way, report));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported) << error.what();
    }
  }
}

TEST(LoadToHost, ManySmallRegionsWithAndWithoutGaps) {
  RegionSet set;
  set.file("noise", noise(4 << 20, 4));
  std::uint64_t at = 100;
  for (int region = 0; at < (4 << 20) - 100000; ++region) {
    const std::uint64_t size = 1 + static_cast<std::uint64_t>(region * 37 % 5000);
    set.add(0, at, size, region % 3 != 0);
    at += size + (region % 50 == 0 ? 70000 : static_cast<std::uint64_t>(region % 7) * 64);
  }
  all_ways_agree(set);
}

TEST(LoadToHost, RegionsOfSeveralFilesInAnyOrder) {
  RegionSet set;
  set.file("a", noise(1 << 20, 5));
  set.file("b", noise(kTask + 999, 6));
  set.file("c", noise(1, 7));
  set.add(1, kTask - 50, 1000);
  set.add(0, 5000, 1 << 19);
  set.add(2, 0, 1);
  set.add(1, 0, kTask - 100);
  set.add(0, 0, 4999);
  all_ways_agree(set);
}

TEST(LoadToHost, OverlappingRegionsShareTheirBytes) {
  RegionSet set;
  set.file("noise", noise(2 * kTask, 8));
  set.add(0, 0, 2 * kTask);
  for (std::uint64_t at = 0; at < 2 * kTask - 5000; at += kTask / 7) set.add(0, at, 4321);
  set.add(0, 100, kTask + 100);
  all_ways_agree(set);
}

TEST(LoadToHost, SourcesThatAreNoFiles) {
  RegionSet set;
  const std::string large = noise(2 * kTask + 5, 9);
  set.add_source(std::make_shared<MakingSource>(large), large);
  set.add_source(string_source(large), large);
  set.add_source(std::make_shared<MakingSource>("small"), "small");
  set.file("noise", noise(100000, 10));
  set.add(0, 1, 99999);
  all_ways_agree(set);
}

TEST(LoadToHost, EmptyRegionsAndNoRegions) {
  RegionSet set;
  all_ways_agree(set);
  set.file("noise", noise(1000, 11));
  set.add(0, 0, 0);
  set.add(0, 500, 500);
  set.add(0, 1000, 0);
  set.add_source(std::make_shared<MakingSource>(""), "");
  all_ways_agree(set);
}

TEST(LoadToHost, NeighboursShareABlockAndFarRegionsDoNotWasteMemory) {
  RegionSet set;
  set.file("noise", noise(8 << 20, 12));
  set.add(0, 64, 5000);
  set.add(0, 5120, 5000);
  set.add(0, 7 << 20, 5000);
  EngineReport report;
  const std::uint64_t before = address_space();
  const std::vector<HostBytes> loaded = load(set, Way::read, report, 1);
  EXPECT_EQ(loaded[1].bytes.data() - loaded[0].bytes.data(), 5120 - 64) << "the layout of the file";
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which take address space of their own
  EXPECT_LE(address_space() - before, 32768U);
#else
  static_cast<void>(before);
#endif
  EXPECT_LE(report.bytes_read, 20000U);
}

TEST(LoadToHost, AddressesHaveTheAlignmentOfTheFileOrTheOneAskedFor) {
  RegionSet set;
  set.file("noise", noise(100000, 13));
  for (std::uint64_t at = 1; at < 90000; at += 9999) set.add(0, at, 4001).alignment = 16;
  EngineReport report;
  const std::vector<HostBytes> loaded = load(set, Way::automatic, report);
  set.expect(loaded);
  for (const HostBytes& bytes : loaded) EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.bytes.data()) % 16, 0U);
}

TEST(LoadToHost, BytesLiveAsLongAsTheirOwner) {
  std::vector<HostBytes> loaded;
  {
    RegionSet set;
    set.file("noise", noise(10000, 14));
    set.add(0, 0, 10000);
    EngineReport report;
    loaded = load(set, Way::read, report);
  }
  EXPECT_EQ(text_of(loaded[0].bytes), noise(10000, 14));
}

TEST(LoadToHost, ReportsWhatItDid) {
  RegionSet set;
  set.file("noise", noise(3 * kTask, 15));
  set.add(0, 0, kTask);
  set.add(0, kTask, kTask, false);
  set.add(0, 2 * kTask, 100);
  EngineReport report;
  static_cast<void>(load(set, Way::read, report));
  EXPECT_EQ(report.bytes_read, 2 * kTask + 100);
  EXPECT_EQ(report.checksums, 2U);
  EXPECT_EQ(report.ways, (std::vector<std::pair<Way, std::uint64_t>>{{Way::read, 2 * kTask + 100}}));
  EXPECT_GT(report.read_seconds, 0);
}

TEST(LoadToHost, ProgressReachesItsTotalInTheCallersThread) {
  RegionSet set;
  set.file("noise", noise(3 * kTask, 16));
  set.add(0, 0, 3 * kTask);
  EngineOptions options;
  const auto caller = std::this_thread::get_id();
  std::uint64_t done = 0;
  options.progress = [&](const ProgressReport& progress) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_EQ(progress.stage, "load");
    EXPECT_GE(progress.done, done);
    EXPECT_EQ(progress.total, 3 * kTask);
    done = progress.done;
  };
  EngineReport report;
  static_cast<void>(load_to_host(set.regions(), options, report));
  EXPECT_EQ(done, 3 * kTask);
}

}  // namespace
}  // namespace sconce::transfer::test
