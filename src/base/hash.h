// Checksums and digests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace sconce {

/// CRC-32 of zip (polynomial 0xEDB88320), continued from `crc` (0 at the start). Carry-less multiplication where there.
[[nodiscard]] std::uint32_t crc32(std::uint32_t crc, std::span<const std::byte> bytes) noexcept;
[[nodiscard]] inline std::uint32_t crc32(std::string_view text) noexcept {
  return crc32(0, std::as_bytes(std::span(text)));
}

/// The CRC-32 of two runs of bytes behind one another, from that of each and the length of the second.
[[nodiscard]] std::uint32_t crc32_combine(std::uint32_t first, std::uint32_t second,
                                          std::uint64_t second_size) noexcept;

/// SHA-256, fed piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::span<const std::byte> bytes);
  /// The digest as 64 lower-case hex digits; the object is used up.
  [[nodiscard]] std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A hash of short text for tables whose keys an attacker chooses; the seed differs between processes.
[[nodiscard]] std::uint64_t hash_bytes(std::string_view text, std::uint64_t seed) noexcept;
[[nodiscard]] std::uint64_t process_seed() noexcept;

/// The hash of std containers whose keys are numbers that an attacker chooses; seeded, too.
struct NumberHash {
  [[nodiscard]] std::size_t operator()(std::uint64_t number) const noexcept;
};

}  // namespace sconce
