// Reading a source from front to back through one window.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include <sconce/byte_source.h>

#include "base/endian.h"

namespace sconce {

/// A sequential reader: the pickle machine, the legacy stream and the archive's directory read through it. Each byte is
/// read from the source once, so what was checked cannot change afterwards. Not thread-safe.
class ByteReader {
 public:
  static constexpr std::size_t kWindow = std::size_t{256} << 10;

  /// Reads `source` from `begin`; stops at `end`, where one is given, as if the source ended there. A stream that is
  /// still arriving is read at most a window ahead.
  explicit ByteReader(SourcePtr source, std::uint64_t begin = 0, std::optional<std::uint64_t> end = {});

  [[nodiscard]] std::uint64_t offset() const noexcept { return window_at_ + static_cast<std::size_t>(next_ - begin_); }
  [[nodiscard]] const SourcePtr& source() const noexcept { return source_; }

  /// Bytes that are known to be left without reading further ahead. At least `wanted` where that many are left.
  [[nodiscard]] std::size_t ensure(std::size_t wanted) {
    const auto ready = static_cast<std::size_t>(last_ - next_);
    return ready >= wanted ? ready : refill(wanted);
  }
  [[nodiscard]] bool at_end() { return ensure(1) == 0; }

  /// Whether at least `bytes` more are there. For a source of known size this reads nothing.
  [[nodiscard]] bool has(std::uint64_t bytes) const;

  /// The next byte. Errors: `truncated`.
  [[nodiscard]] std::uint8_t u8() {
    if (next_ == last_) need(1);
    return static_cast<std::uint8_t>(*next_++);
  }
  [[nodiscard]] std::uint16_t u16() { return load<std::uint16_t>(); }
  [[nodiscard]] std::uint32_t u32() { return load<std::uint32_t>(); }
  [[nodiscard]] std::uint64_t u64() { return load<std::uint64_t>(); }

  /// The next `size` bytes, at most kWindow; valid until the next call. Errors: `truncated`.
  [[nodiscard]] std::string_view take(std::size_t size) {
    if (static_cast<std::size_t>(last_ - next_) < size) need(size);
    const char* at = reinterpret_cast<const char*>(next_);
    next_ += size;
    return {at, size};
  }

  /// Copies the next bytes into memory of the caller, any number of them. Errors: `truncated`.
  void read(std::span<std::byte> into);

  /// The bytes up to the next '\n', which is taken too; at most `limit` long with it. Nothing is taken where there is
  /// no '\n' within the limit or before the end. Valid until the next call.
  [[nodiscard]] std::optional<std::string_view> line(std::size_t limit);

  /// Goes on at another position.
  void seek(std::uint64_t offset);

 private:
  template <typename T>
  [[nodiscard]] T load() {
    if (static_cast<std::size_t>(last_ - next_) < sizeof(T)) need(sizeof(T));
    const T value = load_le<T>(next_);
    next_ += sizeof(T);
    return value;
  }
  std::size_t refill(std::size_t wanted);
  [[nodiscard]] std::uint64_t available(std::uint64_t most) const;
  void need(std::size_t bytes);
  [[noreturn]] void too_short(std::uint64_t bytes) const;
  [[nodiscard]] std::uint64_t end_of_input() const;

  SourcePtr source_;
  std::optional<std::uint64_t> end_;
  std::unique_ptr<std::byte[]> window_;
  std::size_t capacity_ = 0;
  std::uint64_t window_at_ = 0;  // source offset of begin_
  const std::byte* begin_ = nullptr;
  const std::byte* next_ = nullptr;
  const std::byte* last_ = nullptr;
};

}  // namespace sconce
