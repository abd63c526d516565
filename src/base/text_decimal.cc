// Integers of any length between two's complement bytes and decimal digits.
#include <algorithm>
#include <vector>

#include "base/text.h"

namespace sconce {

namespace {

/// The magnitude as base-2^32 digits, least significant first.
using Limbs = std::vector<std::uint32_t>;

constexpr std::uint32_t kChunk = 1'000'000'000;  // nine decimal digits at a time
constexpr std::size_t kChunkDigits = 9;

void negate(Limbs& limbs) {
  std::uint64_t carry = 1;
  for (std::uint32_t& limb : limbs) {
    const std::uint64_t sum = std::uint64_t{~limb} + carry;
    limb = static_cast<std::uint32_t>(sum);
    carry = sum >> 32;
  }
}

void trim(Limbs& limbs) {
  while (!limbs.empty() && limbs.back() == 0) limbs.pop_back();
}

/// Divides by kChunk and gives the remainder.
std::uint32_t divide(Limbs& limbs) {
  std::uint64_t rest = 0;
  for (std::size_t i = limbs.size(); i-- > 0;) {
    rest = rest << 32 | limbs[i];
    limbs[i] = static_cast<std::uint32_t>(rest / kChunk);
    rest %= kChunk;
  }
  trim(limbs);
  return static_cast<std::uint32_t>(rest);
}

void multiply_add(Limbs& limbs, std::uint32_t factor, std::uint32_t summand) {
  std::uint64_t carry = summand;
  for (std::uint32_t& limb : limbs) {
    carry += std::uint64_t{limb} * factor;
    limb = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
  if (carry != 0) limbs.push_back(static_cast<std::uint32_t>(carry));
}

}  // namespace

std::string decimal(std::string_view little_endian) {
  const bool negative = !little_endian.empty() && (static_cast<unsigned char>(little_endian.back()) & 0x80) != 0;
  Limbs limbs((little_endian.size() + 3) / 4, negative ? ~std::uint32_t{0} : 0);
  for (std::size_t i = 0; i < little_endian.size(); ++i) {
    const auto shift = static_cast<unsigned>(8 * (i % 4));
    const std::uint32_t byte = static_cast<unsigned char>(little_endian[i]);
    limbs[i / 4] = (limbs[i / 4] & ~(std::uint32_t{0xFF} << shift)) | byte << shift;
  }
  if (negative) negate(limbs);
  trim(limbs);
  if (limbs.empty()) return "0";
  std::string reversed;
  while (!limbs.empty()) {
    std::uint32_t chunk = divide(limbs);
    // All nine digits of a chunk but the leading zeros of the first.
    for (std::size_t i = 0; i < kChunkDigits && (chunk != 0 || !limbs.empty()); ++i, chunk /= 10)
      reversed += static_cast<char>('0' + chunk % 10);
  }
  if (negative) reversed += '-';
  std::reverse(reversed.begin(), reversed.end());
  return reversed;
}

std::string integer_bytes(std::string_view digits) {
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  Limbs limbs;
  while (!digits.empty()) {
    const std::string_view chunk = digits.substr(0, (digits.size() - 1) % kChunkDigits + 1);
    std::uint32_t value = 0;
    for (const char digit : chunk) value = value * 10 + static_cast<std::uint32_t>(digit - '0');
    multiply_add(limbs, kChunk, value);
    digits.remove_prefix(chunk.size());
  }
  limbs.push_back(0);  // room for the sign
  if (negative) negate(limbs);
  std::string bytes;
  for (const std::uint32_t limb : limbs)
    for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(limb >> shift);
  const auto top_bit = [&](std::size_t i) { return (static_cast<unsigned char>(bytes[i]) & 0x80) != 0; };
  // A last byte of sign bits only says nothing where the byte before has the same sign.
  while (bytes.size() > 1 && (bytes.back() == '\0' || bytes.back() == '\xFF') &&
         top_bit(bytes.size() - 2) == top_bit(bytes.size() - 1))
    bytes.pop_back();
  return bytes == std::string_view("\0", 1) ? std::string() : bytes;
}

}  // namespace sconce
