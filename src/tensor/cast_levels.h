// The kernels of each level, and what those for vectors share.
#pragma once

#include <cstdint>

#include "tensor/cast_kernels.h"

namespace sconce::tensor {

[[nodiscard]] CastKernel portable_widen(DType from) noexcept;
[[nodiscard]] CastKernel portable_narrow(DType to) noexcept;
#if defined(__x86_64__)
[[nodiscard]] CastKernel avx2_widen(DType from) noexcept;
[[nodiscard]] CastKernel avx2_narrow(DType to) noexcept;
[[nodiscard]] CastKernel avx512_widen(DType from) noexcept;
[[nodiscard]] CastKernel avx512_narrow(DType to) noexcept;
#endif

/// Elements before the first whose result begins a line of `line` bytes; nothing is gained where there is none.
[[nodiscard]] inline std::size_t elements_to_line(const std::byte* out, std::size_t element,
                                                  std::size_t line) noexcept {
  const std::size_t past = reinterpret_cast<std::uintptr_t>(out) % line;
  return past == 0 ? 0 : (line - past) / element;
}

/// Runs a vector loop over whole blocks, and the portable one over what is before and behind them. `Block` has kIn and
/// kOut (bytes of an element), kElements (of a block, whose results fill kLine bytes), portable(), and blocks<stream>()
/// which takes a number of blocks.
template <typename Block>
void cast_blocks(const std::byte* in, std::byte* out, std::size_t count, CastInto into) {
  const CastKernel portable = Block::portable();
  bool stream = into == CastInto::memory && count * Block::kOut >= 2 * Block::kLine;
  if (stream) {
    const std::size_t head = elements_to_line(out, Block::kOut, Block::kLine);
    portable(in, out, head, into);
    in += head * Block::kIn;
    out += head * Block::kOut;
    count -= head;
    stream = reinterpret_cast<std::uintptr_t>(out) % Block::kLine == 0;
  }
  const std::size_t blocks = count / Block::kElements;
  if (stream)
    Block::template blocks<true>(in, out, blocks);
  else
    Block::template blocks<false>(in, out, blocks);
  const std::size_t done = blocks * Block::kElements;
  portable(in + done * Block::kIn, out + done * Block::kOut, count - done, into);
}

}  // namespace sconce::tensor
