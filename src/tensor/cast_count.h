// What a cast does to numbers that the new dtype cannot hold, counted without casting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <sconce/dtype.h>
#include <sconce/transfer.h>

namespace sconce::tensor {

/// What becomes of an element.
enum class Fate : std::uint8_t { kept, to_infinity, to_nan, to_largest, to_zero, out_of_range };

/// Counts the fates of elements. Casts are monotone, so that each fate but `kept` befalls a few runs of bit patterns,
/// which are found once; counting them is a comparison or two for each element. Constant, and may be shared.
class CastCounter {
 public:
  /// Errors: those of check_cast().
  CastCounter(DType from, DType to);
  /// Adds what becomes of `count` elements in this machine's byte order.
  void count(const std::byte* in, std::uint64_t count, CastCounts& counts) const noexcept;

  /// Bit patterns, as integers of the element's size, that share a fate.
  struct Run {
    std::uint64_t mask = 0;  ///< bits of a pattern that count
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    Fate fate = Fate::kept;
  };
  [[nodiscard]] std::span<const Run> runs() const noexcept { return runs_; }

 private:
  std::vector<Run> runs_;
  std::size_t size_;     ///< bytes of an element, or of each of the parts of a complex one
  std::uint64_t parts_;  ///< of an element
};

/// The fates of `count` elements. Errors: those of check_cast().
[[nodiscard]] CastCounts count_cast(DType from, const std::byte* in, DType to, std::uint64_t count);
/// Adds.
void add(CastCounts& sum, const CastCounts& more) noexcept;

}  // namespace sconce::tensor
