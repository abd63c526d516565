// Regions into memory of the process.
#include <algorithm>
#include <string>

#include "base/checked.h"
#include "base/parallel.h"
#include "transfer/choose_way.h"
#include "transfer/host_layout.h"
#include "transfer/made.h"
#include "transfer/pages.h"
#include "transfer/range_reader.h"

namespace sconce::transfer {
namespace {

/// A plan on its way into blocks.
class HostLoad {
 public:
  HostLoad(std::span<const Region> regions, const Plan& plan, const HostLayout& layout, const EngineOptions& options)
      : regions_(regions), plan_(plan), layout_(layout), options_(options), sums_(regions) {}

  void run(EngineReport& report) {
    ranges_ = cut_runs(plan_, kTask);
    const Access access = choose_ways(plan_, ranges_, options_);
    pieces_ = cut_made(regions_, plan_);
    left_.resize(ranges_.size());
    made_.resize(pieces_.size());
    list_ = order_jobs(ranges_);
    const unsigned threads = reading_threads(ranges_, options_);
    Work work(options_, total());
    RangeReader reader(regions_, plan_, access, work, workers_for(list_.jobs.size() + pieces_.size(), threads));
    run_parallel(
        list_.jobs.size() + pieces_.size(), threads,
        [&](std::size_t job, unsigned worker) { do_job(job, worker, reader, work); }, [&] { work.tick(); });
    finish(reader, report);
  }

 private:
  [[nodiscard]] std::uint64_t total() const {
    std::uint64_t bytes = 0;
    for (const Range& range : ranges_) bytes += range.size;
    for (const MadePiece& piece : pieces_) bytes += piece.size;
    return bytes;
  }

  void do_job(std::size_t job, unsigned worker, RangeReader& reader, Work& work) {
    if (job >= list_.jobs.size()) {
      const std::size_t at = job - list_.jobs.size();
      const MadePiece& piece = pieces_[at];
      std::byte* const memory = layout_.address(layout_.made[piece.slot]) + piece.offset;
      made_[at] = read_made(regions_, plan_, piece, {memory, piece.size}, work);
      return;
    }
    for (std::size_t at = list_.jobs[job].first; at < list_.jobs[job].last; ++at) {
      const Range& range = ranges_[list_.order[at]];
      std::byte* const run = layout_.address(layout_.runs[range.run]);
      left_[list_.order[at]] = reader.read(range, run + (range.offset - plan_.runs[range.run].offset), worker);
    }
  }

  void finish(const RangeReader& reader, EngineReport& report) {
    for (const std::vector<PartSum>& left : left_) sums_.add(left);
    for (const PartSum& sum : made_)
      if (regions_[sum.region].crc32) sums_.add({&sum, 1});
    sums_.compare(report.checksums);
    report.checksums += reader.compared();
    report.bytes_read += total();
    for (const Range& range : ranges_) report.cached += range.cached;
    report.ways = count_ways(ranges_);
  }

  std::span<const Region> regions_;
  const Plan& plan_;
  const HostLayout& layout_;
  const EngineOptions& options_;
  FoldedSums sums_;
  std::vector<Range> ranges_;
  std::vector<MadePiece> pieces_;
  JobList list_;
  std::vector<std::vector<PartSum>> left_;  // by range
  std::vector<PartSum> made_;               // by piece
};

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
  while_unchanged(plan, [&] { HostLoad(regions, plan, layout, options).run(report); });
  return slices(regions, plan, layout);
}

}  // namespace sconce::transfer
