#include "transfer/range.h"

#include <algorithm>
#include <numeric>

#include "transfer/pages.h"

namespace sconce::transfer {
namespace {

void cut_run(const Plan& plan, std::uint32_t number, std::uint64_t most, const CastStep& cast_step,
             std::vector<Range>& ranges) {
  const Run& run = plan.runs[number];
  const std::uint64_t step = run.cast ? cast_step(run) : 0;
  std::size_t first = run.first;
  for (std::uint64_t at = run.offset; at < run.end();) {
    while (plan.parts[first].end() <= at) ++first;
    const std::uint64_t end = std::min(run.end(), run.cast ? at + step : page_floor(at) + most);
    ranges.push_back({.run = number, .file = run.file, .first = first, .offset = at, .size = end - at});
    at = end;
  }
}

}  // namespace

std::vector<Range> cut_runs(const Plan& plan, std::uint64_t most, const CastStep& cast_step) {
  std::vector<Range> ranges;
  for (std::uint32_t run = 0; run < plan.runs.size(); ++run) cut_run(plan, run, most, cast_step, ranges);
  return ranges;
}

JobList order_jobs(std::span<const Range> ranges) {
  JobList list;
  list.order.resize(ranges.size());
  std::iota(list.order.begin(), list.order.end(), 0U);
  const auto rank = [&](std::uint32_t at) {
    const Way way = ranges[at].way;
    return way == Way::sequential ? 0 : way == Way::direct || way == Way::ring ? 1 : 2;
  };
  std::stable_sort(list.order.begin(), list.order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return rank(a) < rank(b); });
  std::size_t at = 0;
  while (at < list.order.size() && rank(list.order[at]) == 0) ++at;
  if (at != 0) list.jobs.push_back({0, at});
  for (; at < list.order.size(); ++at) list.jobs.push_back({at, at + 1});
  return list;
}

std::uint64_t bytes_to_read(std::span<const Region> regions, const Plan& plan, std::span<const Range> ranges) {
  std::uint64_t bytes = 0;
  for (const Range& range : ranges) bytes += range.size;
  for (const std::uint32_t region : plan.made) bytes += regions[region].plain_size();
  return bytes;
}

void count_reads(std::span<const Region> regions, const Plan& plan, std::span<const Range> ranges,
                 EngineReport& report) {
  report.bytes_read += bytes_to_read(regions, plan, ranges);
  for (const Range& range : ranges) {
    report.cached += range.cached;
    const auto known = std::find_if(report.ways.begin(), report.ways.end(),
                                    [&](const auto& entry) { return entry.first == range.way; });
    if (known != report.ways.end())
      known->second += range.size;
    else
      report.ways.emplace_back(range.way, range.size);
  }
  std::sort(report.ways.begin(), report.ways.end());
}

}  // namespace sconce::transfer
