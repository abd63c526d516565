// Loads beside each other, and readers beside readers: for ThreadSanitizer.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "device/cpu/cpu.h"
#include "transfer/far_port.h"
#include "transfer/region_set.h"

namespace sconce::transfer::test {
namespace {

RegionSet& mixed() {
  static RegionSet set;
  static const bool filled = [] {
    set.file("noise", noise(20 << 20, 1));
    set.add(0, 100, 17 << 20);
    for (std::uint64_t at = 0; at < 500; ++at) set.add(0, (17 << 20) + 1000 + at * 2064, 2000);
    const std::string made = noise(3 << 20, 2);
    set.add_source(std::make_shared<MakingSource>(made), made);
    return true;
  }();
  static_cast<void>(filled);
  return set;
}

TEST(ConcurrentLoad, ManyReadersOfOneLoad) {
  for (const Way way : {Way::automatic, Way::read, Way::copy}) {
    EngineOptions options;
    options.way = way;
    options.threads = 8;
    EngineReport report;
    mixed().expect(load_to_host(mixed().regions(), options, report));
  }
}

TEST(ConcurrentLoad, LoadsBesideEachOtherShareSourcesAndPort) {
  const auto far = std::make_shared<FarPort>();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      EngineOptions options;
      options.threads = 3;
      options.staging = 2 << 20;
      EngineReport report;
      if (thread % 2 == 0) return mixed().expect(load_to_host(mixed().regions(), options, report));
      const std::vector<DeviceBytes> loaded = load_to_device(mixed().regions(), far, options, report);
      for (std::size_t at = 0; at < loaded.size(); ++at) {
        const auto& memory = dynamic_cast<const FarMemory&>(*loaded[at].memory);
        const std::string& expected = mixed().expected()[at];
        ASSERT_TRUE(memory.text(loaded[at].offset, expected.size()) == expected) << at;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(far->counts->memory, 0);
}

TEST(ConcurrentLoad, ReadersShareAWindow) {
  EngineOptions options;
  options.threads = 8;
  EngineReport report;
  const auto loaded = load_to_device(mixed().regions(), device::open_cpu({}).ports.at(0), options, report);
  const std::string& expected = mixed().expected()[0];
  const auto* begin = reinterpret_cast<const char*>(loaded[0].memory->address()) + loaded[0].offset;
  EXPECT_TRUE(std::string_view(begin, expected.size()) == expected);
}

}  // namespace
}  // namespace sconce::transfer::test
