#include "base/hash.h"

#include <gtest/gtest.h>

namespace sconce {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(Crc32, HasTheKnownAnswers) {
  EXPECT_EQ(crc32(""), 0u);
  EXPECT_EQ(crc32("123456789"), 0xCBF43926u) << "the check value of CRC-32/ISO-HDLC";
  EXPECT_EQ(crc32("The quick brown fox jumps over the lazy dog"), 0x414FA339u);
  EXPECT_EQ(crc32(std::string(32, '\0')), 0x190A55ADu);
}

TEST(Crc32, CanBeFedPieceByPiece) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += static_cast<char>(i * 31);
  for (std::size_t cut = 0; cut <= text.size(); cut += 37) {
    const std::string_view view = text;
    EXPECT_EQ(crc32(crc32(0, bytes_of(view.substr(0, cut))), bytes_of(view.substr(cut))), crc32(text));
  }
}

TEST(Crc32, StaysWhereNothingIsAdded) {
  const std::uint32_t crc = crc32("abc");
  EXPECT_EQ(crc32(crc, {}), crc);
  EXPECT_EQ(crc32(crc, bytes_of("")), crc);
}

std::string sha256(std::string_view text, std::size_t piece = SIZE_MAX) {
  Sha256 hash;
  for (; text.size() > piece; text.remove_prefix(piece)) hash.update(bytes_of(text.substr(0, piece)));
  hash.update(bytes_of(text));
  return hash.finish();
}

// Examples of FIPS 180-4 (NIST's SHA256.pdf and additional vectors).
TEST(Sha256, HasTheKnownAnswers) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, CanBeFedPieceByPieceAndMoved) {
  const std::string text(1000, 'a');
  for (const std::size_t piece : {1u, 63u, 64u, 65u, 999u}) EXPECT_EQ(sha256(text, piece), sha256(text));
  Sha256 first;
  first.update(bytes_of("a"));
  Sha256 second = std::move(first);
  second.update(bytes_of("bc"));
  EXPECT_EQ(second.finish(), sha256("abc"));
}

TEST(Crc32Combine, IsTheChecksumOfBothRunsBehindOneAnother) {
  std::string text(100'000, ' ');
  for (std::size_t at = 0; at < text.size(); ++at) text[at] = static_cast<char>(at * 31 + at / 7);
  for (const std::size_t cut : {0u, 1u, 7u, 4096u, 65'537u, 99'999u, 100'000u}) {
    const std::string_view all = text;
    EXPECT_EQ(crc32_combine(crc32(all.substr(0, cut)), crc32(all.substr(cut)), all.size() - cut), crc32(all)) << cut;
  }
}

TEST(Crc32Combine, CountsBytesBeyondFourGibibytes) {
  // 2^33 zero bytes behind "a", as pairs of halves.
  std::uint32_t zeros = crc32(std::string_view("\0", 1));
  std::uint64_t size = 1;
  for (; size < (std::uint64_t{1} << 33); size *= 2) zeros = crc32_combine(zeros, zeros, size);
  // The same in two steps, each of half as many.
  std::uint32_t half = crc32(std::string_view("\0", 1));
  for (std::uint64_t at = 1; at < (std::uint64_t{1} << 32); at *= 2) half = crc32_combine(half, half, at);
  const std::uint32_t a = crc32("a");
  EXPECT_EQ(crc32_combine(a, zeros, size), crc32_combine(crc32_combine(a, half, size / 2), half, size / 2));
}

TEST(HashBytes, DependsOnTextAndSeed) {
  EXPECT_EQ(hash_bytes("layer.0", 1), hash_bytes("layer.0", 1));
  EXPECT_NE(hash_bytes("layer.0", 1), hash_bytes("layer.0", 2));
  EXPECT_NE(hash_bytes("layer.0", 1), hash_bytes("layer.1", 1));
  EXPECT_EQ(hash_bytes("", 3), hash_bytes(std::string_view(), 3));
}

TEST(ProcessSeed, StaysTheSameInAProcess) { EXPECT_EQ(process_seed(), process_seed()); }

}  // namespace
}  // namespace sconce
