#include "transfer/device_layout.h"

#include <algorithm>
#include <string>

#include "base/checked.h"
#include "base/fail.h"
#include "transfer/work.h"

namespace sconce::transfer {
namespace {

class Filler {
 public:
  Filler(DeviceLayout& layout, const DeviceInfo& device)
      : layout_(layout), device_(device), largest_(device.max_allocation != 0 ? device.max_allocation : UINT64_MAX) {}

  /// Regions that follow one another.
  template <typename Numbers>
  void place(std::span<const Region> regions, const Numbers& numbers) {
    std::uint64_t size = 0;
    for (const std::uint32_t region : numbers) {
      if (regions[region].size > largest_) explained(regions[region], [&] { too_large(regions[region].size); });
      size += align_up(regions[region].size, kDeviceUnit);
    }
    if (layout_.sizes.empty() || layout_.sizes.back() + size > std::min(kBlock, largest_)) layout_.sizes.push_back(0);
    for (const std::uint32_t region : numbers) {
      const std::uint64_t begin = align_up(layout_.sizes.back(), kDeviceUnit);
      layout_.places[region] = {static_cast<std::uint32_t>(layout_.sizes.size() - 1), begin};
      layout_.sizes.back() = begin + regions[region].size;
    }
  }

 private:
  [[noreturn]] void too_large(std::uint64_t size) const {
    fail(ErrorCode::memory,
         std::to_string(size) + " bytes, and one block of " + device_.name + " has at most " + std::to_string(largest_),
         {}, "choose another device, or cast to a smaller dtype");
  }

  DeviceLayout& layout_;
  const DeviceInfo& device_;
  std::uint64_t largest_;
};

}  // namespace

DeviceLayout lay_out(std::span<const Region> regions, const Plan& plan, const DeviceInfo& device) {
  DeviceLayout layout;
  layout.places.resize(regions.size());
  Filler filler(layout, device);
  std::vector<std::uint32_t> numbers;
  for (const Run& run : plan.runs) {
    numbers.clear();
    for (std::size_t at = run.first; at < run.last; ++at) numbers.push_back(plan.parts[at].region);
    filler.place(regions, numbers);
  }
  for (const MadeGroup& group : plan.made_groups)
    filler.place(regions, std::span(plan.made).subspan(group.first, group.last - group.first));
  return layout;
}

void DeviceLayout::allocate(const device::Port& port, const EngineOptions& options) {
  std::uint64_t bytes = 0;
  for (const std::uint64_t size : sizes) bytes = checked_add(bytes, size).value_or(UINT64_MAX);
  // An allocator of the caller's has memory that the driver counts as taken.
  const std::uint64_t free = options.allocator ? UINT64_MAX : port.memory().free;
  if (bytes > free) {
    fail(ErrorCode::memory,
         std::to_string(bytes) + " bytes are needed on " + port.info().name + ", and " + std::to_string(free) +
             " are free",
         {}, "choose another device, spread the tensors over several (fill:…), or cast to a smaller dtype");
  }
  for (const std::uint64_t size : sizes)
    slabs.push_back(options.allocator ? port.allocate_with(options.allocator, size, options.stream)
                                      : port.allocate(size));
}

}  // namespace sconce::transfer
