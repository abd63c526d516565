// Where regions lie in memory of the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/memory_block.h"
#include "transfer/plan.h"

namespace sconce::transfer {

struct HostPlace {
  std::uint32_t block = 0;
  std::uint64_t offset = 0;
};

/// Runs keep the layout of their file, each on pages of its own, at addresses that equal their offsets modulo the page
/// size: what O_DIRECT needs. Runs with a cast are read elsewhere, and have room here for what they become.
struct HostLayout {
  std::vector<std::uint64_t> sizes;  ///< of the blocks
  std::vector<HostPlace> runs;       ///< by run: its first byte
  std::vector<HostPlace> made;       ///< by position in Plan::made
  std::vector<std::shared_ptr<MemoryBlock>> blocks;

  [[nodiscard]] std::byte* address(const HostPlace& place) const {
    return blocks[place.block]->bytes().data() + place.offset;
  }
  /// Errors: `memory`, before anything is allocated where it can be known.
  void allocate(const EngineOptions& options);
};

[[nodiscard]] HostLayout lay_out(std::span<const Region> regions, const Plan& plan);

/// Errors: `memory` where `bytes` are more than `options.host_memory`, or than what the host has left.
void require_host_memory(std::uint64_t bytes, const EngineOptions& options);

}  // namespace sconce::transfer
