// Pieces of runs that one thread reads, and by which way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "transfer/plan.h"

namespace sconce::transfer {

struct Range {
  std::uint32_t run = 0;
  std::uint32_t file = 0;
  std::size_t first = 0;  ///< the first part of the run that ends behind `offset`
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t cached = 0;  ///< bytes that are in the page cache, as far as anybody knows
  Way way = Way::read;
  [[nodiscard]] std::uint64_t end() const noexcept { return offset + size; }
};

/// All runs in ranges of at most `most` bytes (a multiple of the page size), in their order. Inside a run ranges meet
/// at pages, so that no two of them touch the same page. Runs with a cast have ranges of `cast_step` bytes, whole
/// elements, instead.
using CastStep = std::function<std::uint64_t(const Run&)>;
[[nodiscard]] std::vector<Range> cut_runs(const Plan& plan, std::uint64_t most, const CastStep& cast_step);

/// Ranges in the order in which threads take them.
struct JobList {
  /// Ranges [first, last) of `order`, one after another by one thread.
  struct Job {
    std::size_t first = 0;
    std::size_t last = 0;
  };
  std::vector<std::uint32_t> order;
  std::vector<Job> jobs;
};

/// What waits for the disk is begun first, and what must be read in order is one job.
[[nodiscard]] JobList order_jobs(std::span<const Range> ranges);

/// Bytes that a plan reads, what lies between regions and goes with them included.
[[nodiscard]] std::uint64_t bytes_to_read(std::span<const Region> regions, const Plan& plan,
                                          std::span<const Range> ranges);
/// Adds what was read, how much of it was in the page cache, and the bytes by way.
void count_reads(std::span<const Region> regions, const Plan& plan, std::span<const Range> ranges,
                 EngineReport& report);

}  // namespace sconce::transfer
