// GGUF files are named; broken ones are told from whole ones.
#include "formats/foreign/gguf_check.h"

#include "formats/foreign/foreign_files.h"

namespace sconce::formats::foreign {
namespace {

using namespace testing;

/// A file, number by number.
class Gguf {
 public:
  explicit Gguf(std::uint64_t tensors = 0, std::uint64_t values = 0, std::uint32_t version = 3) {
    bytes_ = "GGUF";
    u32(version).u64(tensors).u64(values);
  }
  Gguf& u32(std::uint32_t value) {
    append_le(bytes_, value);
    return *this;
  }
  Gguf& u64(std::uint64_t value) {
    append_le(bytes_, value);
    return *this;
  }
  Gguf& text(const std::string& text) {
    u64(text.size());
    bytes_ += text;
    return *this;
  }
  Gguf& tensor(const std::string& name, std::uint64_t offset, std::uint64_t size = 4) {
    return text(name).u32(1).u64(size).u32(0).u64(offset);
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  /// With the data, which begins at a multiple of the alignment.
  [[nodiscard]] std::string with_data(std::size_t data, std::size_t alignment = 32) const {
    return bytes_ + std::string((alignment - bytes_.size() % alignment) % alignment + data, '\1');
  }

 private:
  std::string bytes_;
};

TEST(ForeignGguf, IsNamed) {
  EXPECT_THAT(refusal(Gguf(1).tensor("w", 0).with_data(16)),
              is_error(ErrorCode::unsupported, "a GGUF file with 1 tensor,"));
  EXPECT_THAT(refusal(Gguf().with_data(0)), is_error(ErrorCode::unsupported, "with 0 tensors"));
}

TEST(ForeignGguf, ValuesOfEveryTypeArePassedOver) {
  Gguf file(1, 4);
  file.text("a").u32(8).text("text");
  file.text("b").u32(9).u32(8).u64(2).text("x").text("yz");
  file.text("c").u32(9).u32(9).u64(2).u32(4).u64(1).u32(7).u32(10).u64(1).u64(9);
  file.text("general.alignment").u32(4).u32(64);
  EXPECT_THAT(refusal(file.tensor("w", 0).with_data(16, 64)), is_error(ErrorCode::unsupported, "1 tensor"));
}

TEST(ForeignGguf, ATensorBeyondTheEndIsDamage) {
  Gguf file(1);
  const std::string bytes = file.tensor("w", 4096).with_data(16);
  const Error error = refusal(bytes);
  EXPECT_THAT(error, is_error(ErrorCode::damaged, "begins 4096 bytes behind byte 64"));
  EXPECT_EQ(error.place().offset, file.size() - 8);
}

TEST(ForeignGguf, CutShortAnywhereItIsNotTakenForWhole) {
  Gguf file(1, 1);
  file.text("key").u32(8).text("value").tensor("w", 0);
  const std::string whole = file.with_data(16);
  for (std::size_t size = 4; size <= whole.size() - 16; ++size)
    EXPECT_NE(refusal(whole.substr(0, size)).code(), ErrorCode::unsupported) << size;
}

TEST(ForeignGguf, AbsurdNumbersEndAtOnce) {
  EXPECT_EQ(refusal(Gguf(UINT64_MAX, 0).with_data(0)).code(), ErrorCode::truncated);
  EXPECT_EQ(refusal(Gguf(0, UINT64_MAX).with_data(0)).code(), ErrorCode::truncated);
  EXPECT_EQ(refusal(Gguf(0, 1).text("a").u32(9).u32(10).u64(UINT64_MAX / 2).with_data(0)).code(), ErrorCode::truncated);
  EXPECT_THAT(refusal(Gguf(0, 1).text("a").u32(13).with_data(9)), is_error(ErrorCode::damaged, "type 13"));
  Gguf deep(0, 1);
  deep.text("a").u32(9);
  for (int depth = 0; depth < 100; ++depth) deep.u32(9).u64(1);
  EXPECT_THAT(refusal(deep.with_data(0)), is_error(ErrorCode::damaged, "an array of a type"));
  EXPECT_THAT(refusal(Gguf(0, 1).text("general.alignment").u32(4).u32(3).with_data(0)),
              is_error(ErrorCode::damaged, "no power of two"));
}

TEST(ForeignGguf, OfTheOtherByteOrder) {
  EXPECT_THAT(refusal(Gguf(0, 0, 0x03000000).with_data(0)), is_error(ErrorCode::unsupported, "big-endian"));
}

}  // namespace
}  // namespace sconce::formats::foreign
