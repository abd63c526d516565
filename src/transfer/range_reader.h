// Brings ranges of files into memory, each by its way.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "transfer/checksums.h"
#include "transfer/direct_file.h"
#include "transfer/range.h"
#include "transfer/ring.h"
#include "transfer/work.h"

namespace sconce::transfer {

/// What was opened for ways that need more than the descriptor of the source.
struct Access {
  std::vector<std::optional<DirectFile>> direct;  ///< by file
};

/// Thread rule: read() may be called from many threads, with a worker number that no other thread uses at that time.
class RangeReader {
 public:
  RangeReader(std::span<const Region> regions, const Plan& plan, const Access& access, Work& work, unsigned workers);
  RangeReader(const RangeReader&) = delete;
  RangeReader& operator=(const RangeReader&) = delete;
  ~RangeReader();

  /// Fills `memory` with the bytes of the range. Where its way is direct or ring, `memory` equals the range's offset
  /// modulo the page size, and the pages in which the bytes lie are overwritten as wholes. What it gives back has to be
  /// folded in the order of ranges. Errors: `checksum`, `truncated`, `io`, `cancelled`.
  [[nodiscard]] std::vector<PartSum> read(const Range& range, std::byte* memory, unsigned worker);

  [[nodiscard]] std::uint64_t compared() const noexcept { return compared_; }

 private:
  std::vector<PartSum> read_explained(const Range& range, std::byte* memory, unsigned worker);
  void read_cached(const Range& range, std::span<std::byte> into, RangeSums& sums);
  void copy_mapped(const Range& range, std::span<std::byte> into, RangeSums& sums);
  void read_direct(const Range& range, std::span<std::byte> into, RangeSums& sums);
  void read_ring(const Range& range, std::span<std::byte> into, RangeSums& sums, unsigned worker);
  void sum_up(std::span<std::byte> arrived, RangeSums& sums);

  std::span<const Region> regions_;
  const Plan& plan_;
  const Access& access_;
  Work& work_;
  std::vector<std::unique_ptr<Ring>> rings_;  // by worker
  std::atomic<std::uint64_t> compared_ = 0;
};

}  // namespace sconce::transfer
