// Regions that are read for what can go wrong, and not for their bytes.
#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "base/hash.h"
#include "base/memory_block.h"
#include "base/parallel.h"
#include "transfer/checksums.h"
#include "transfer/choose_way.h"
#include "transfer/pages.h"
#include "transfer/range_reader.h"
#include "transfer/work.h"

namespace sconce::transfer {
namespace {

/// What is read and summed up stays in the second level cache.
constexpr std::uint64_t kPiece = std::uint64_t{512} << 10;
/// Ranges that one thread takes together: with fewer, waiting for the next costs more than summing up.
constexpr std::uint64_t kJob = std::uint64_t{8} << 20;

class Check {
 public:
  Check(std::span<const Region> regions, const Plan& plan, const EngineOptions& options)
      : regions_(regions), plan_(plan), options_(options), sums_(regions) {}

  void run(EngineReport& report) {
    ranges_ = cut_runs(plan_, kPiece, [](const Run&) { return kPiece; });
    const Access access = choose_ways(plan_, ranges_, options_);
    left_.resize(ranges_.size());
    cut_jobs();
    const std::size_t count = jobs_.size() + plan_.made.size();
    const unsigned threads = reading_threads(ranges_, options_);
    buffers_.resize(workers_for(count, threads));
    Work work(options_, bytes_to_read(regions_, plan_, ranges_));
    RangeReader reader(regions_, plan_, access, work, static_cast<unsigned>(buffers_.size()));
    run_parallel(
        count, threads,
        [&](std::size_t job, unsigned worker) {
          if (job < jobs_.size())
            read_ranges(jobs_[job], worker, reader);
          else
            read_made(plan_.made[job - jobs_.size()], worker, work);
        },
        [&] { work.tick(); });
    for (const std::vector<PartSum>& left : left_) sums_.add(left);
    sums_.compare(report.checksums);
    report.checksums += reader.compared() + made_compared_;
    count_reads(regions_, plan_, ranges_, report);
  }

 private:
  /// Neighbours from one file; what must be read front to back is one job.
  void cut_jobs() {
    std::uint64_t size = 0;
    for (std::size_t at = 0; at < ranges_.size(); ++at) {
      const bool ordered = at != 0 && ranges_[at].way == Way::sequential && ranges_[at - 1].way == Way::sequential;
      const bool same = at != 0 && ranges_[at].file == ranges_[at - 1].file;
      if (!same || (size >= kJob && !ordered)) {
        jobs_.push_back({at, at});
        size = 0;
      }
      jobs_.back().last = at + 1;
      size += ranges_[at].size;
    }
  }

  std::span<std::byte> buffer(unsigned worker) {
    if (!buffers_[worker]) buffers_[worker] = std::make_unique<MemoryBlock>(kPiece + 2 * kPage);
    return buffers_[worker]->bytes();
  }

  void read_ranges(const JobList::Job& job, unsigned worker, RangeReader& reader) {
    for (std::size_t at = job.first; at < job.last; ++at)
      left_[at] = reader.read(ranges_[at], buffer(worker).data() + ranges_[at].offset % kPage, worker);
  }

  void read_made(std::uint32_t number, unsigned worker, Work& work) {
    const Region& region = regions_[number];
    explained(region, [&] {
      std::uint32_t crc = 0;
      const std::uint64_t size = region.plain_size();
      for (std::uint64_t at = 0; at < size; at += kPiece) {
        const auto piece = buffer(worker).first(static_cast<std::size_t>(std::min(kPiece, size - at)));
        plan_.opened[number].source->read_at(at, piece);
        if (region.crc32) crc = crc32(crc, piece);
        work.add(piece.size());
      }
      if (region.crc32) compare_checksum(region, crc);
    });
    if (region.crc32) ++made_compared_;
  }

  std::span<const Region> regions_;
  const Plan& plan_;
  const EngineOptions& options_;
  FoldedSums sums_;
  std::vector<Range> ranges_;
  std::vector<JobList::Job> jobs_;
  std::vector<std::vector<PartSum>> left_;             // by range
  std::vector<std::unique_ptr<MemoryBlock>> buffers_;  // by worker
  std::atomic<std::uint64_t> made_compared_ = 0;
};

}  // namespace

void check_regions(std::span<const Region> regions, EngineOptions options, EngineReport& report) {
  options.past_cache = false;  // what is read now is wanted again soon
  const Plan plan = make_plan(regions, options, {.keeps_alignment = false});
  const Stopwatch watch(report.read_seconds);
  while_unchanged(plan, [&] { Check(regions, plan, options).run(report); });
}

}  // namespace sconce::transfer
