#include "cli/elements.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/text.h"

namespace sconce::cli {

namespace {

template <typename T>
T load(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// What the largest exponent of a small float means.
enum class Special : unsigned char { ieee, only_nan, none };

/// Sign, exponent and fraction of at most 8 bits.
float small_float(unsigned bits, int exponent_bits, int fraction_bits, int bias, Special special) {
  const unsigned fraction = bits & ((1u << fraction_bits) - 1);
  const unsigned largest = (1u << exponent_bits) - 1;
  const unsigned exponent = (bits >> fraction_bits) & largest;
  const float sign = ((bits >> (exponent_bits + fraction_bits)) & 1) != 0 ? -1.0F : 1.0F;
  if (special == Special::ieee && exponent == largest)
    return fraction == 0 ? sign * std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  if (special == Special::only_nan && exponent == largest && fraction == (1u << fraction_bits) - 1)
    return std::numeric_limits<float>::quiet_NaN();
  const auto unit = static_cast<float>(1u << fraction_bits);
  const float value = static_cast<float>(fraction) / unit;
  return sign *
         (exponent == 0 ? std::ldexp(value, 1 - bias) : std::ldexp(1 + value, static_cast<int>(exponent) - bias));
}

/// The two formats of AMD and Graphcore: no negative zero, whose bits are NaN.
float fnuz(unsigned bits, int exponent_bits, int fraction_bits, int bias) {
  if (bits == 0x80) return std::numeric_limits<float>::quiet_NaN();
  return small_float(bits, exponent_bits, fraction_bits, bias, Special::none);
}

float power_of_two(unsigned bits) {
  return bits == 0xFF ? std::numeric_limits<float>::quiet_NaN() : std::ldexp(1.0F, static_cast<int>(bits) - 127);
}

float half(std::uint16_t bits) { return static_cast<float>(Float16{bits}); }
float brain(std::uint16_t bits) { return static_cast<float>(BFloat16{bits}); }

std::string hexadecimal(unsigned value, unsigned digits) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text = "0x";
  while (digits-- > 0) text += kHex[(value >> (4 * digits)) & 15];
  return text;
}

template <typename T>
std::string real_text(T value) {
  if (!std::isfinite(value)) return python_float(static_cast<double>(value));
  std::array<char, 48> buffer;
  const T size = std::fabs(value);
  const bool exponent = value != 0 && (size < T(1e-4) || size >= T(1e16));
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 exponent ? std::chars_format::scientific : std::chars_format::fixed)
                       .ptr;
  std::string text(buffer.data(), end);
  if (!exponent && text.find('.') == std::string::npos) text += '.';  // as NumPy writes 1.
  return text;
}

template <typename T>
std::string complex_text(const std::complex<T>& value) {
  std::string imaginary = real_text(value.imag());
  if (!imaginary.starts_with('-')) imaginary.insert(0, "+");
  return real_text(value.real()) + imaginary + "j";
}

Element decode_small(DType dtype, unsigned bits) {
  switch (dtype) {
    case DType::float8_e5m2: return small_float(bits, 5, 2, 15, Special::ieee);
    case DType::float8_e4m3fn: return small_float(bits, 4, 3, 7, Special::only_nan);
    case DType::float8_e5m2fnuz: return fnuz(bits, 5, 2, 16);
    case DType::float8_e4m3fnuz: return fnuz(bits, 4, 3, 8);
    case DType::float8_e8m0fnu: return power_of_two(bits);
    case DType::float6_e2m3: return small_float(bits & 63, 2, 3, 1, Special::none);
    case DType::float6_e3m2: return small_float(bits & 63, 3, 2, 3, Special::none);
    case DType::float4_e2m1fn_x2: {
      const auto four = [](unsigned nibble) { return real_text(small_float(nibble, 2, 1, 1, Special::none)); };
      return four(bits & 15) + "|" + four(bits >> 4);
    }
    case DType::quint4x2: return std::uint64_t{bits & 15};
    case DType::quint2x4: return std::uint64_t{bits & 3};
    default: return hexadecimal(bits, 2);
  }
}

}  // namespace

Element decode(DType dtype, const std::byte* bytes) {
  switch (dtype) {
    case DType::float64: return load<double>(bytes);
    case DType::float32: return load<float>(bytes);
    case DType::float16: return half(load<std::uint16_t>(bytes));
    case DType::bfloat16: return brain(load<std::uint16_t>(bytes));
    case DType::int64: return load<std::int64_t>(bytes);
    case DType::qint32:
    case DType::int32: return std::int64_t{load<std::int32_t>(bytes)};
    case DType::int16: return std::int64_t{load<std::int16_t>(bytes)};
    case DType::qint8:
    case DType::int8: return std::int64_t{load<std::int8_t>(bytes)};
    case DType::uint64: return load<std::uint64_t>(bytes);
    case DType::uint32: return std::uint64_t{load<std::uint32_t>(bytes)};
    case DType::uint16: return std::uint64_t{load<std::uint16_t>(bytes)};
    case DType::quint8:
    case DType::uint8: return std::uint64_t{load<std::uint8_t>(bytes)};
    case DType::boolean: return load<std::uint8_t>(bytes) != 0;
    case DType::complex128: return std::complex(load<double>(bytes), load<double>(bytes + 8));
    case DType::complex64: return std::complex(load<float>(bytes), load<float>(bytes + 4));
    case DType::complex32: return std::complex(half(load<std::uint16_t>(bytes)), half(load<std::uint16_t>(bytes + 2)));
    case DType::bcomplex32:
      return std::complex(brain(load<std::uint16_t>(bytes)), brain(load<std::uint16_t>(bytes + 2)));
    case DType::bits16: return hexadecimal(load<std::uint16_t>(bytes), 4);
    default: return decode_small(dtype, load<std::uint8_t>(bytes));
  }
}

namespace {

struct ToText {
  std::string operator()(bool value) const { return value ? "True" : "False"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(std::uint64_t value) const { return std::to_string(value); }
  std::string operator()(float value) const { return real_text(value); }
  std::string operator()(double value) const { return real_text(value); }
  std::string operator()(const std::complex<float>& value) const { return complex_text(value); }
  std::string operator()(const std::complex<double>& value) const { return complex_text(value); }
  std::string operator()(const std::string& value) const { return value; }
};

}  // namespace

std::string element_text(const Element& element) { return std::visit(ToText{}, element); }

void write_element(JsonWriter& json, const Element& element) {
  std::visit(
      [&](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, float>)
          json.value(static_cast<double>(value));
        else if constexpr (std::is_arithmetic_v<T>)
          json.value(value);
        else
          json.value(std::string_view(ToText{}(value)));
      },
      element);
}

}  // namespace sconce::cli
