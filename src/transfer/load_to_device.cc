// Regions onto a device: readers fill buffers while the copies of others are under way.
#include <algorithm>
#include <cstring>
#include <memory>

#include "base/checked.h"
#include "base/memory_block.h"
#include "base/parallel.h"
#include "transfer/carrier.h"
#include "transfer/cast_region.h"
#include "transfer/choose_way.h"
#include "transfer/device_layout.h"
#include "transfer/made.h"
#include "transfer/pages.h"
#include "transfer/range_reader.h"

namespace sconce::transfer {
namespace {

/// How the staging memory is divided.
struct Buffers {
  std::uint64_t size = 0;   ///< of one, in whole pages
  std::uint64_t small = 0;  ///< regions below this are read together, through memory of as many bytes
  std::size_t count = 0;    ///< of buffers that there may be
};

/// Bytes of all regions, but no more than `most`.
std::uint64_t total_size(std::span<const Region> regions, std::uint64_t most) {
  std::uint64_t bytes = 0;
  for (const Region& region : regions) {
    if (bytes >= most || region.size >= most) return most;
    bytes += align_up(region.size, kDeviceUnit);
  }
  return std::min(bytes, most);
}

/// A fifth of each buffer's size, at most, is for reading small regions together.
Buffers divide(std::span<const Region> regions, std::uint64_t staging) {
  constexpr std::uint64_t kLeast = std::uint64_t{256} << 10;
  constexpr std::uint64_t kMost = kTask;  // larger ones copy no faster, and take longer to pin
  staging = std::max(staging, kLeast);
  const std::uint64_t needed = align_up(total_size(regions, kMost), kPage) + kPage;
  Buffers buffers;
  buffers.size = std::min(std::clamp(page_floor(staging / 16), 2 * kPage, kMost), needed);
  buffers.small = page_floor(std::clamp<std::uint64_t>(buffers.size / 4, kPage, std::uint64_t{512} << 10));
  buffers.count = static_cast<std::size_t>(staging / (buffers.size + buffers.small + kPage));
  return buffers;
}

class DeviceLoad {
 public:
  DeviceLoad(std::span<const Region> regions, const Plan& plan, const DeviceLayout& layout, const device::Port& port,
             const EngineOptions& options, const Buffers& buffers)
      : regions_(regions),
        plan_(plan),
        layout_(layout),
        port_(port),
        options_(options),
        buffers_(buffers),
        sums_(regions) {}

  void run(EngineReport& report) {
    carrier_ = WindowCarrier::open(port_, layout_.slabs);
    if (!carrier_) plain_ = memory_for_casts();
    ranges_ = cut_runs(plan_, buffers_.size, [&](const Run& run) {
      const Region& region = region_of(run);
      if (!on_device(region)) return cast_step(region, buffers_.small);
      return (buffers_.size - kPage) / element_size(region.cast->from) * element_size(region.cast->from);
    });
    const Access access = choose_ways(plan_, ranges_, options_);
    list_ = order_jobs(ranges_);
    left_.resize(ranges_.size());
    made_left_.resize(plan_.made_groups.size());
    const std::size_t jobs = list_.jobs.size() + plan_.made_groups.size();
    const unsigned workers = workers_of(jobs);
    Work work(options_, bytes_to_read(regions_, plan_, ranges_));
    RangeReader reader(regions_, plan_, access, work, workers);
    scratch_.resize(workers);
    if (!carrier_) carrier_ = open_carrier(workers);
    run_parallel(
        jobs, workers, [&](std::size_t job, unsigned worker) { do_job(job, worker, reader, work); },
        [&] { work.tick(); });
    carrier_->finish();
    finish(reader, report);
  }

 private:
  [[nodiscard]] const Region& region_of(const Run& run) const { return regions_[plan_.parts[run.first].region]; }

  /// Whether the device is the better one to cast a region that lies in a file.
  [[nodiscard]] bool wants_device(const Region& region) const {
    const Cast& cast = *region.cast;
    if (options_.cast_place == CastPlace::host || !port_.casts(cast.to, cast.from)) return false;
    return options_.cast_place == CastPlace::device || element_size(cast.to) > element_size(cast.from);
  }
  [[nodiscard]] bool on_device(const Region& region) const { return plain_ != nullptr && wants_device(region); }

  /// Null where nothing is to be cast on the device, or where it has no room left for that: then the host casts.
  [[nodiscard]] device::MemoryPtr memory_for_casts() const {
    if (std::none_of(plan_.runs.begin(), plan_.runs.end(),
                     [&](const Run& run) { return run.cast && wants_device(region_of(run)); }))
      return nullptr;
    try {
      return options_.allocator ? port_.allocate_with(options_.allocator, buffers_.size, options_.stream)
                                : port_.allocate(buffers_.size);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::memory) throw;
      return nullptr;
    }
  }

  /// No more readers than buffers.
  [[nodiscard]] unsigned workers_of(std::size_t jobs) const {
    const std::size_t most = std::min<std::size_t>(reading_threads(ranges_, options_), buffers_.count);
    return workers_for(jobs, static_cast<unsigned>(most));
  }

  [[nodiscard]] std::unique_ptr<Carrier> open_carrier(unsigned workers) const {
    // Two for each reader keep it busy while one is copied; pinning more costs more than it gives.
    const std::size_t count =
        std::clamp<std::size_t>(std::size_t{2} * workers, 4, std::max<std::size_t>(buffers_.count, 4));
    return std::make_unique<StagingCarrier>(port_, options_.stream, buffers_.size,
                                            std::max<std::size_t>(workers, std::min(count, buffers_.count)), plain_);
  }

  void do_job(std::size_t job, unsigned worker, RangeReader& reader, Work& work) {
    if (job >= list_.jobs.size()) return make(job - list_.jobs.size(), work);
    for (std::size_t at = list_.jobs[job].first; at < list_.jobs[job].last; ++at) {
      const Range& range = ranges_[list_.order[at]];
      const Run& run = plan_.runs[range.run];
      std::vector<PartSum>& left = left_[list_.order[at]];
      if (run.cast)
        left = on_device(region_of(run)) ? cast_there(range, worker, reader) : cast_here(range, worker, reader);
      else
        left = region_of(run).size >= buffers_.small ? read_large(range, worker, reader)
                                                     : read_small(range, worker, reader);
    }
  }

  /// What the elements of a range become.
  [[nodiscard]] device::Range cast_range(const Range& range) const {
    const Run& run = plan_.runs[range.run];
    const Region& region = region_of(run);
    return layout_.range(plan_.parts[run.first].region, cast_offset(region, range.offset - run.offset),
                         cast_offset(region, range.size));
  }

  /// A part of a region that is cast on the way to its buffer.
  std::vector<PartSum> cast_here(const Range& range, unsigned worker, RangeReader& reader) {
    std::byte* const plain = scratch(worker, buffers_.small + kPage) + range.offset % kPage;
    std::vector<PartSum> left = reader.read(range, plain, worker);
    const device::Range to = cast_range(range);
    if (to.size == 0) return left;  // less than an element
    Cargo cargo = carrier_->take(to);
    cast_into(region_of(plan_.runs[range.run]), {plain, range.size}, cargo.bytes.data(), to.size);
    const std::span<const std::byte> made = cargo.bytes.first(to.size);
    carrier_->give(std::move(cargo), to, made);
    return left;
  }

  /// A part of a region that is copied as it is, and cast on the device.
  std::vector<PartSum> cast_there(const Range& range, unsigned worker, RangeReader& reader) {
    const Region& region = region_of(plan_.runs[range.run]);
    const device::Range to = cast_range(range);
    Cargo cargo = carrier_->take(to);
    std::byte* const plain = cargo.bytes.data() + range.offset % kPage;
    std::vector<PartSum> left = reader.read(range, plain, worker);
    const std::span<const std::byte> elements = prepare_cast(region, {plain, range.size});
    carrier_->give_cast(std::move(cargo), to, elements, *region.cast);
    return left;
  }

  /// A part of one region.
  std::vector<PartSum> read_large(const Range& range, unsigned worker, RangeReader& reader) {
    const Part& part = plan_.parts[range.first];
    const device::Range to = layout_.range(part.region, range.offset - part.offset, range.size);
    Cargo cargo = carrier_->take(to);
    std::byte* memory = cargo.bytes.data();
    if (carrier_->has_pages()) memory += range.offset % kPage;
    const bool past_cache = range.way == Way::direct || range.way == Way::ring;
    std::vector<PartSum> left;
    if (past_cache && !carrier_->has_pages()) {
      std::byte* const pages = scratch(worker, buffers_.size) + range.offset % kPage;
      left = reader.read(range, pages, worker);
      std::memcpy(memory, pages, range.size);
    } else {
      left = reader.read(range, memory, worker);
    }
    carrier_->give(std::move(cargo), to, {memory, range.size});
    return left;
  }

  /// All regions of a run, which is one range: read together, laid out as the device has them, copied together.
  std::vector<PartSum> read_small(const Range& range, unsigned worker, RangeReader& reader) {
    const Run& run = plan_.runs[range.run];
    std::byte* const bytes = scratch(worker, buffers_.small + kPage) + range.offset % kPage;
    std::vector<PartSum> left = reader.read(range, bytes, worker);
    const SlabPlace begin = layout_.places[plan_.parts[run.first].region];
    const Part& last = plan_.parts[run.last - 1];
    device::Range to = layout_.range(plan_.parts[run.first].region, 0, 0);
    to.size = layout_.places[last.region].offset + last.size - begin.offset;
    Cargo cargo = carrier_->take(to);
    for (std::size_t at = run.first; at < run.last; ++at) {
      const Part& part = plan_.parts[at];
      std::memcpy(cargo.bytes.data() + (layout_.places[part.region].offset - begin.offset),
                  bytes + (part.offset - run.offset), part.size);
    }
    const std::span<const std::byte> image = cargo.bytes.first(to.size);
    carrier_->give(std::move(cargo), to, image);
    return left;
  }

  /// Regions that their sources make: several small ones, or a large one piece by piece.
  void make(std::size_t number, Work& work) {
    const MadeGroup& group = plan_.made_groups[number];
    const std::uint32_t first = plan_.made[group.first];
    if (group.last - group.first == 1) return make_large(number, first, work);
    const std::uint32_t last = plan_.made[group.last - 1];
    const std::uint64_t begin = layout_.places[first].offset;
    device::Range to = layout_.range(first, 0, 0);
    to.size = layout_.places[last].offset + regions_[last].size - begin;
    Cargo cargo = carrier_->take(to);
    for (std::size_t slot = group.first; slot < group.last; ++slot) {
      const std::uint32_t region = plan_.made[slot];
      const std::span<std::byte> into =
          cargo.bytes.subspan(layout_.places[region].offset - begin, regions_[region].size);
      made_left_[number].push_back(read_made(regions_, plan_, {region, 0, into.size(), slot}, into, work));
    }
    const std::span<const std::byte> image = cargo.bytes.first(to.size);
    carrier_->give(std::move(cargo), to, image);
  }

  void make_large(std::size_t number, std::uint32_t region, Work& work) {
    const std::uint64_t size = regions_[region].size;
    for (std::uint64_t at = 0; at < size; at += buffers_.size) {
      const device::Range to = layout_.range(region, at, std::min(buffers_.size, size - at));
      Cargo cargo = carrier_->take(to);
      const std::span<std::byte> into = cargo.bytes.first(to.size);
      made_left_[number].push_back(read_made(regions_, plan_, {region, at, to.size, 0}, into, work));
      carrier_->give(std::move(cargo), to, into);
    }
  }

  /// Memory of a worker's own that begins at a page.
  std::byte* scratch(unsigned worker, std::uint64_t size) {
    std::unique_ptr<MemoryBlock>& block = scratch_[worker];
    if (!block || block->bytes().size() < size) block = std::make_unique<MemoryBlock>(size);
    return block->bytes().data();
  }

  void finish(const RangeReader& reader, EngineReport& report) {
    for (const std::vector<PartSum>& left : left_) sums_.add(left);
    for (const std::vector<PartSum>& left : made_left_)
      for (const PartSum& sum : left)
        if (regions_[sum.region].crc32) sums_.add({&sum, 1});
    sums_.compare(report.checksums);
    report.checksums += reader.compared();
    count_reads(regions_, plan_, ranges_, report);
    report.copy_seconds += carrier_->waited();
    std::uint64_t held = carrier_->held();
    for (const std::unique_ptr<MemoryBlock>& block : scratch_)
      if (block) held += block->bytes().size();
    report.staging = std::max(report.staging, held);
  }

  std::span<const Region> regions_;
  const Plan& plan_;
  const DeviceLayout& layout_;
  const device::Port& port_;
  const EngineOptions& options_;
  const Buffers buffers_;
  FoldedSums sums_;
  std::vector<Range> ranges_;
  JobList list_;
  std::vector<std::vector<PartSum>> left_;             // by range
  std::vector<std::vector<PartSum>> made_left_;        // by group
  std::vector<std::unique_ptr<MemoryBlock>> scratch_;  // by worker
  device::MemoryPtr plain_;                            // of the device, for what it casts
  std::unique_ptr<Carrier> carrier_;
};

}  // namespace

std::vector<DeviceBytes> load_to_device(std::span<const Region> regions, const device::PortPtr& port,
                                        const EngineOptions& options, EngineReport& report) {
  const Buffers buffers = divide(regions, options.staging);
  const Plan plan = make_plan(regions, options,
                              {.most = buffers.small,
                               .alone = buffers.small,
                               .unit = kDeviceUnit,
                               .image = buffers.size,
                               .keeps_alignment = false});
  DeviceLayout layout = lay_out(regions, plan, port->info());
  {
    const Stopwatch watch(report.allocate_seconds);
    layout.allocate(*port, options);
  }
  const Stopwatch watch(report.read_seconds);
  while_unchanged(plan, [&] { DeviceLoad(regions, plan, layout, *port, options, buffers).run(report); });
  std::vector<DeviceBytes> bytes(regions.size());
  for (std::size_t region = 0; region < regions.size(); ++region)
    if (regions[region].size != 0)
      bytes[region] = {layout.slabs[layout.places[region].slab], layout.places[region].offset};
  return bytes;
}

}  // namespace sconce::transfer
