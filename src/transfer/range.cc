#include "transfer/range.h"

#include <algorithm>
#include <array>

#include "transfer/pages.h"

namespace sconce::transfer {
namespace {

void cut_run(const Plan& plan, std::uint32_t number, std::uint64_t most, std::vector<Range>& ranges) {
  const Run& run = plan.runs[number];
  std::size_t first = run.first;
  for (std::uint64_t at = run.offset; at < run.end();) {
    while (plan.parts[first].end() <= at) ++first;
    const std::uint64_t end = std::min(run.end(), page_floor(at) + most);
    ranges.push_back({.run = number, .file = run.file, .first = first, .offset = at, .size = end - at});
    at = end;
  }
}

}  // namespace

std::vector<Range> cut_runs(const Plan& plan, std::uint64_t most) {
  std::vector<Range> ranges;
  for (std::uint32_t run = 0; run < plan.runs.size(); ++run) cut_run(plan, run, most, ranges);
  return ranges;
}

std::vector<std::pair<Way, std::uint64_t>> count_ways(std::span<const Range> ranges) {
  constexpr auto kWays = static_cast<std::size_t>(Way::copy) + 1;
  std::array<std::uint64_t, kWays> bytes{};
  for (const Range& range : ranges) bytes[static_cast<std::size_t>(range.way)] += range.size;
  std::vector<std::pair<Way, std::uint64_t>> ways;
  for (std::size_t way = 0; way < kWays; ++way)
    if (bytes[way] != 0) ways.emplace_back(static_cast<Way>(way), bytes[way]);
  return ways;
}

}  // namespace sconce::transfer
