// What ways cost: measured numbers, what they say of a load, and which way they favour.
#pragma once

#include <cstdint>

#include "transfer/region.h"

namespace sconce::transfer {

/// Seconds per gigabyte (10^9 bytes) and per call, as docs/performance.md has them, with the machine on which they were
/// measured. Their proportions are what choices are made by.
struct Costs {
  double read_cached = 0.075;       ///< all threads, from the page cache into fresh huge pages
  double read_disk = 0.70;          ///< all threads, from the disk through the page cache: read-ahead breaks up
  double sequential_cached = 0.10;  ///< one thread
  double sequential_disk = 0.31;    ///< one thread, front to back
  double direct = 0.29;             ///< past the page cache, eight reads under way
  double ring = 0.33;               ///< the same through io_uring, by two threads
  double copy_cached = 0.080;       ///< map and memcpy
  double copy_disk = 1.0;
  double checksum = 0.025;  ///< what CRC-32 adds, on two cores: an estimate
  double region = 1e-6;     ///< seconds for each region, at most: 0.4e-6 was measured
  double start = 200e-6;    ///< seconds for a load of anything: an estimate
};

/// Seconds for `bytes` bytes by a way, of which `cached` are in the page cache.
[[nodiscard]] double seconds_for(Way way, std::uint64_t bytes, std::uint64_t cached, const Costs& costs = {}) noexcept;

/// A load that has not been done.
struct Workload {
  std::uint64_t bytes = 0;
  std::uint64_t cached = 0;  ///< of them, in the page cache
  std::uint64_t regions = 0;
  bool checksums = false;
  double copy_in = 0;  ///< bytes per second onto the device; 0: the host, or a device that shows its memory
};

/// Seconds that the engine expects a load to take. Both go on at the same time.
struct Expectation {
  double read_seconds = 0;
  double copy_seconds = 0;
};

/// Reading and copying overlap: a load takes about as long as the longer of the two.
[[nodiscard]] Expectation expect(const Workload& workload, const Costs& costs = {}) noexcept;

}  // namespace sconce::transfer
