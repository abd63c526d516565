// Elements of a tensor as numbers and as text.
#pragma once

#include <sconce/dtype.h>

#include <complex>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "base/json_writer.h"

namespace sconce::cli {

/// A whole number, a real one, a complex one, a truth, or bits that have no number (as hexadecimal text). Reals keep
/// the type whose shortest digits they are printed with.
using Element = std::variant<bool, std::int64_t, std::uint64_t, float, double, std::complex<float>,
                             std::complex<double>, std::string>;

/// The element in the bytes that Tensor::copy_to gives for one: this machine's byte order; below eight bits, the low
/// bits of a byte.
[[nodiscard]] Element decode(DType dtype, const std::byte* bytes);
[[nodiscard]] std::string element_text(const Element& element);
void write_element(JsonWriter& json, const Element& element);

}  // namespace sconce::cli
