// How far elements are apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <sconce/dtype.h>

namespace sconce::model {

/// What a comparison of elements found.
struct ElementStats {
  std::uint64_t different = 0;
  std::uint64_t first = UINT64_MAX;  ///< number of the first element that differs
  double max_abs = 0;
  double max_rel = 0;
  void merge(const ElementStats& other) noexcept;
};

struct ElementRules {
  DType a = DType::float32;
  DType b = DType::float32;
  double rtol = 0;
  double atol = 0;
  bool strict = false;  ///< signs of zero and payloads of NaN count
};

/// Elements are compared this many at a time; sub-byte dtypes fill whole bytes with every eight.
inline constexpr std::size_t kElementBlock = 1024;

/// Compares `count` elements, the first of which is number `first` of its tensor; adds to `stats`. Both runs are
/// row-major and little-endian, as tensor::element_source() gives them, and both dtypes have as many numbers an
/// element. Equal bytes of one dtype are equal; everything else goes through numbers. NaN is equal to NaN.
void compare_elements(const ElementRules& rules, std::span<const std::byte> a, std::span<const std::byte> b,
                      std::uint64_t first, std::size_t count, ElementStats& stats) noexcept;

}  // namespace sconce::model
