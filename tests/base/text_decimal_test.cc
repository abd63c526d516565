#include <gtest/gtest.h>

#include "base/text.h"

namespace sconce {
namespace {

using namespace std::string_literals;

struct Known {
  std::string digits;
  std::string bytes;  // two's complement, little-endian, as short as possible
};

const Known kKnown[] = {
    {"0", ""},
    {"1", "\x01"},
    {"-1", "\xFF"},
    {"127", "\x7F"},
    {"128", "\x80\x00"s},
    {"255", "\xFF\x00"s},
    {"256", "\x00\x01"s},
    {"-128", "\x80"},
    {"-129", "\x7F\xFF"},
    {"-256", "\x00\xFF"s},
    {"32767", "\xFF\x7F"},
    {"-32768", "\x00\x80"s},
    {"1000000000", "\x00\xCA\x9A\x3B"s},
    {"4294967296", "\x00\x00\x00\x00\x01"s},
    {"-4294967296", "\x00\x00\x00\x00\xFF"s},
    {"9223372036854775807", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"},
    {"9223372036854775808", "\x00\x00\x00\x00\x00\x00\x00\x80\x00"s},
    {"-9223372036854775808", "\x00\x00\x00\x00\x00\x00\x00\x80"s},
    {"18446744073709551615", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00"s},
    {"1000000000000000000000", "\x00\x00\xA0\xDE\xC5\xAD\xC9\x35\x36"s},
};

TEST(Decimal, ReadsTwosComplement) {
  for (const Known& known : kKnown) EXPECT_EQ(decimal(known.bytes), known.digits);
}

TEST(Decimal, TakesBytesThatOnlyRepeatTheSign) {
  EXPECT_EQ(decimal("\x01\x00\x00"s), "1");
  EXPECT_EQ(decimal("\x00\x00\x00\x00\x00"s), "0");
  EXPECT_EQ(decimal("\xFF\xFF\xFF\xFF\xFF\xFF"), "-1");
}

TEST(IntegerBytes, AreAsShortAsPossible) {
  for (const Known& known : kKnown) EXPECT_EQ(integer_bytes(known.digits), known.bytes) << known.digits;
}

TEST(IntegerBytes, TakeASignAndLeadingZeros) {
  EXPECT_EQ(integer_bytes("+7"), "\x07");
  EXPECT_EQ(integer_bytes("-0"), "");
  EXPECT_EQ(integer_bytes("-0000000000000128"), "\x80");
}

TEST(IntegerBytes, ComeBackFromDecimalAtEveryLength) {
  std::string digits;
  for (int length = 1; length <= 200; ++length) {
    digits += static_cast<char>('0' + length * 7 % 10);
    EXPECT_EQ(decimal(integer_bytes(digits)), digits);
    EXPECT_EQ(decimal(integer_bytes("-" + digits)), "-" + digits);
  }
}

}  // namespace
}  // namespace sconce
