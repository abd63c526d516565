#include "base/hash.h"

#include <libdeflate.h>
// The low-level calls, deprecated since OpenSSL 3 but there in every version: EVP would bring all ciphers into the
// command, and ask for a provider at run time.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <chrono>

#include "base/crc32_fold.h"
#include "base/fail.h"

namespace sconce {

std::uint32_t crc32(std::uint32_t crc, std::span<const std::byte> bytes) noexcept {
  if (bytes.size() >= kCrc32FoldMinimum && can_fold_crc32()) crc = fold_crc32(crc, bytes);
  if (bytes.empty()) return crc;  // libdeflate starts over where the pointer is null
  return libdeflate_crc32(crc, bytes.data(), bytes.size());
}

namespace {

// Polynomials over GF(2) of degree below 32, modulo the CRC's; bit 31 is the coefficient of x^0.
constexpr std::uint32_t kOne = 0x80000000;

constexpr std::uint32_t times(std::uint32_t a, std::uint32_t b) noexcept {
  std::uint32_t product = 0;
  for (std::uint32_t bit = kOne; bit != 0; bit >>= 1) {
    if ((a & bit) != 0) product ^= b;
    b = (b >> 1) ^ ((b & 1) != 0 ? 0xEDB88320 : 0);
  }
  return product;
}

/// x to the power of 8 * `bytes`: what that many bytes behind it make of a checksum.
std::uint32_t shift_of(std::uint64_t bytes) noexcept {
  std::uint32_t power = kOne >> 8;  // of one byte
  std::uint32_t shift = kOne;
  for (; bytes != 0; bytes >>= 1) {
    if ((bytes & 1) != 0) shift = times(shift, power);
    power = times(power, power);
  }
  return shift;
}

}  // namespace

std::uint32_t crc32_combine(std::uint32_t first, std::uint32_t second, std::uint64_t second_size) noexcept {
  return times(shift_of(second_size), first) ^ second;
}

struct Sha256::State {
  SHA256_CTX context;
  State() { SHA256_Init(&context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) { SHA256_Update(&state_->context, bytes.data(), bytes.size()); }

std::string Sha256::finish() {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256_Final(digest.data(), &state_->context);
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(64);
  for (const unsigned char byte : digest) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

std::uint64_t hash_bytes(std::string_view text, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(text.data(), text.size(), seed);
}

std::uint64_t process_seed() noexcept {
  static const std::uint64_t seed = [] {
    std::uint64_t value = 0;
    if (::getrandom(&value, sizeof value, GRND_NONBLOCK) == static_cast<ssize_t>(sizeof value)) return value;
    // A sandbox without the call: the clock and an address have to do.
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    return static_cast<std::uint64_t>(now) ^ reinterpret_cast<std::uintptr_t>(&now);
  }();
  return seed;
}

std::size_t NumberHash::operator()(std::uint64_t number) const noexcept {
  number ^= process_seed();
  number = (number ^ (number >> 32)) * 0x9E3779B97F4A7C15U;
  number = (number ^ (number >> 29)) * 0xBF58476D1CE4E5B9U;
  return static_cast<std::size_t>(number ^ (number >> 32));
}

}  // namespace sconce
