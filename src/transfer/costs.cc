#include "transfer/costs.h"

#include <algorithm>

namespace sconce::transfer {
namespace {

constexpr double kGigabyte = 1e9;

double mix(std::uint64_t cached, double cached_cost, std::uint64_t disk, double disk_cost) noexcept {
  return (static_cast<double>(cached) * cached_cost + static_cast<double>(disk) * disk_cost) / kGigabyte;
}

}  // namespace

double seconds_for(Way way, std::uint64_t bytes, std::uint64_t cached, const Costs& costs) noexcept {
  cached = std::min(cached, bytes);
  const std::uint64_t disk = bytes - cached;
  switch (way) {
    case Way::view: return 0;
    case Way::read: return mix(cached, costs.read_cached, disk, costs.read_disk);
    case Way::sequential: return mix(cached, costs.sequential_cached, disk, costs.sequential_disk);
    case Way::direct: return mix(0, 0, bytes, costs.direct);
    case Way::ring: return mix(0, 0, bytes, costs.ring);
    case Way::copy: return mix(cached, costs.copy_cached, disk, costs.copy_disk);
    case Way::automatic: break;
  }
  // What the engine does where it has the choice: it decides range by range.
  return mix(cached, costs.read_cached, disk, std::min(costs.direct, costs.sequential_disk));
}

Expectation expect(const Workload& workload, const Costs& costs) noexcept {
  Expectation expectation;
  expectation.read_seconds = seconds_for(Way::automatic, workload.bytes, workload.cached, costs) +
                             static_cast<double>(workload.regions) * costs.region + costs.start;
  if (workload.checksums) expectation.read_seconds += static_cast<double>(workload.bytes) * costs.checksum / kGigabyte;
  if (workload.copy_in > 0) expectation.copy_seconds = static_cast<double>(workload.bytes) / workload.copy_in;
  return expectation;
}

}  // namespace sconce::transfer
