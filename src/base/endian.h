// Numbers in byte order, at any alignment.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace sconce {

template <typename T>
[[nodiscard]] constexpr T byte_swapped(T value) noexcept {
  static_assert(std::is_unsigned_v<T>);
  if constexpr (sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
}

template <typename T>
[[nodiscard]] inline T load_le(const void* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? value : byte_swapped(value);
}

template <typename T>
[[nodiscard]] inline T load_be(const void* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::big ? value : byte_swapped(value);
}

template <typename T>
inline void store_le(void* to, T value) noexcept {
  if (std::endian::native != std::endian::little) value = byte_swapped(value);
  std::memcpy(to, &value, sizeof value);
}

template <typename T>
inline void store_be(void* to, T value) noexcept {
  if (std::endian::native != std::endian::big) value = byte_swapped(value);
  std::memcpy(to, &value, sizeof value);
}

/// Appends an integer to a string or vector of bytes, little-endian.
template <typename T, typename Bytes>
inline void append_le(Bytes& bytes, T value) {
  char buffer[sizeof(T)];
  store_le(buffer, value);
  using Byte = typename Bytes::value_type;
  const auto* first = reinterpret_cast<const Byte*>(buffer);
  bytes.insert(bytes.end(), first, first + sizeof(T));
}

}  // namespace sconce
