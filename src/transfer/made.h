// Regions whose bytes are made by their sources: inflated, cast, on a device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "transfer/checksums.h"
#include "transfer/plan.h"
#include "transfer/work.h"

namespace sconce::transfer {

/// A piece of such a region that one thread reads.
struct MadePiece {
  std::uint32_t region = 0;
  std::uint64_t offset = 0;  ///< in the region, as it arrives
  std::uint64_t size = 0;
  std::size_t slot = 0;  ///< position in Plan::made
};

/// Sources that have their bytes somewhere already can be read from anywhere, by several threads; others only from
/// front to back, by one.
[[nodiscard]] std::vector<MadePiece> cut_made(std::span<const Region> regions, const Plan& plan);

/// Fills `into`; the checksum of the piece. Errors: those of the source, `cancelled`.
[[nodiscard]] PartSum read_made(std::span<const Region> regions, const Plan& plan, const MadePiece& piece,
                                std::span<std::byte> into, Work& work);

}  // namespace sconce::transfer
