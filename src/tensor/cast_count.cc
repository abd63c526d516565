#include "tensor/cast_count.h"

#include <algorithm>
#include <cstring>

#include "tensor/cast.h"
#include "tensor/cast_fate.h"
#include "tensor/cast_kernels.h"

#if defined(__x86_64__)
#define SCONCE_AVX2 __attribute__((target("avx2")))
#endif

namespace sconce::tensor {
namespace {

using Run = CastCounter::Run;

/// The last pattern behind `from`, which has `fate`, and before `to`, which has another, that has `fate`, too.
std::uint64_t last_with(Fate fate, std::uint64_t from, std::uint64_t to, DType dtype, DType target) {
  while (to - from > 1) {
    const std::uint64_t middle = from + (to - from) / 2;
    (fate_of(dtype, middle, target) == fate ? from : to) = middle;
  }
  return from;
}

std::vector<Run> runs_in(const Patterns& patterns, std::uint64_t mask, DType from, DType to) {
  std::vector<Run> runs{{mask, patterns.first, patterns.first, fate_of(from, patterns.first, to)}};
  for (const std::uint64_t mark : patterns.marks) {
    const Fate fate = fate_of(from, mark, to);
    if (fate != runs.back().fate) {
      runs.back().high = last_with(runs.back().fate, runs.back().high, mark, from, to);
      runs.push_back({mask, runs.back().high + 1, mark, fate});
    }
    runs.back().high = mark;
  }
  std::erase_if(runs, [](const Run& run) { return run.fate == Fate::kept; });
  return runs;
}

/// Runs that are the same for both signs are counted in one go.
std::vector<Run> merged(std::vector<Run> positive, const std::vector<Run>& negative, std::uint64_t sign) {
  const bool same = std::equal(positive.begin(), positive.end(), negative.begin(), negative.end(),
                               [sign](const Run& a, const Run& b) {
                                 return a.low + sign == b.low && a.high + sign == b.high && a.fate == b.fate;
                               });
  if (!same) {
    positive.insert(positive.end(), negative.begin(), negative.end());
    return positive;
  }
  for (Run& run : positive) run.mask &= ~sign;
  return positive;
}

/// Elements of one call at most, so that no lane of a vector counts further than its bits reach.
constexpr std::size_t kPiece = 4096;

/// Vectors of the compilers' own kind: what they become is the business of the function that this is a part of.
template <typename Bits>
__attribute__((always_inline)) inline std::uint64_t count_run(const std::byte* in, std::size_t count, const Run& run) {
  using Vector [[gnu::vector_size(32)]] = Bits;
  constexpr std::size_t kLanes = sizeof(Vector) / sizeof(Bits);
  static_assert(kPiece / kLanes <= static_cast<Bits>(~Bits{0}));
  const auto mask = static_cast<Bits>(run.mask);
  const auto low = static_cast<Bits>(run.low);
  const auto width = static_cast<Bits>(run.high - run.low);
  Vector inside = {};
  for (; count >= kLanes; count -= kLanes, in += sizeof(Vector)) {
    Vector values;
    std::memcpy(&values, in, sizeof values);
    inside -= static_cast<Vector>(((values & mask) - low) <= width);  // a lane that holds is all ones, which is -1
  }
  std::uint64_t total = 0;
  for (std::size_t lane = 0; lane < kLanes; ++lane) total += inside[lane];
  for (; count != 0; --count, in += sizeof(Bits)) {
    Bits value;
    std::memcpy(&value, in, sizeof value);
    total += static_cast<Bits>((value & mask) - low) <= width ? 1 : 0;
  }
  return total;
}

inline __attribute__((always_inline)) std::uint64_t count_sized(const std::byte* in, std::size_t count,
                                                                std::size_t size, const Run& run) {
  switch (size) {
    case 1: return count_run<std::uint8_t>(in, count, run);
    case 2: return count_run<std::uint16_t>(in, count, run);
    case 4: return count_run<std::uint32_t>(in, count, run);
    default: return count_run<std::uint64_t>(in, count, run);
  }
}

std::uint64_t count_portable(const std::byte* in, std::size_t count, std::size_t size, const Run& run) {
  return count_sized(in, count, size, run);
}

#if defined(__x86_64__)
SCONCE_AVX2 std::uint64_t count_avx2(const std::byte* in, std::size_t count, std::size_t size, const Run& run) {
  return count_sized(in, count, size, run);
}
#endif

std::uint64_t count_best(const std::byte* in, std::size_t count, std::size_t size, const Run& run) {
#if defined(__x86_64__)
  if (cast_level() != CastLevel::portable) return count_avx2(in, count, size, run);
#endif
  return count_portable(in, count, size, run);
}

DType real_of(DType dtype) noexcept {
  switch (dtype) {
    case DType::complex128: return DType::float64;
    case DType::complex64: return DType::float32;
    case DType::complex32: return DType::float16;
    case DType::bcomplex32: return DType::bfloat16;
    default: return dtype;
  }
}

std::uint64_t& place_of(Fate fate, CastCounts& counts) noexcept {
  switch (fate) {
    case Fate::to_infinity: return counts.to_infinity;
    case Fate::to_nan: return counts.to_nan;
    case Fate::to_largest: return counts.to_largest;
    case Fate::to_zero: return counts.to_zero;
    default: return counts.out_of_range;
  }
}

}  // namespace

CastCounter::CastCounter(DType from, DType to) {
  check_cast(from, to);
  const DType real = real_of(from);
  size_ = element_size(real);
  parts_ = info(from).is_complex ? 2 : 1;
  if (from == to) return;
  const std::uint64_t mask = ~std::uint64_t{0} >> (64 - 8 * size_);
  const std::vector<Patterns> halves = patterns_of(real);
  runs_ = runs_in(halves[0], mask, real, real_of(to));
  if (halves.size() == 2)
    runs_ = merged(std::move(runs_), runs_in(halves[1], mask, real, real_of(to)), halves[1].first);
}

void CastCounter::count(const std::byte* in, std::uint64_t count, CastCounts& counts) const noexcept {
  counts.elements += count;
  // Each run is a pass of its own: through pieces that stay in the nearest cache.
  for (std::uint64_t left = count * parts_; left != 0;) {
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, left));
    for (const Run& run : runs_) place_of(run.fate, counts) += count_best(in, piece, size_, run);
    in += piece * size_;
    left -= piece;
  }
}

CastCounts count_cast(DType from, const std::byte* in, DType to, std::uint64_t count) {
  CastCounts counts;
  CastCounter(from, to).count(in, count, counts);
  return counts;
}

void add(CastCounts& sum, const CastCounts& more) noexcept {
  sum.elements += more.elements;
  sum.to_infinity += more.to_infinity;
  sum.to_nan += more.to_nan;
  sum.to_largest += more.to_largest;
  sum.to_zero += more.to_zero;
  sum.out_of_range += more.out_of_range;
}

}  // namespace sconce::tensor
