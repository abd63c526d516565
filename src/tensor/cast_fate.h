// What becomes of one element: the slow way, by which the fast ones are made.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <sconce/dtype.h>

#include "tensor/cast_count.h"

namespace sconce::tensor {

/// Of a real dtype: the fate of the element with these bits in a cast to another real dtype.
[[nodiscard]] Fate fate_of(DType from, std::uint64_t bits, DType to);

/// A run of bit patterns whose numbers rise or fall, and patterns of it between any two of which the fate changes once.
struct Patterns {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::vector<std::uint64_t> marks;  ///< sorted; from the first to the last
};

/// All patterns of a real dtype: those of positive numbers, then those of negative ones.
[[nodiscard]] std::vector<Patterns> patterns_of(DType dtype);

}  // namespace sconce::tensor
