#include "tensor/numbers.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "base/endian.h"
#include "tensor/packed.h"

namespace sconce::tensor {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// How a small float lies in its bits: a sign, an exponent, a mantissa.
struct SmallFloat {
  enum class Special : std::uint8_t {
    ieee,      ///< the largest exponent is for infinity and NaN
    all_ones,  ///< no infinity; all ones are NaN ("fn")
    fnuz,      ///< no infinity, no negative zero: its bits are the only NaN
    none,      ///< every pattern is a number
  };
  int exponent_bits;
  int mantissa_bits;
  int bias;
  Special special;
};

using Table = std::array<double, 256>;

double small_float(unsigned bits, const SmallFloat& format) {
  const unsigned mantissa_ones = (1U << format.mantissa_bits) - 1;
  const unsigned exponent_ones = (1U << format.exponent_bits) - 1;
  const unsigned sign_bit = 1U << (format.exponent_bits + format.mantissa_bits);
  const unsigned mantissa = bits & mantissa_ones;
  const unsigned exponent = bits >> format.mantissa_bits & exponent_ones;
  const double sign = (bits & sign_bit) != 0 ? -1.0 : 1.0;
  using Special = SmallFloat::Special;
  if (format.special == Special::ieee && exponent == exponent_ones) return mantissa == 0 ? sign * kInfinity : kNaN;
  if (format.special == Special::all_ones && exponent == exponent_ones && mantissa == mantissa_ones) return kNaN;
  if (format.special == Special::fnuz && bits == sign_bit) return kNaN;
  const int power = (exponent == 0 ? 1 : static_cast<int>(exponent)) - format.bias - format.mantissa_bits;
  const unsigned significand = exponent == 0 ? mantissa : mantissa + mantissa_ones + 1;
  return sign * std::ldexp(static_cast<double>(significand), power);
}

Table table_of(const SmallFloat& format) {
  Table table{};
  const unsigned patterns = 1U << (1 + format.exponent_bits + format.mantissa_bits);
  for (unsigned bits = 0; bits < patterns; ++bits) table[bits] = small_float(bits, format);
  return table;
}

/// Powers of two from 2^-127 on; 255 is NaN.
Table scale_table() {
  Table table{};
  for (int bits = 0; bits < 255; ++bits) table[static_cast<std::size_t>(bits)] = std::ldexp(1.0, bits - 127);
  table[255] = kNaN;
  return table;
}

/// Formats of the Open Compute Project (OFP8, Microscaling) and of Graphcore and AMD ("fnuz"), as PyTorch has them.
const Table& small_float_table(DType dtype) {
  using Special = SmallFloat::Special;
  static const Table e5m2 = table_of({5, 2, 15, Special::ieee});
  static const Table e4m3fn = table_of({4, 3, 7, Special::all_ones});
  static const Table e5m2fnuz = table_of({5, 2, 16, Special::fnuz});
  static const Table e4m3fnuz = table_of({4, 3, 8, Special::fnuz});
  static const Table e2m1 = table_of({2, 1, 1, Special::none});
  static const Table e2m3 = table_of({2, 3, 1, Special::none});
  static const Table e3m2 = table_of({3, 2, 3, Special::none});
  static const Table e8m0 = scale_table();
  switch (dtype) {
    case DType::float8_e5m2: return e5m2;
    case DType::float8_e4m3fn: return e4m3fn;
    case DType::float8_e5m2fnuz: return e5m2fnuz;
    case DType::float8_e4m3fnuz: return e4m3fnuz;
    case DType::float4_e2m1fn_x2: return e2m1;
    case DType::float6_e2m3: return e2m3;
    case DType::float6_e3m2: return e3m2;
    default: return e8m0;
  }
}

/// Numbers of `Bits`' size, each turned by `number`.
template <typename Bits, typename Number>
void each(std::span<const std::byte> bytes, std::span<double> numbers, Number&& number) {
  for (std::size_t at = 0; at < numbers.size(); ++at)
    numbers[at] = number(load_le<Bits>(bytes.data() + at * sizeof(Bits)));
}

template <typename Integer>
void integers(std::span<const std::byte> bytes, std::span<double> numbers) {
  using Bits = std::make_unsigned_t<Integer>;
  each<Bits>(bytes, numbers, [](Bits bits) { return static_cast<double>(static_cast<Integer>(bits)); });
}

void halves(std::span<const std::byte> bytes, std::span<double> numbers) {
  each<std::uint16_t>(bytes, numbers, [](std::uint16_t bits) { return double{static_cast<float>(Float16{bits})}; });
}

void brain_floats(std::span<const std::byte> bytes, std::span<double> numbers) {
  each<std::uint16_t>(bytes, numbers, [](std::uint16_t bits) { return double{static_cast<float>(BFloat16{bits})}; });
}

void small_floats(DType dtype, std::span<const std::byte> bytes, std::span<double> numbers) {
  const Table& table = small_float_table(dtype);
  each<std::uint8_t>(bytes, numbers, [&](std::uint8_t bits) { return table[bits]; });
}

/// Two to a byte, the low half first.
void float4_pairs(std::span<const std::byte> bytes, std::span<double> numbers) {
  const Table& table = small_float_table(DType::float4_e2m1fn_x2);
  for (std::size_t at = 0; at < numbers.size(); ++at) {
    const auto byte = std::to_integer<unsigned>(bytes[at / 2]);
    numbers[at] = table[at % 2 == 0 ? byte & 15 : byte >> 4];
  }
}

/// Elements that share bytes, through a small buffer with one byte for each.
void packed(DType dtype, std::span<const std::byte> bytes, std::span<double> numbers) {
  std::array<std::byte, 1024> elements;
  const unsigned bits = info(dtype).bits;
  while (!numbers.empty()) {
    const std::size_t count = std::min(numbers.size(), elements.size());
    unpack(bytes, 0, bits, std::span(elements).first(count));
    if (bits == 6)
      small_floats(dtype, elements, numbers.first(count));
    else
      integers<std::uint8_t>(elements, numbers.first(count));
    numbers = numbers.subspan(count);
    if (!numbers.empty()) bytes = bytes.subspan(elements.size() * bits / 8);
  }
}

}  // namespace

std::size_t numbers_per_element(DType dtype) noexcept {
  return info(dtype).is_complex || dtype == DType::float4_e2m1fn_x2 ? 2 : 1;
}

void to_doubles(DType dtype, std::span<const std::byte> bytes, std::span<double> numbers) noexcept {
  switch (dtype) {
    case DType::float64:
    case DType::complex128:
      return each<std::uint64_t>(bytes, numbers, [](std::uint64_t bits) { return std::bit_cast<double>(bits); });
    case DType::float32:
    case DType::complex64:
      return each<std::uint32_t>(bytes, numbers, [](std::uint32_t bits) { return double{std::bit_cast<float>(bits)}; });
    case DType::float16:
    case DType::complex32: return halves(bytes, numbers);
    case DType::bfloat16:
    case DType::bcomplex32: return brain_floats(bytes, numbers);
    case DType::float8_e5m2:
    case DType::float8_e4m3fn:
    case DType::float8_e5m2fnuz:
    case DType::float8_e4m3fnuz:
    case DType::float8_e8m0fnu: return small_floats(dtype, bytes, numbers);
    case DType::float4_e2m1fn_x2: return float4_pairs(bytes, numbers);
    case DType::float6_e2m3:
    case DType::float6_e3m2:
    case DType::quint4x2:
    case DType::quint2x4: return packed(dtype, bytes, numbers);
    case DType::int64: return integers<std::int64_t>(bytes, numbers);
    case DType::int32:
    case DType::qint32: return integers<std::int32_t>(bytes, numbers);
    case DType::int16: return integers<std::int16_t>(bytes, numbers);
    case DType::int8:
    case DType::qint8: return integers<std::int8_t>(bytes, numbers);
    case DType::uint64: return integers<std::uint64_t>(bytes, numbers);
    case DType::uint32: return integers<std::uint32_t>(bytes, numbers);
    case DType::uint16:
    case DType::bits16: return integers<std::uint16_t>(bytes, numbers);
    case DType::boolean:
      return each<std::uint8_t>(bytes, numbers, [](std::uint8_t bits) { return bits != 0 ? 1.0 : 0.0; });
    case DType::uint8:
    case DType::quint8:
    case DType::bits1x8:
    case DType::bits2x4:
    case DType::bits4x2:
    case DType::bits8: return integers<std::uint8_t>(bytes, numbers);
  }
}

}  // namespace sconce::tensor
