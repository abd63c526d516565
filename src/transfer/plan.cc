#include "transfer/plan.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "base/checked.h"
#include "base/parallel.h"
#include "transfer/pages.h"
#include "transfer/work.h"

namespace sconce::transfer {
namespace {

// Opening is a positioned read or less: one job does many.
constexpr std::size_t kOpenings = 128;

void check_size(std::uint64_t found, std::uint64_t expected) {
  if (found == expected) return;
  fail(found < expected ? ErrorCode::truncated : ErrorCode::damaged,
       std::to_string(expected) + " bytes expected, but the data has " + std::to_string(found), {},
       "fetch the file again");
}

Opened open_region(const Region& region) {
  return explained(region, [&] {
    Opened opened{region.open(), {}};
    const std::uint64_t size = region.plain_size();
    check_size(opened.source->size(), size);
    opened.extent = opened.source->extent(0, size);
    // What the file cannot have is left to read_at(), which says so.
    if (opened.extent && (opened.extent->descriptor < 0 || opened.extent->size != size ||
                          !sconce::fits(opened.extent->offset, size, INT64_MAX - kTask)))
      opened.extent.reset();
    return opened;
  });
}

std::vector<Opened> open_all(std::span<const Region> regions, const EngineOptions& options) {
  std::vector<Opened> opened(regions.size());
  Work work(options, 0);
  run_parallel((regions.size() + kOpenings - 1) / kOpenings, options.threads,
               [&](std::size_t job, unsigned) {
                 work.check();
                 const std::size_t end = std::min(regions.size(), (job + 1) * kOpenings);
                 for (std::size_t at = job * kOpenings; at < end; ++at) opened[at] = open_region(regions[at]);
               },
               [&] { work.check(); });
  return opened;
}

/// Gives files numbers, in the order in which they are met.
class FileNumbers {
 public:
  explicit FileNumbers(std::vector<SourceFile>& files) : files_(files) {}

  std::uint32_t operator()(const Opened& opened) {
    const int descriptor = opened.extent->descriptor;
    if (descriptor == last_) return number_;
    const auto [at, added] = numbers_.try_emplace(descriptor, static_cast<std::uint32_t>(files_.size()));
    if (added) files_.emplace_back(descriptor, opened.source->name());
    last_ = descriptor;
    return number_ = at->second;
  }

 private:
  std::vector<SourceFile>& files_;
  std::unordered_map<int, std::uint32_t> numbers_;
  int last_ = -1;
  std::uint32_t number_ = 0;
};

/// Whether a part is read together with the run before it.
bool near(const Run& run, const Part& part, const RunRules& rules) {
  if (part.file != run.file || part.size >= rules.alone) return false;
  if (part.end() <= run.end()) return true;
  if (part.end() - run.offset > rules.most) return false;
  return part.offset <= run.end() || part.offset - run.end() <= std::clamp(part.size, kPage, kGap);
}

void make_runs(Plan& plan, std::span<const Region> regions, const RunRules& rules) {
  std::uint64_t image = 0;
  bool open = false;  // whether the last run takes more
  for (std::size_t at = 0; at < plan.parts.size(); ++at) {
    const Part& part = plan.parts[at];
    const std::uint64_t size = align_up(part.size, rules.unit);
    const bool cast = regions[part.region].cast.has_value();
    if (!open || cast || image + size > rules.image || !near(plan.runs.back(), part, rules)) {
      plan.runs.push_back({.file = part.file, .first = at, .last = at, .offset = part.offset, .cast = cast});
      image = 0;
      open = !cast && part.size < rules.alone;
    }
    Run& run = plan.runs.back();
    run.last = at + 1;
    run.size = std::max(run.end(), part.end()) - run.offset;
    image += size;
  }
}

void group_made(Plan& plan, std::span<const Region> regions, const RunRules& rules) {
  std::uint64_t image = 0;
  for (std::size_t at = 0; at < plan.made.size(); ++at) {
    const std::uint64_t size = align_up(regions[plan.made[at]].size, rules.unit);
    if (plan.made_groups.empty() || image >= rules.alone || size > rules.image - image) {
      plan.made_groups.push_back({at, at});
      image = 0;
    }
    plan.made_groups.back().last = at + 1;
    image += size;
  }
}

}  // namespace

void Plan::check_unchanged() const {
  for (const SourceFile& file : files) file.check_unchanged();
}

Plan make_plan(std::span<const Region> regions, const EngineOptions& options, const RunRules& rules) {
  Plan plan;
  plan.opened = open_all(regions, options);
  plan.parts.reserve(regions.size());
  FileNumbers numbers(plan.files);
  for (std::uint32_t region = 0; region < regions.size(); ++region) {
    if (regions[region].size == 0) continue;
    const Opened& opened = plan.opened[region];
    const std::uint64_t mask =
        rules.keeps_alignment && !regions[region].cast ? regions[region].alignment - std::uint64_t{1} : 0;
    if (opened.extent && (opened.extent->offset & mask) == 0)
      plan.parts.push_back({region, numbers(opened), opened.extent->offset, regions[region].plain_size()});
    else
      plan.made.push_back(region);
  }
  const auto before = [](const Part& a, const Part& b) {
    if (a.file != b.file) return a.file < b.file;
    return a.offset != b.offset ? a.offset < b.offset : a.region < b.region;
  };
  if (!std::is_sorted(plan.parts.begin(), plan.parts.end(), before))
    std::sort(plan.parts.begin(), plan.parts.end(), before);
  make_runs(plan, regions, rules);
  group_made(plan, regions, rules);
  return plan;
}

}  // namespace sconce::transfer
