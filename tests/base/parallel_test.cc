// run_parallel(): every piece once, no thread left behind, the first exception wins.
#include "base/parallel.h"

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace sconce {
namespace {

void nothing() {}

TEST(RunParallel, DoesEveryPieceOnce) {
  for (const unsigned threads : {0U, 1U, 2U, 7U}) {
    std::vector<std::atomic<int>> done(1000);
    run_parallel(
        done.size(), threads, [&](std::size_t job, unsigned) { ++done[job]; }, nothing);
    for (const std::atomic<int>& count : done) EXPECT_EQ(count, 1);
  }
}

TEST(RunParallel, NumbersWorkersSoThatEachCanKeepABuffer) {
  std::vector<std::atomic<int>> busy(workers_for(500, 4));
  run_parallel(
      500, 4,
      [&](std::size_t, unsigned worker) {
        ASSERT_LT(worker, busy.size());
        EXPECT_EQ(++busy[worker], 1) << "two pieces at once for one worker";
        std::this_thread::yield();
        --busy[worker];
      },
      nothing);
}

TEST(RunParallel, UsesNoMoreWorkersThanPieces) {
  EXPECT_EQ(workers_for(2, 16), 2U);
  EXPECT_EQ(workers_for(0, 16), 1U);
  EXPECT_EQ(workers_for(1000, 3), 3U);
  EXPECT_GE(workers_for(1000, 0), 1U);
}

TEST(RunParallel, ThrowsTheExceptionOfTheFirstPieceThatFailed) {
  std::atomic<int> begun = 0;
  try {
    run_parallel(
        100000, 4,
        [&](std::size_t job, unsigned) {
          ++begun;
          if (job >= 10) throw std::runtime_error(std::to_string(job));
        },
        nothing);
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    // Pieces are taken in order, so piece 10 was begun before any later one could fail.
    EXPECT_STREQ(error.what(), "10");
  }
  EXPECT_LT(begun, 1000) << "work went on after the failure";
}

TEST(RunParallel, TicksInTheCallersThread) {
  const auto caller = std::this_thread::get_id();
  int ticks = 0;
  run_parallel(
      50, 3, [](std::size_t, unsigned) {},
      [&] {
        EXPECT_EQ(std::this_thread::get_id(), caller);
        ++ticks;
      });
  EXPECT_GE(ticks, 1);
}

TEST(RunParallel, EndsWhereTheTickThrows) {
  std::atomic<int> begun = 0;
  EXPECT_THROW(run_parallel(
                   100000, 2,
                   [&](std::size_t, unsigned) {
                     ++begun;
                     std::this_thread::yield();
                   },
                   [] { throw std::runtime_error("cancelled"); }),
               std::runtime_error);
  EXPECT_LT(begun, 100000);
}

}  // namespace
}  // namespace sconce
