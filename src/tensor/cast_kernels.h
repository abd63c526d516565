// The loops of cast_elements(), for every processor and for those that can more.
#pragma once

#include <cstddef>

#include <sconce/dtype.h>

namespace sconce::tensor {

/// Where results go: to be used at once, or to memory, past the caches. Those would only lose what is still needed, and
/// every line would be read before it is written.
enum class CastInto : std::uint8_t { cache, memory };

/// Casts a number of elements; neither side need be aligned.
using CastKernel = void (*)(const std::byte* in, std::byte* out, std::size_t count, CastInto into);

/// What the processor must have for a set of kernels.
enum class CastLevel : std::uint8_t { portable, avx2, avx512 };
/// The best level of this processor.
[[nodiscard]] CastLevel cast_level() noexcept;

/// Whether a dtype is a float of one or two bytes, which goes to and from everything through float32, as in PyTorch.
[[nodiscard]] bool is_small_float(DType dtype) noexcept;
/// Small float → float32, and back. Null where `level` has nothing of its own for it.
[[nodiscard]] CastKernel widen_kernel(DType from, CastLevel level) noexcept;
[[nodiscard]] CastKernel narrow_kernel(DType to, CastLevel level) noexcept;
/// Between float64, float32, integers and bool. Null for other dtypes.
[[nodiscard]] CastKernel plain_kernel(DType from, DType to) noexcept;

}  // namespace sconce::tensor
