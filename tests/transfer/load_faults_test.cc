// What goes wrong while regions are loaded: named, and nothing is left behind.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "base/fail.h"
#include "transfer/far_port.h"
#include "transfer/pages.h"
#include "transfer/region_set.h"

namespace sconce::transfer::test {
namespace {

constexpr Way kWays[] = {Way::read, Way::sequential, Way::direct, Way::ring, Way::copy};

/// The Error of a load to the host, and of one to a device, which agree in their code. Nothing may be left afterwards.
std::optional<Error> failure(std::span<const Region> regions, const EngineOptions& options, bool onto_device) {
  const auto far = std::make_shared<FarPort>();
  std::optional<Error> error;
  try {
    EngineReport report;
    if (onto_device)
      static_cast<void>(load_to_device(regions, far, options, report));
    else
      static_cast<void>(load_to_host(regions, options, report));
  } catch (const Error& thrown) {
    error = thrown;
  }
  EXPECT_EQ(far->counts->memory, 0);
  EXPECT_EQ(far->counts->staging, 0);
  EXPECT_EQ(far->counts->streams, 0);
  return error;
}

class LoadFaults : public testing::TestWithParam<bool> {};

TEST_P(LoadFaults, WrongChecksumNamesItsRecord) {
  for (const std::uint64_t size : {100UL, 2 * kTask}) {
    RegionSet set;
    set.file("noise", noise(4 * kTask, 1));
    set.add(0, 0, 1000);
    set.add(0, 2000, size).crc32 = 0x12345678;
    set.add(0, 2000 + size, 1000);
    for (const Way way : kWays) {
      EngineOptions options;
      options.way = way;
      const std::optional<Error> error = failure(set.regions(), options, GetParam());
      ASSERT_TRUE(error);
      if (error->code() == ErrorCode::unsupported) continue;
      EXPECT_EQ(error->code(), ErrorCode::checksum) << error->what();
      EXPECT_EQ(error->place().record, "record 1");
      EXPECT_THAT(error->message(), testing::HasSubstr("0x12345678"));
    }
  }
}

TEST_P(LoadFaults, WrongChecksumOfMadeBytesNamesItsRecord) {
  RegionSet set;
  const std::string bytes = noise(3 << 20, 2);
  set.add_source(std::make_shared<MakingSource>(bytes), bytes);
  set.add_source(std::make_shared<MakingSource>(bytes), bytes).crc32 = 1;
  const std::optional<Error> error = failure(set.regions(), {}, GetParam());
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::checksum);
  EXPECT_EQ(error->place().record, "record 1");
}

TEST_P(LoadFaults, SourceOfAnotherSizeIsRefused) {
  RegionSet set;
  set.add_source(string_source("0123456789"), "0123456789").size = 11;
  std::optional<Error> error = failure(set.regions(), {}, GetParam());
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::truncated);
  EXPECT_EQ(error->place().record, "record 0");
  set.regions()[0].size = 9;
  error = failure(set.regions(), {}, GetParam());
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::damaged);
}

/// Loads a file of `5 * kTask` bytes, in small pieces, and calls `change` once when some of them have been read.
std::optional<Error> load_while(const std::string& path, RegionSet& set, Way way, bool onto_device,
                                const std::function<void()>& change) {
  make_cold(path);
  EngineOptions options;
  options.way = way;
  options.threads = 1;
  bool changed = false;
  options.progress = [&](const ProgressReport& progress) {
    if (progress.done == 0 || std::exchange(changed, true)) return;
    change();
  };
  return failure(set.regions(), options, onto_device);
}

TEST_P(LoadFaults, FileThatIsTruncatedMeanwhile) {
  for (const Way way : kWays) {
    RegionSet set;
    set.file("noise", noise(5 * kTask, 3), FileAccess::owned);
    set.add(0, 0, 5 * kTask);
    const std::string path = set.path("noise");
    const std::optional<Error> error = load_while(
        path, set, way, GetParam(), [&] { ASSERT_EQ(::truncate(path.c_str(), static_cast<off_t>(4 * kTask)), 0); });
    ASSERT_TRUE(error) << to_string(way);
    if (error->code() == ErrorCode::unsupported) continue;
    EXPECT_EQ(error->code(), ErrorCode::damaged) << error->what();
    EXPECT_THAT(error->message(), testing::HasSubstr("changed while it was being read"));
    EXPECT_EQ(error->place().file, path);
  }
}

TEST_P(LoadFaults, FileThatIsWrittenToMeanwhile) {
  RegionSet set;
  set.file("noise", noise(5 * kTask, 4));
  set.add(0, 0, 5 * kTask, false);
  const std::string path = set.path("noise");
  const std::optional<Error> error = load_while(path, set, Way::read, GetParam(), [&] {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    ASSERT_EQ(::pwrite(descriptor, "changed", 7, 0), 7);
    ::close(descriptor);
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::damaged) << error->what();
}

TEST_P(LoadFaults, FileThatIsRenamedMeanwhileIsTheSameFile) {
  RegionSet set;
  set.file("noise", noise(5 * kTask, 5));
  set.add(0, 0, 5 * kTask);
  const std::string path = set.path("noise");
  const std::optional<Error> error = load_while(
      path, set, Way::read, GetParam(), [&] { ASSERT_EQ(::rename(path.c_str(), set.path("other").c_str()), 0); });
  EXPECT_FALSE(error) << error->what();
}

TEST_P(LoadFaults, FileThatWasShorterBefore) {
  for (const Way way : kWays) {
    RegionSet set;
    set.file("noise", noise(100000, 6));
    set.add(0, 90000, 10000);
    ASSERT_EQ(::truncate(set.path("noise").c_str(), 95000), 0);
    EngineOptions options;
    options.way = way;
    const std::optional<Error> error = failure(set.regions(), options, GetParam());
    ASSERT_TRUE(error) << to_string(way);
    if (error->code() == ErrorCode::unsupported) continue;
    EXPECT_EQ(error->code(), ErrorCode::truncated) << error->what();
    EXPECT_EQ(error->place().record, "record 0");
  }
}

TEST_P(LoadFaults, CancelledAtEveryStage) {
  RegionSet set;
  set.file("noise", noise(5 * kTask, 7));
  set.add(0, 0, 4 * kTask);
  set.add_source(std::make_shared<MakingSource>(noise(kTask, 8)), noise(kTask, 8));
  for (const Way way : kWays) {
    for (const std::uint64_t after : {std::uint64_t{0}, kTask, 2 * kTask, 4 * kTask}) {
      std::stop_source stop;
      EngineOptions options;
      options.way = way;
      options.cancel = stop.get_token();
      options.progress = [&](const ProgressReport& progress) {
        if (progress.done >= after && progress.done < progress.total) stop.request_stop();
      };
      if (after == 0) stop.request_stop();
      const std::optional<Error> error = failure(set.regions(), options, GetParam());
      ASSERT_TRUE(error || after != 0) << to_string(way);
      EXPECT_TRUE(!error || error->code() == ErrorCode::cancelled || error->code() == ErrorCode::unsupported)
          << error->what();
    }
  }
}

TEST_P(LoadFaults, CancelledWhileRegionsAreOpened) {
  RegionSet set;
  set.file("noise", noise(1000, 9));
  std::stop_source stop;
  for (int region = 0; region < 1000; ++region) {
    Region& added = set.add(0, 0, 1000);
    added.open = [&stop, open = added.open] {
      stop.request_stop();
      return open();
    };
  }
  EngineOptions options;
  options.cancel = stop.get_token();
  const std::optional<Error> error = failure(set.regions(), options, GetParam());
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::cancelled);
}

TEST_P(LoadFaults, WhatProgressThrowsEndsTheLoad) {
  RegionSet set;
  set.file("noise", noise(3 * kTask, 10));
  set.add(0, 0, 3 * kTask);
  EngineOptions options;
  options.progress = [](const ProgressReport&) { throw std::runtime_error("enough"); };
  EXPECT_THROW(static_cast<void>(failure(set.regions(), options, GetParam())), std::runtime_error);
}

TEST_P(LoadFaults, FailedLoadsLeaveNoMemory) {
  RegionSet set;
  set.file("noise", noise(5 * kTask, 12));
  set.add(0, 0, 5 * kTask).crc32 = 1;
  const auto fail_often = [&] {
    for (int time = 0; time < 10; ++time)
      for (const Way way : kWays) {
        EngineOptions options;
        options.way = way;
        ASSERT_TRUE(failure(set.regions(), options, GetParam()));
      }
  };
  fail_often();  // stacks of threads, and arenas of malloc, stay for the next ones
  const std::uint64_t before = address_space();
  fail_often();
  EXPECT_LT(address_space(), before + 10 * kTask) << "fifty loads of five times as much";
}

INSTANTIATE_TEST_SUITE_P(Targets, LoadFaults, testing::Bool(),
                         [](const auto& target) { return target.param ? "OntoDevice" : "IntoMemory"; });

TEST(LoadToHostMemory, TooMuchIsSaidBeforeAnythingIsRead) {
  RegionSet set;
  set.file("noise", noise(1 << 20, 11));
  set.add(0, 0, 1 << 20);
  EngineOptions options;
  options.host_memory = 1 << 19;
  const std::optional<Error> error = failure(set.regions(), options, false);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::memory);
  EXPECT_THAT(error->message(), testing::AllOf(testing::HasSubstr("1048576"), testing::HasSubstr("524288")));
}

TEST(LoadToHostMemory, RegionThatNoMemoryHolds) {
  RegionSet set;
  class Endless final : public ByteSource {
   public:
    std::uint64_t size() const override { return std::uint64_t{1} << 62; }
    void read_at(std::uint64_t, std::span<std::byte>) const override { fail(ErrorCode::io, "nobody reads this"); }
    const std::string& name() const noexcept override { return name_; }

   private:
    std::string name_ = "endless";
  };
  for (int region = 0; region < 6; ++region) {
    Region& added = set.add_source(std::make_shared<Endless>(), "");
    added.size = std::uint64_t{1} << 62;
    added.crc32.reset();
  }
  for (const bool onto_device : {false, true}) {
    const std::optional<Error> error = failure(set.regions(), {}, onto_device);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), ErrorCode::memory) << error->what();
  }
}

TEST(LoadOptions, ViewIsNoWayOfTheEngine) {
  RegionSet set;
  EngineOptions options;
  options.way = Way::view;
  const std::optional<Error> error = failure(set.regions(), options, false);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace sconce::transfer::test
