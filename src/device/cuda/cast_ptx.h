// Casts on the device: float32 from and to float16 and bfloat16, as text of PTX that the driver compiles for whatever
// device it has. They round as tensor::cast_elements() does.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <sconce/dtype.h>

namespace sconce::device::cuda {

inline constexpr unsigned kCastGroup = 256;              ///< threads of a block
inline constexpr std::uint64_t kCastGroups = 16 * 1024;  ///< at most; each thread then does several elements

/// Kernels take (to, from, count), all of 64 bits.
struct CastKernel {
  DType to;
  DType from;
  const char* name;      ///< for elements that lie where their size divides the address
  const char* bytewise;  ///< for elements anywhere
  /// From %r5 to %r6, in integers, with %r7 … %r15, %f1 … %f3 and %p2 … %p4.
  std::string_view body;

  [[nodiscard]] bool is_aligned(std::uint64_t to_address, std::uint64_t from_address) const noexcept {
    return to_address % element_size(to) == 0 && from_address % element_size(from) == 0;
  }
};

[[nodiscard]] std::span<const CastKernel> cast_kernels() noexcept;
/// Null where there is none for the pair.
[[nodiscard]] const CastKernel* cast_kernel(DType to, DType from) noexcept;
/// The module with all kernels.
[[nodiscard]] std::string cast_ptx();

}  // namespace sconce::device::cuda
