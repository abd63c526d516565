// Regions into memory of the process.
#include <algorithm>
#include <memory>
#include <string>

#include "base/checked.h"
#include "base/parallel.h"
#include "transfer/cast_region.h"
#include "transfer/choose_way.h"
#include "transfer/host_layout.h"
#include "transfer/made.h"
#include "transfer/pages.h"
#include "transfer/range_reader.h"

namespace sconce::transfer {
namespace {

/// Where bytes go: of runs, by run; of regions that are made, by position in Plan::made.
struct Addresses {
  std::vector<std::byte*> runs;
  std::vector<std::byte*> made;
};

/// A plan on its way into memory.
class HostLoad {
 public:
  HostLoad(std::span<const Region> regions, const Plan& plan, const Addresses& to, const EngineOptions& options)
      : regions_(regions), plan_(plan), to_(to), options_(options), sums_(regions) {}

  void run(EngineReport& report) {
    ranges_ = cut_runs(plan_, kTask, [&](const Run& run) { return cast_step(region_of(run), kCastPiece); });
    const Access access = choose_ways(plan_, ranges_, options_);
    pieces_ = cut_made(regions_, plan_);
    left_.resize(ranges_.size());
    made_.resize(pieces_.size());
    list_ = order_jobs(ranges_);
    const unsigned threads = reading_threads(ranges_, options_);
    const unsigned workers = workers_for(list_.jobs.size() + pieces_.size(), threads);
    scratch_.resize(workers);
    Work work(options_, bytes_to_read(regions_, plan_, ranges_));
    RangeReader reader(regions_, plan_, access, work, workers);
    run_parallel(
        list_.jobs.size() + pieces_.size(), threads,
        [&](std::size_t job, unsigned worker) { do_job(job, worker, reader, work); }, [&] { work.tick(); });
    finish(reader, report);
  }

 private:
  [[nodiscard]] const Region& region_of(const Run& run) const { return regions_[plan_.parts[run.first].region]; }

  void do_job(std::size_t job, unsigned worker, RangeReader& reader, Work& work) {
    if (job >= list_.jobs.size()) {
      const std::size_t at = job - list_.jobs.size();
      const MadePiece& piece = pieces_[at];
      std::byte* const memory = to_.made[piece.slot] + piece.offset;
      made_[at] = read_made(regions_, plan_, piece, {memory, piece.size}, work);
      return;
    }
    for (std::size_t at = list_.jobs[job].first; at < list_.jobs[job].last; ++at) {
      const Range& range = ranges_[list_.order[at]];
      std::byte* const run = to_.runs[range.run];
      left_[list_.order[at]] = plan_.runs[range.run].cast
                                   ? read_cast(range, run, worker, reader)
                                   : reader.read(range, run + (range.offset - plan_.runs[range.run].offset), worker);
    }
  }

  /// Through a buffer that stays in the worker's cache.
  std::vector<PartSum> read_cast(const Range& range, std::byte* to, unsigned worker, RangeReader& reader) {
    const Run& run = plan_.runs[range.run];
    std::unique_ptr<MemoryBlock>& block = scratch_[worker];
    if (!block) block = std::make_unique<MemoryBlock>(kCastPiece + 2 * kPage);
    std::byte* const plain = block->bytes().data() + range.offset % kPage;
    std::vector<PartSum> left = reader.read(range, plain, worker);
    const Region& region = region_of(run);
    cast_into(region, {plain, range.size}, to + cast_offset(region, range.offset - run.offset), region.size);
    return left;
  }

  void finish(const RangeReader& reader, EngineReport& report) {
    for (const std::vector<PartSum>& left : left_) sums_.add(left);
    for (const PartSum& sum : made_)
      if (regions_[sum.region].crc32) sums_.add({&sum, 1});
    sums_.compare(report.checksums);
    report.checksums += reader.compared();
    count_reads(regions_, plan_, ranges_, report);
  }

  std::span<const Region> regions_;
  const Plan& plan_;
  const Addresses& to_;
  const EngineOptions& options_;
  FoldedSums sums_;
  std::vector<Range> ranges_;
  std::vector<MadePiece> pieces_;
  JobList list_;
  std::vector<std::vector<PartSum>> left_;             // by range
  std::vector<PartSum> made_;                          // by piece
  std::vector<std::unique_ptr<MemoryBlock>> scratch_;  // by worker
};

Addresses addresses_in(const HostLayout& layout) {
  Addresses to;
  for (const HostPlace& place : layout.runs) to.runs.push_back(layout.address(place));
  for (const HostPlace& place : layout.made) to.made.push_back(layout.address(place));
  return to;
}

std::vector<HostBytes> slices(std::span<const Region> regions, const Plan& plan, const HostLayout& layout) {
  std::vector<HostBytes> bytes(regions.size());
  const auto give = [&](std::uint32_t region, const HostPlace& place, std::uint64_t offset) {
    bytes[region] = {layout.blocks[place.block], {layout.address(place) + offset, regions[region].size}};
  };
  for (std::size_t run = 0; run < plan.runs.size(); ++run) {
    for (std::size_t at = plan.runs[run].first; at < plan.runs[run].last; ++at)
      give(plan.parts[at].region, layout.runs[run], plan.parts[at].offset - plan.runs[run].offset);
  }
  for (std::size_t slot = 0; slot < plan.made.size(); ++slot) give(plan.made[slot], layout.made[slot], 0);
  return bytes;
}

}  // namespace

std::vector<HostBytes> load_to_host(std::span<const Region> regions, const EngineOptions& options,
                                    EngineReport& report) {
  const Plan plan = make_plan(regions, options, {});
  HostLayout layout = lay_out(regions, plan);
  {
    const Stopwatch watch(report.allocate_seconds);
    layout.allocate(options);
  }
  const Stopwatch watch(report.read_seconds);
  const Addresses to = addresses_in(layout);
  while_unchanged(plan, [&] { HostLoad(regions, plan, to, options).run(report); });
  return slices(regions, plan, layout);
}

void copy_to_host(std::span<const Region> regions, std::span<std::byte* const> addresses, EngineOptions options,
                  EngineReport& report) {
  options.past_cache = false;  // such reads overwrite whole pages
  // Every region is a run of its own: nothing that lies between them in the file has a place here.
  const Plan plan = make_plan(regions, options, {.alone = 0, .keeps_alignment = false});
  Addresses to;
  for (const Run& run : plan.runs) to.runs.push_back(addresses[plan.parts[run.first].region]);
  for (const std::uint32_t region : plan.made) to.made.push_back(addresses[region]);
  const Stopwatch watch(report.read_seconds);
  while_unchanged(plan, [&] { HostLoad(regions, plan, to, options).run(report); });
}

}  // namespace sconce::transfer
