// CRC-32 of regions whose bytes arrive in pieces, from several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "transfer/plan.h"
#include "transfer/region.h"

namespace sconce::transfer {

/// What a range adds to the checksum of a region that is not wholly in it.
struct PartSum {
  std::uint32_t region = 0;
  std::uint32_t crc = 0;
  std::uint64_t size = 0;
};

/// Errors: `checksum`, at the region, where it records another one.
void compare_checksum(const Region& region, std::uint32_t crc);

/// The checksums of the parts that lie in the range [begin, end) of a file, which is given from front to back. Used by
/// one thread.
class RangeSums {
 public:
  /// `first`: the first part of the range's run that ends behind `begin`.
  RangeSums(std::span<const Region> regions, const Plan& plan, const Run& run, std::size_t first, std::uint64_t begin,
            std::uint64_t end);

  /// Whether any part has a checksum.
  [[nodiscard]] bool wanted() const noexcept { return !sums_.empty(); }
  void add(std::span<const std::byte> bytes);
  /// Compares those of regions that are wholly in the range; the others are what is left to fold. Errors: `checksum`.
  [[nodiscard]] std::vector<PartSum> finish(std::uint64_t& compared) const;

 private:
  struct Sum {
    std::uint32_t region = 0;
    std::uint32_t crc = 0;
    std::uint64_t begin = 0;  ///< of the region, in the file
    std::uint64_t end = 0;
  };

  std::span<const Region> regions_;
  std::uint64_t begin_;
  std::uint64_t end_;
  std::uint64_t at_;
  std::size_t low_ = 0;  // sums before it have all their bytes
  std::vector<Sum> sums_;
};

/// Puts together what ranges left, in the order of the ranges.
class FoldedSums {
 public:
  explicit FoldedSums(std::span<const Region> regions) : regions_(regions), sums_(regions.size()) {}
  void add(std::span<const PartSum> sums);
  /// Errors: `checksum`.
  void compare(std::uint64_t& compared) const;

 private:
  std::span<const Region> regions_;
  std::vector<PartSum> sums_;  // by region; size 0 where nothing was left
};

}  // namespace sconce::transfer
