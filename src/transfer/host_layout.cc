#include "transfer/host_layout.h"

#include <algorithm>
#include <string>

#include "base/checked.h"
#include "base/fail.h"
#include "base/host_memory.h"
#include "transfer/pages.h"

namespace sconce::transfer {
namespace {

class Filler {
 public:
  explicit Filler(std::vector<std::uint64_t>& sizes) : sizes_(sizes) {}

  /// Room for `size` bytes at an offset that is `at` modulo `unit` (a power of two, at most the page size).
  HostPlace take(std::uint64_t size, std::uint64_t at, std::uint64_t unit) {
    std::uint64_t begin = align_up(sizes_.empty() ? 0 : sizes_.back(), unit) + at;
    if (sizes_.empty() || (begin + size > kBlock && sizes_.back() != 0)) {
      sizes_.push_back(0);
      begin = at;
    }
    sizes_.back() = begin + size;
    return {static_cast<std::uint32_t>(sizes_.size() - 1), begin};
  }

 private:
  std::vector<std::uint64_t>& sizes_;
};

}  // namespace

HostLayout lay_out(std::span<const Region> regions, const Plan& plan) {
  constexpr std::uint64_t kLine = 64;  // what PyTorch's own allocator gives
  HostLayout layout;
  Filler filler(layout.sizes);
  layout.runs.resize(plan.runs.size());
  for (std::size_t run = 0; run < plan.runs.size(); ++run)
    if (!plan.runs[run].cast) layout.runs[run] = filler.take(plan.runs[run].size, plan.runs[run].offset % kPage, kPage);
  // The first of them on a page of its own: reads of runs overwrite whole pages.
  bool first = true;
  const auto take_region = [&](const Region& region) {
    const std::uint64_t unit = first ? kPage : std::max<std::uint64_t>(kLine, region.alignment);
    first = false;
    return filler.take(region.size, 0, unit);
  };
  for (std::size_t run = 0; run < plan.runs.size(); ++run)
    if (plan.runs[run].cast) layout.runs[run] = take_region(regions[plan.parts[plan.runs[run].first].region]);
  for (const std::uint32_t region : plan.made) layout.made.push_back(take_region(regions[region]));
  return layout;
}

void HostLayout::allocate(const EngineOptions& options) {
  std::uint64_t bytes = 0;
  for (const std::uint64_t size : sizes) {
    const auto sum = checked_add(bytes, size);
    bytes = sum.value_or(UINT64_MAX);
    if (!sum) break;
  }
  require_host_memory(bytes, options);
  for (const std::uint64_t size : sizes) blocks.push_back(std::make_shared<MemoryBlock>(size));
}

void require_host_memory(std::uint64_t bytes, const EngineOptions& options) {
  const std::uint64_t room = options.host_memory != 0 ? options.host_memory : host_memory().available;
  if (bytes <= room) return;
  fail(ErrorCode::memory,
       std::to_string(bytes) + " bytes of host memory are needed, and " + std::to_string(room) + " may be taken", {},
       "load fewer tensors at once, cast them to a smaller dtype, or leave them in the file (own = false)");
}

}  // namespace sconce::transfer
