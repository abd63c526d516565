#include "base/work.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace sconce {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

TEST(WorkMeter, ReportsNowAndThenAndAtTheEnd) {
  std::vector<std::uint64_t> reports;
  const ProgressFunction progress = [&](const ProgressReport& report) {
    EXPECT_EQ(report.stage, "hash");
    EXPECT_EQ(report.total, 10 * kMiB);
    reports.push_back(report.done);
  };
  WorkMeter meter(progress, {}, "hash", 10 * kMiB);
  for (int i = 0; i < 10; ++i) meter.advance(kMiB);
  EXPECT_THAT(reports, testing::ElementsAre(4 * kMiB, 8 * kMiB, 10 * kMiB));
}

TEST(WorkMeter, NeedsNoOneToListen) {
  const ProgressFunction nobody;
  WorkMeter meter(nobody, {}, "write", 0);
  EXPECT_NO_THROW(meter.advance(kMiB));
}

TEST(WorkMeter, StopsWhenTheCallerWantsItTo) {
  const ProgressFunction nobody;
  const auto stop = std::make_unique<std::stop_source>();  // g++ 12 warns about one on the stack
  WorkMeter meter(nobody, stop->get_token(), "write", 100);
  meter.advance(1);
  stop->request_stop();
  try {
    meter.advance(1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
}

TEST(WorkMeter, LetsExceptionsOfTheListenerPass) {
  const ProgressFunction progress = [](const ProgressReport&) { throw std::runtime_error("enough"); };
  WorkMeter meter(progress, {}, "write", 1);
  EXPECT_THROW(meter.advance(1), std::runtime_error);
}

}  // namespace
}  // namespace sconce
