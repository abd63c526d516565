#include "base/byte_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sconce/error.h>

#include <algorithm>

#include "base/slice.h"

namespace sconce {
namespace {

using namespace std::string_literals;
constexpr std::size_t kWindow = ByteReader::kWindow;

/// Bytes that differ from their neighbours, without a '\n'.
std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(i * 31 + (i >> 8) * 7);
    text[i] = byte == '\n' ? 'n' : static_cast<char>(byte);
  }
  return text;
}

/// A stream that is still arriving: bytes can be read only once somebody asked whether they are there, and asking for
/// the size waits for all of them.
class ArrivingSource final : public ByteSource {
 public:
  explicit ArrivingSource(std::string bytes) : bytes_(std::move(bytes)), times_read_(bytes_.size()) {}

  std::uint64_t size() const override {
    if (arrived_ < bytes_.size()) ++waits_for_the_end_;
    return arrived_ = bytes_.size();
  }
  bool reaches(std::uint64_t offset) const override {
    arrived_ = std::max<std::uint64_t>(arrived_, std::min<std::uint64_t>(offset, bytes_.size()));
    return offset <= bytes_.size();
  }
  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    ASSERT_LE(offset + into.size(), arrived_) << "read before it was known to be there";
    for (std::size_t i = 0; i < into.size(); ++i) {
      into[i] = static_cast<std::byte>(bytes_[offset + i]);
      ++times_read_[offset + i];
    }
  }
  const std::string& name() const noexcept override { return name_; }

  std::uint64_t arrived() const { return arrived_; }
  int waits_for_the_end() const { return waits_for_the_end_; }
  int most_often_read() const { return *std::max_element(times_read_.begin(), times_read_.end()); }

 private:
  std::string bytes_;
  std::string name_ = "stream";
  mutable std::vector<int> times_read_;
  mutable std::uint64_t arrived_ = 0;
  mutable int waits_for_the_end_ = 0;
};

std::string read(ByteReader& reader, std::size_t size) {
  std::string text(size, '?');
  reader.read(std::as_writable_bytes(std::span(text)));
  return text;
}

/// The error of something that wants more than there is.
template <typename Body>
Error error_of(Body body) {
  try {
    (void)body();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(ErrorCode::invalid_argument, "no error");
}

TEST(ByteReader, ReadsNumbersLittleEndian) {
  ByteReader reader(string_source("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\x0E\x0F"s));
  EXPECT_EQ(reader.u8(), 0x01u);
  EXPECT_EQ(reader.u16(), 0x0302u);
  EXPECT_EQ(reader.u32(), 0x07060504u);
  EXPECT_EQ(reader.u64(), 0x0F0E0D0C0B0A0908u);
  EXPECT_EQ(reader.offset(), 15u);
  EXPECT_TRUE(reader.at_end());
}

TEST(ByteReader, StartsAndStopsWhereItIsTold) {
  ByteReader reader(string_source("0123456789"), 3, 7);
  EXPECT_EQ(reader.offset(), 3u);
  EXPECT_EQ(reader.ensure(100), 4u);
  EXPECT_EQ(reader.take(4), "3456");
  EXPECT_TRUE(reader.at_end());
}

TEST(ByteReader, StopsAtTheEndOfTheSourceWhereItsOwnEndIsLater) {
  ByteReader reader(string_source("0123456789"), 3, 1000);
  EXPECT_EQ(reader.ensure(100), 7u);
  EXPECT_FALSE(reader.has(8));
  const Error error = error_of([&] { return reader.take(8); });
  EXPECT_EQ(error.message(), "8 more bytes expected, but the data ends at byte 10");
}

TEST(ByteReader, IsAtTheEndBeyondTheEnd) {
  for (const std::uint64_t begin : {std::uint64_t{10}, std::uint64_t{11}, UINT64_MAX - 1, UINT64_MAX}) {
    ByteReader reader(string_source("0123456789"), begin);
    EXPECT_TRUE(reader.at_end()) << begin;
    EXPECT_FALSE(reader.has(1)) << begin;
    EXPECT_TRUE(reader.has(0)) << begin;
    EXPECT_EQ(reader.line(10), std::nullopt) << begin;
    EXPECT_EQ(error_of([&] { return reader.u8(); }).place().offset, begin);
    ByteReader bounded(string_source("0123456789"), begin, 5);
    EXPECT_TRUE(bounded.at_end()) << begin;
  }
}

TEST(ByteReader, ReadsNothingFromAnEmptySource) {
  ByteReader reader(string_source(""));
  EXPECT_TRUE(reader.at_end());
  EXPECT_EQ(reader.take(0), "");
  EXPECT_EQ(read(reader, 0), "");
  EXPECT_EQ(reader.offset(), 0u);
}

TEST(ByteReaderHas, CountsUpToTheEndAndDoesNotWrap) {
  ByteReader reader(string_source("0123456789"), 2);
  EXPECT_TRUE(reader.has(8));
  EXPECT_FALSE(reader.has(9));
  EXPECT_FALSE(reader.has(UINT64_MAX));
  EXPECT_FALSE(reader.has(UINT64_MAX - 1));
  ByteReader bounded(string_source("0123456789"), 2, 6);
  EXPECT_TRUE(bounded.has(4));
  EXPECT_FALSE(bounded.has(5));
  (void)bounded.take(4);
  EXPECT_TRUE(bounded.has(0));
  EXPECT_FALSE(bounded.has(1));
}

TEST(ByteReaderErrors, NameTheOffsetWhatWasExpectedAndTheEnd) {
  ByteReader reader(string_source("0123456789"), 0, 9);
  (void)reader.take(7);
  const Error error = error_of([&] { return reader.u32(); });
  EXPECT_EQ(error.code(), ErrorCode::truncated);
  EXPECT_EQ(error.place().offset, 7u);
  EXPECT_EQ(error.message(), "4 more bytes expected, but the data ends at byte 9");
  EXPECT_NE(error.advice(), "");
  (void)reader.take(2);
  EXPECT_EQ(error_of([&] { return reader.u8(); }).message(), "1 more byte expected, but the data ends at byte 9");
}

TEST(ByteReaderErrors, LeaveTheReaderWhereItWas) {
  ByteReader reader(string_source("0123456789"));
  (void)reader.take(7);
  EXPECT_THROW((void)reader.u32(), Error);
  EXPECT_THROW((void)reader.u64(), Error);
  EXPECT_THROW((void)reader.take(4), Error);
  EXPECT_THROW((void)read(reader, 4), Error);
  EXPECT_EQ(reader.line(100), std::nullopt);
  EXPECT_EQ(reader.take(3), "789");
}

// Every kind of read, begun at every position around the end of the first window.
class ByteReaderAtTheWindow : public testing::TestWithParam<int> {
 protected:
  std::size_t position_ = static_cast<std::size_t>(static_cast<int>(kWindow) + GetParam());
  std::string bytes_ = pattern(2 * kWindow + 100);
  std::shared_ptr<ArrivingSource> source_ = std::make_shared<ArrivingSource>(bytes_);

  /// A reader whose first window is full and that stands at the position.
  ByteReader reader_at_position() {
    ByteReader reader(source_);
    EXPECT_EQ(reader.take(100).size(), 100u);
    for (std::size_t left = position_ - 100; left > 0;) {
      const std::size_t step = std::min<std::size_t>(left, 1000);
      (void)reader.take(step);
      left -= step;
    }
    return reader;
  }
};

TEST_P(ByteReaderAtTheWindow, ReadsNumbers) {
  const char* at = bytes_.data() + position_;
  EXPECT_EQ(reader_at_position().u8(), load_le<std::uint8_t>(at));
  EXPECT_EQ(reader_at_position().u16(), load_le<std::uint16_t>(at));
  EXPECT_EQ(reader_at_position().u32(), load_le<std::uint32_t>(at));
  EXPECT_EQ(reader_at_position().u64(), load_le<std::uint64_t>(at));
}

TEST_P(ByteReaderAtTheWindow, TakesAndReadsAndGoesOn) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{20}, kWindow - 1, kWindow}) {
    ByteReader taking = reader_at_position();
    EXPECT_EQ(taking.take(size), bytes_.substr(position_, size));
    EXPECT_EQ(taking.offset(), position_ + size);
    EXPECT_EQ(taking.take(8), bytes_.substr(position_ + size, 8));
    ByteReader reading = reader_at_position();
    EXPECT_EQ(read(reading, size), bytes_.substr(position_, size));
    EXPECT_EQ(reading.offset(), position_ + size);
    EXPECT_EQ(read(reading, 8), bytes_.substr(position_ + size, 8));
  }
}

TEST_P(ByteReaderAtTheWindow, FindsLinesThatGoAcross) {
  bytes_[position_ + 12] = '\n';
  source_ = std::make_shared<ArrivingSource>(bytes_);
  ByteReader reader = reader_at_position();
  EXPECT_EQ(reader.line(1000), bytes_.substr(position_, 12));
  EXPECT_EQ(reader.offset(), position_ + 13);
}

TEST_P(ByteReaderAtTheWindow, ReadsEachByteOnce) {
  ByteReader reader = reader_at_position();
  (void)reader.u32();
  (void)read(reader, 20);
  (void)reader.take(50);
  EXPECT_EQ(source_->most_often_read(), 1);
}

INSTANTIATE_TEST_SUITE_P(End, ByteReaderAtTheWindow, testing::Range(-21, 3));

TEST(ByteReaderWindow, SeesTheEndOfTheDataAtEveryDistanceFromIt) {
  for (int distance = -9; distance <= 9; ++distance) {
    const auto size = static_cast<std::size_t>(static_cast<int>(kWindow) + distance);
    const std::string bytes = pattern(size);
    ByteReader reader(string_source(bytes));
    EXPECT_EQ(read(reader, size - 3), bytes.substr(0, size - 3));
    EXPECT_THROW((void)reader.u32(), Error);
    EXPECT_EQ(reader.take(3), bytes.substr(size - 3));
    EXPECT_TRUE(reader.at_end());
    EXPECT_EQ(reader.offset(), size);
  }
}

TEST(ByteReaderWindow, TakesMoreThanAWindowWhereThatMuchIsThere) {
  const std::string bytes = pattern(3 * kWindow);
  ByteReader reader(string_source(bytes));
  EXPECT_EQ(reader.ensure(2 * kWindow + 1), 2 * kWindow + 1);
  EXPECT_EQ(reader.take(2 * kWindow + 1), bytes.substr(0, 2 * kWindow + 1));
  EXPECT_EQ(reader.take(100), bytes.substr(2 * kWindow + 1, 100));
}

TEST(ByteReaderRead, FillsMuchMoreThanAWindow) {
  const std::string bytes = pattern(5 * kWindow + 3);
  const auto source = std::make_shared<ArrivingSource>(bytes);
  ByteReader reader(source);
  EXPECT_EQ(reader.take(1), bytes.substr(0, 1));
  EXPECT_EQ(read(reader, 5 * kWindow), bytes.substr(1, 5 * kWindow));
  EXPECT_EQ(reader.take(2), bytes.substr(5 * kWindow + 1));
  EXPECT_EQ(source->most_often_read(), 1);
}

TEST(ByteReaderLine, TakesTheNewlineButDoesNotGiveIt) {
  ByteReader reader(string_source("first\n\nthird\nrest"));
  EXPECT_EQ(reader.line(100), "first");
  EXPECT_EQ(reader.line(100), "");
  EXPECT_EQ(reader.line(100), "third");
  EXPECT_EQ(reader.line(100), std::nullopt) << "no newline before the end";
  EXPECT_EQ(reader.take(4), "rest") << "nothing was taken";
}

TEST(ByteReaderLine, CountsTheNewlineTowardsTheLimit) {
  ByteReader reader(string_source("12345\n"));
  EXPECT_EQ(reader.line(0), std::nullopt);
  EXPECT_EQ(reader.line(5), std::nullopt);
  EXPECT_EQ(reader.line(6), "12345");
}

TEST(ByteReaderLine, DoesNotLookBeyondItsEnd) {
  ByteReader reader(string_source("12345\n"), 0, 5);
  EXPECT_EQ(reader.line(100), std::nullopt);
}

TEST(ByteReaderLine, MayBeLongerThanAWindow) {
  for (const std::size_t length : {kWindow - 1, kWindow, kWindow + 1, 3 * kWindow, 5 * kWindow + 17}) {
    const std::string bytes = pattern(length);
    const auto source = std::make_shared<ArrivingSource>("x" + bytes + "\ny" + pattern(kWindow));
    ByteReader reader(source);
    (void)reader.u8();
    EXPECT_EQ(reader.line(SIZE_MAX), bytes);
    EXPECT_EQ(reader.u8(), 'y');
    EXPECT_EQ(source->most_often_read(), 1);
  }
}

TEST(ByteReaderSeek, GoesAnywhere) {
  const std::string bytes = pattern(3 * kWindow);
  ByteReader reader(string_source(bytes));
  for (const std::uint64_t target :
       {std::uint64_t{0}, std::uint64_t{50}, std::uint64_t{10}, std::uint64_t{kWindow}, std::uint64_t{2 * kWindow + 5},
        std::uint64_t{3}, std::uint64_t{3 * kWindow - 8}}) {
    reader.seek(target);
    EXPECT_EQ(reader.offset(), target);
    EXPECT_EQ(reader.take(8), bytes.substr(target, 8));
  }
  reader.seek(3 * kWindow);
  EXPECT_TRUE(reader.at_end());
  reader.seek(UINT64_MAX);
  EXPECT_TRUE(reader.at_end());
  reader.seek(1);
  EXPECT_EQ(reader.take(4), bytes.substr(1, 4));
}

TEST(ByteReaderSeek, WithinTheWindowReadsNothingAgain) {
  const auto source = std::make_shared<ArrivingSource>(pattern(1000));
  ByteReader reader(source);
  (void)reader.take(500);
  reader.seek(0);
  (void)reader.take(1000);
  EXPECT_EQ(source->most_often_read(), 1);
}

TEST(ByteReaderOfAStream, WaitsForAWindowAtMost) {
  const auto source = std::make_shared<ArrivingSource>(pattern(10 * kWindow));
  ByteReader reader(source);
  EXPECT_EQ(source->arrived(), 0u) << "nothing before something is asked for";
  (void)reader.u8();
  EXPECT_LE(source->arrived(), kWindow);
  (void)read(reader, 2 * kWindow);
  EXPECT_LE(source->arrived(), 2 * kWindow + 1);
  (void)reader.u8();
  EXPECT_LE(source->arrived(), 3 * kWindow + 2);
  EXPECT_EQ(source->waits_for_the_end(), 0);
}

TEST(ByteReaderOfAStream, DoesNotWaitBeyondItsOwnEnd) {
  const auto source = std::make_shared<ArrivingSource>(pattern(10 * kWindow));
  ByteReader reader(source, 0, 1000);
  EXPECT_FALSE(reader.has(1001));
  EXPECT_THROW((void)reader.take(1001), Error);
  EXPECT_EQ(reader.line(SIZE_MAX), std::nullopt);
  EXPECT_THROW((void)read(reader, 1001), Error);
  EXPECT_LE(source->arrived(), 1000u);
  EXPECT_EQ(source->waits_for_the_end(), 0);
}

TEST(ByteReaderOfAStream, NeverAsksForTheSizeBeforeTheEndHasArrived) {
  const std::string bytes = pattern(2 * kWindow + 11);
  const auto source = std::make_shared<ArrivingSource>(bytes);
  ByteReader reader(source);
  std::string all;
  while (!reader.at_end()) all += reader.take(1);
  EXPECT_EQ(all, bytes);
  EXPECT_FALSE(reader.has(1));
  EXPECT_THROW((void)reader.u8(), Error);
  EXPECT_EQ(source->waits_for_the_end(), 0);
  EXPECT_EQ(source->most_often_read(), 1);
}

TEST(ByteReaderOfAStream, WaitsOnlyForWhatHasAsksAbout) {
  const auto source = std::make_shared<ArrivingSource>(pattern(10 * kWindow));
  const ByteReader reader(source);
  EXPECT_TRUE(reader.has(5));
  EXPECT_EQ(source->arrived(), 5u);
  EXPECT_FALSE(reader.has(UINT64_MAX));
  EXPECT_EQ(source->waits_for_the_end(), 0);
}

}  // namespace
}  // namespace sconce
