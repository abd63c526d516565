// The dtypes of the format, in the order in which the reference sorts tensors, and how PyTorch's fit into them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <sconce/dtype.h>

namespace sconce::formats::safetensors {

/// As the reference declares them: in increasing alignment. A file has its tensors by descending code, then by name.
enum class Code : std::uint8_t {
  boolean,
  f4,
  f6_e2m3,
  f6_e3m2,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  f8_e8m0,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  c64,
  f64,
  i64,
  u64,
};

/// The name in the header: "F32".
[[nodiscard]] std::string_view to_string(Code code) noexcept;
[[nodiscard]] std::optional<Code> code_from_string(std::string_view name) noexcept;
/// Bits of one element. Two values of F4 share a byte, and each is an element of its own.
[[nodiscard]] unsigned bits_of(Code code) noexcept;
[[nodiscard]] DType dtype_of(Code code) noexcept;

/// How a tensor stands in a header.
struct Spelling {
  Code code;
  std::vector<std::int64_t> shape;
  /// Whether the header alone gives dtype and shape back.
  bool exact = true;
};

/// Every dtype has one: those that the format lacks are stored as one of the same bytes (complex128 as pairs of F64).
[[nodiscard]] Spelling spelling_of(DType dtype, std::span<const std::int64_t> shape);

}  // namespace sconce::formats::safetensors
