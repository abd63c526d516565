#include "tensor/cast.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/fail.h"
#include "tensor/cast_kernels.h"

namespace sconce::tensor {
namespace {

/// The dtype of a complex number's parts; nothing for other dtypes.
std::optional<DType> part_of(DType dtype) noexcept {
  switch (dtype) {
    case DType::complex128: return DType::float64;
    case DType::complex64: return DType::float32;
    case DType::complex32: return DType::float16;
    case DType::bcomplex32: return DType::bfloat16;
    default: return std::nullopt;
  }
}

bool is_real(DType dtype) noexcept { return is_small_float(dtype) || plain_kernel(dtype, dtype) != nullptr; }

std::string name(DType dtype) { return std::string(to_string(dtype)); }

/// Why a dtype stands for no number that a cast could take or make.
std::optional<std::string> why_no_number(DType dtype) {
  if (is_real(dtype) || part_of(dtype)) return std::nullopt;
  if (info(dtype).is_quantized)
    return name(dtype) + " is quantised: its integers mean nothing without the tensor's scale and zero point";
  if (info(dtype).is_floating_point)
    return "elements of " + name(dtype) + " share bytes, and PyTorch casts none of them";
  return name(dtype) + " is a run of bits, no number";
}

/// Results of so many bytes are hardly all used before they leave the caches again.
constexpr std::uint64_t kLargeResult = std::uint64_t{1} << 20;

/// Elements go through a buffer of float32 that stays in the nearest cache.
constexpr std::size_t kStep = 2048;

struct Cast {
  CastKernel first = nullptr;   ///< to float32, where there is a second
  CastKernel second = nullptr;  ///< from float32; null: one step does it all
  std::size_t in = 0;           ///< bytes of an element
  std::size_t out = 0;

  void run(const std::byte* from, std::byte* to, std::size_t count, CastInto into) const {
    if (second == nullptr) return first(from, to, count, into);
    alignas(64) std::array<std::byte, kStep * sizeof(float)> floats;
    for (std::size_t at = 0; at < count; at += kStep) {
      const std::size_t step = std::min(kStep, count - at);
      first(from + at * in, floats.data(), step, CastInto::cache);
      second(floats.data(), to + at * out, step, into);
    }
  }
};

Cast cast_of(DType from, DType to) noexcept {
  const CastLevel level = cast_level();
  Cast cast{.in = element_size(from), .out = element_size(to)};
  const CastKernel narrow = is_small_float(to) ? narrow_kernel(to, level) : nullptr;
  if (is_small_float(from)) {
    cast.first = widen_kernel(from, level);
    if (to != DType::float32) cast.second = narrow != nullptr ? narrow : plain_kernel(DType::float32, to);
  } else if (narrow != nullptr) {
    cast.first = from == DType::float32 ? narrow : plain_kernel(from, DType::float32);
    if (from != DType::float32) cast.second = narrow;
  } else {
    cast.first = plain_kernel(from, to);
  }
  return cast;
}

void cast_reals(DType from, const std::byte* in, DType to, std::byte* out, std::size_t count, CastInto into) {
  if (from == to)
    std::memcpy(out, in, count * element_size(from));
  else
    cast_of(from, to).run(in, out, count, into);
}

/// Real numbers become the real parts of complex ones; imaginary parts are zero.
void cast_to_complex(DType from, const std::byte* in, DType part, std::byte* out, std::size_t count) {
  std::array<std::byte, kStep * 8> reals;
  const std::size_t size = element_size(part);
  std::memset(out, 0, 2 * size * count);
  for (std::size_t at = 0; at < count; at += kStep) {
    const std::size_t step = std::min(kStep, count - at);
    cast_reals(from, in + at * element_size(from), part, reals.data(), step, CastInto::cache);
    for (std::size_t real = 0; real < step; ++real)
      std::memcpy(out + 2 * size * (at + real), reals.data() + size * real, size);
  }
}

}  // namespace

bool is_small_float(DType dtype) noexcept {
  return dtype == DType::float16 || dtype == DType::bfloat16 ||
         (dtype >= DType::float8_e5m2 && dtype <= DType::float8_e8m0fnu);
}

std::optional<std::string> why_no_cast(DType from, DType to) {
  if (from == to) return std::nullopt;
  for (const DType dtype : {from, to})
    if (auto why = why_no_number(dtype)) return why;
  if (part_of(from) && !part_of(to)) return name(to) + " has no place for imaginary parts";
  return std::nullopt;
}

bool can_cast(DType from, DType to) noexcept {
  const bool from_complex = part_of(from).has_value();
  const bool to_complex = part_of(to).has_value();
  return from == to || ((from_complex || is_real(from)) && (to_complex || (is_real(to) && !from_complex)));
}

void check_cast(DType from, DType to) {
  if (const auto why = why_no_cast(from, to))
    fail(ErrorCode::unsupported, "no cast from " + name(from) + " to " + name(to) + ": " + *why, {},
         "leave tensors of this dtype out of the cast");
}

void cast_elements(DType from, const std::byte* in, DType to, std::byte* out, std::uint64_t count) {
  cast_piece(from, in, to, out, count, bytes_of(to, count).value_or(UINT64_MAX));
}

void cast_piece(DType from, const std::byte* in, DType to, std::byte* out, std::uint64_t count, std::uint64_t whole) {
  check_cast(from, to);
  const CastInto into = whole >= kLargeResult ? CastInto::memory : CastInto::cache;
  if (count == 0) return;
  const auto elements = static_cast<std::size_t>(count);
  const auto part_from = part_of(from);
  const auto part_to = part_of(to);
  if (from == to)
    std::memcpy(out, in, static_cast<std::size_t>(*bytes_of(from, count)));
  else if (part_from)
    cast_reals(*part_from, in, *part_to, out, 2 * elements, into);
  else if (part_to)
    cast_to_complex(from, in, *part_to, out, elements);
  else
    cast_reals(from, in, to, out, elements, into);
}

}  // namespace sconce::tensor
