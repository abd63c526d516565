// Where regions lie on a device.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "transfer/plan.h"

namespace sconce::transfer {

/// What regions on a device begin at multiples of: what drivers give, and DLPack asks for.
constexpr std::uint64_t kDeviceUnit = 512;

struct SlabPlace {
  std::uint32_t slab = 0;
  std::uint64_t offset = 0;
};

/// Regions in few blocks. Those of a run follow one another in one block.
struct DeviceLayout {
  std::vector<std::uint64_t> sizes;  ///< of the slabs
  std::vector<SlabPlace> places;     ///< by region
  std::vector<device::MemoryPtr> slabs;

  /// The bytes [offset, offset + size) of a region.
  [[nodiscard]] device::Range range(std::uint32_t region, std::uint64_t offset, std::uint64_t size) const {
    return {slabs[places[region].slab].get(), places[region].offset + offset, size};
  }
  /// Errors: `memory`, before anything is allocated where it can be known.
  void allocate(const device::Port& port, const EngineOptions& options);
};

/// Errors: `memory` where a region is larger than the device's largest block.
[[nodiscard]] DeviceLayout lay_out(std::span<const Region> regions, const Plan& plan, const DeviceInfo& device);

}  // namespace sconce::transfer
