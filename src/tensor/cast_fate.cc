#include "tensor/cast_fate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "tensor/cast.h"
#include "tensor/cast_kernels.h"
#include "tensor/numbers.h"

namespace sconce::tensor {
namespace {

/// The largest float32 that float8_e4m3fn would not round to what comes behind its largest number, 448.
constexpr double kE4M3FnLast = 464;

double number_of(DType dtype, std::uint64_t bits) {
  std::array<std::byte, 8> element;
  std::memcpy(element.data(), &bits, sizeof bits);
  double number = 0;
  to_doubles(dtype, std::span(element).first(element_size(dtype)), std::span(&number, 1));
  return number;
}

double cast_number(DType from, std::uint64_t bits, DType to) {
  std::uint64_t result = 0;
  cast_elements(from, reinterpret_cast<const std::byte*>(&bits), to, reinterpret_cast<std::byte*>(&result), 1);
  return number_of(to, result);
}

/// An integer's bits as a number of 64 bits, and whether that is to be read with a sign.
std::int64_t integer_of(DType dtype, std::uint64_t bits) noexcept {
  const auto shift = static_cast<unsigned>(64 - info(dtype).bits);
  return info(dtype).is_signed ? static_cast<std::int64_t>(bits << shift) >> shift : static_cast<std::int64_t>(bits);
}

bool integer_holds_integer(DType from, std::uint64_t bits, DType to) noexcept {
  const std::int64_t value = integer_of(from, bits);
  const unsigned room = info(to).bits - (info(to).is_signed ? 1U : 0U);
  if (value < 0 && info(from).is_signed)
    return info(to).is_signed && value >= -1 - static_cast<std::int64_t>((1ULL << room) - 1);
  return room == 64 || static_cast<std::uint64_t>(value) >> room == 0;
}

/// Numbers are cut toward zero before they are stored.
bool integer_holds(double number, DType to) noexcept {
  const double whole = std::trunc(number);
  const double above = std::ldexp(1.0, info(to).bits - (info(to).is_signed ? 1 : 0));
  return whole < above && whole >= (info(to).is_signed ? -above : 0.0);  // NaN: neither
}

bool is_float(DType dtype) noexcept { return info(dtype).is_floating_point; }

Fate fate_as_float(DType from, std::uint64_t bits, DType to) {
  const double number = number_of(from, bits);
  if (std::isnan(number)) return Fate::kept;
  if (to == DType::float8_e8m0fnu && (std::signbit(number) || number == 0)) return Fate::out_of_range;
  const double result = cast_number(from, bits, to);
  if (std::isnan(result)) return Fate::to_nan;
  if (std::isinf(result)) return std::isinf(number) ? Fate::kept : Fate::to_infinity;
  if (to == DType::float8_e4m3fn && std::abs(cast_number(from, bits, DType::float32)) > kE4M3FnLast)
    return Fate::to_largest;
  return result == 0 && number != 0 ? Fate::to_zero : Fate::kept;
}

/// The bits of infinity, or of the first NaN where there is none, and those of one.
std::pair<std::uint64_t, std::uint64_t> marks_of(DType dtype) noexcept {
  switch (dtype) {
    case DType::float64: return {0x7FF0'0000'0000'0000, 0x3FF0'0000'0000'0000};
    case DType::float32: return {0x7F80'0000, 0x3F80'0000};
    case DType::float16: return {0x7C00, 0x3C00};
    case DType::bfloat16: return {0x7F80, 0x3F80};
    case DType::float8_e5m2: return {0x7C, 0x3C};
    case DType::float8_e4m3fn: return {0x7F, 0x38};
    case DType::float8_e5m2fnuz: return {0x80, 0x40};
    case DType::float8_e4m3fnuz: return {0x80, 0x40};
    default: return {0xFF, 0x7F};
  }
}

}  // namespace

Fate fate_of(DType from, std::uint64_t bits, DType to) {
  if (to == DType::boolean || from == to) return Fate::kept;
  if (is_float(to)) return fate_as_float(from, bits, to);
  if (from == DType::boolean) return Fate::kept;
  const bool holds = is_float(from) ? integer_holds(number_of(from, bits), to) : integer_holds_integer(from, bits, to);
  return holds ? Fate::kept : Fate::out_of_range;
}

std::vector<Patterns> patterns_of(DType dtype) {
  const unsigned bits = dtype == DType::boolean ? 8 : info(dtype).bits;
  const std::uint64_t all = ~std::uint64_t{0} >> (64 - bits);
  const bool two = dtype != DType::boolean && dtype != DType::float8_e8m0fnu && info(dtype).is_signed;
  std::vector<Patterns> found;
  for (std::uint64_t sign = 0; sign <= (two ? 1 : 0); ++sign) {
    Patterns half{.first = sign << (bits - 1), .last = two && sign == 0 ? all >> 1 : all};
    half.marks = {half.first, half.first + 1, half.last};
    if (is_float(dtype)) {
      const auto [limit, one] = marks_of(dtype);
      for (const std::uint64_t mark : {one, limit - 1, limit, limit + 1})
        if (half.first + mark <= half.last) half.marks.push_back(half.first + mark);
    }
    std::sort(half.marks.begin(), half.marks.end());
    found.push_back(std::move(half));
  }
  return found;
}

}  // namespace sconce::tensor
