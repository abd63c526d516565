#include "base/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sconce {
namespace {

using namespace std::string_literals;

TEST(Escaped, LeavesPlainTextAndOtherScriptsAlone) {
  EXPECT_EQ(escaped(""), "");
  EXPECT_EQ(escaped("layer.0.weight"), "layer.0.weight");
  EXPECT_EQ(escaped("größe 权重 🔥"), "größe 权重 🔥");
}

TEST(Escaped, WritesControlCharactersSoThatATerminalShowsThem) {
  EXPECT_EQ(escaped("a\nb\rc\td"), "a\\nb\\rc\\td");
  EXPECT_EQ(escaped("\x1b[31mred"), "\\x1b[31mred");
  EXPECT_EQ(escaped("nul\0."s), "nul\\x00.");
  EXPECT_EQ(escaped("\x7f"), "\\x7f");
  EXPECT_EQ(escaped("\xC2\x9B"
                    "31m"),
            "\\x9b31m")
      << "C1 in UTF-8 is a control sequence too";
}

TEST(Escaped, WritesMarksThatTurnTheDirectionOfWriting) {
  EXPECT_EQ(escaped("a\u202Eb"), "a\\u202eb");
  EXPECT_EQ(escaped("\u2066x\u2069"), "\\u2066x\\u2069");
  EXPECT_EQ(escaped("\u2028"), "\\u2028");
}

TEST(Escaped, WritesBytesThatAreNoUtf8) {
  EXPECT_EQ(escaped("caf\xE9"), "caf\\xe9");
  EXPECT_EQ(escaped("\xE2\x82"), "\\xe2\\x82");
  EXPECT_EQ(escaped("\xED\xA0\x80"), "\\xed\\xa0\\x80");
}

TEST(Escaped, ChangesNothingTheSecondTime) {
  const std::string once = escaped("a\nb\\n\xFF\u202E");
  EXPECT_EQ(once, "a\\nb\\n\\xff\\u202e");
  EXPECT_EQ(escaped(once), once);
}

TEST(Utf8, AcceptsTheFirstAndLastCodePointOfEachLength) {
  for (const std::uint32_t code_point :
       {0x0u, 0x7Fu, 0x80u, 0x7FFu, 0x800u, 0xD7FFu, 0xE000u, 0xFFFFu, 0x10000u, 0x10FFFFu}) {
    std::string text;
    append_utf8(text, code_point);
    EXPECT_TRUE(is_utf8(text)) << code_point;
    const CodePoint decoded = decode_utf8(text, 0);
    EXPECT_EQ(decoded.value, code_point);
    EXPECT_EQ(decoded.size, text.size());
  }
}

TEST(Utf8, AppendsTheKnownBytes) {
  std::string text;
  for (const std::uint32_t code_point : {0x41u, 0xE9u, 0x20ACu, 0x1F525u}) append_utf8(text, code_point);
  EXPECT_EQ(text, "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x94\xA5");
}

TEST(Utf8, RefusesWhatTheStandardForbids) {
  const struct {
    const char* why;
    std::string text;
  } kBad[] = {
      {"a continuation byte alone", "\x80"},
      {"two bytes for ASCII", "\xC0\xAF"},
      {"two bytes for ASCII, the last such", "\xC1\xBF"},
      {"three bytes for what fits in two", "\xE0\x9F\xBF"},
      {"four bytes for what fits in three", "\xF0\x8F\xBF\xBF"},
      {"the first surrogate", "\xED\xA0\x80"},
      {"the last surrogate", "\xED\xBF\xBF"},
      {"just above U+10FFFF", "\xF4\x90\x80\x80"},
      {"a lead byte that no code point has", "\xF5\x80\x80\x80"},
      {"five bytes", "\xF8\x88\x80\x80\x80"},
      {"the byte FF", "\xFF"},
      {"two of three bytes", "\xE2\x82"},
      {"three of four bytes", "\xF0\x9F\x94"},
      {"a lead byte before ASCII", "\xC3("},
      {"a third byte that does not continue", "\xE2\x82("},
  };
  for (const auto& bad : kBad) {
    EXPECT_FALSE(is_utf8(bad.text)) << bad.why;
    EXPECT_EQ(decode_utf8(bad.text, 0).size, 0u) << bad.why;
    for (std::size_t before = 0; before < 20; ++before)
      EXPECT_FALSE(is_utf8(std::string(before, 'a') + bad.text + "tail of the text")) << bad.why << " after " << before;
  }
}

TEST(Utf8, LetsSurrogatesPassOnlyWhereAsked) {
  EXPECT_FALSE(is_utf8("x\xED\xA0\x80"));
  EXPECT_TRUE(is_utf8("x\xED\xA0\x80", true));
  EXPECT_FALSE(is_utf8("x\xED\xA0", true));
}

TEST(HumanBytes, HasThreeDigitsAndABinaryUnit) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(312), "312 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1024), "1.00 KiB");
  EXPECT_EQ(human_bytes(1536), "1.50 KiB");
  EXPECT_EQ(human_bytes(10 * 1024), "10.0 KiB");
  EXPECT_EQ(human_bytes(123 * 1024), "123 KiB");
  EXPECT_EQ(human_bytes(std::uint64_t{2} << 30), "2.00 GiB");
  EXPECT_EQ(human_bytes(std::uint64_t{100'000'000'000}), "93.1 GiB");
  EXPECT_EQ(human_bytes(UINT64_MAX), "16.0 EiB");
}

TEST(HumanBytes, RoundsUpIntoTheNextUnitAndTheNextPlace) {
  EXPECT_EQ(human_bytes(1024 * 1024 - 1), "1.00 MiB");
  EXPECT_EQ(human_bytes(1023 * 1024), "1023 KiB");
  EXPECT_EQ(human_bytes(10 * 1024 - 1), "10.0 KiB");
  EXPECT_EQ(human_bytes(100 * 1024 - 1), "100 KiB");
}

TEST(WithCommas, GroupsThreeDigits) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(with_commas(UINT64_MAX), "18,446,744,073,709,551,615");
}

TEST(PythonFloat, IsWhatReprPrints) {
  const struct {
    double value;
    const char* repr;
  } kKnown[] = {
      {0.0, "0.0"},
      {-0.0, "-0.0"},
      {3.0, "3.0"},
      {0.1, "0.1"},
      {-2.5, "-2.5"},
      {1.0 / 3, "0.3333333333333333"},
      {1e-4, "0.0001"},
      {1e-5, "1e-05"},
      {9.999e-5, "9.999e-05"},
      {1.5e-7, "1.5e-07"},
      {5e-324, "5e-324"},
      {1e15, "1000000000000000.0"},
      {9999999999999998.0, "9999999999999998.0"},
      {1e16, "1e+16"},
      {1.25e22, "1.25e+22"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {123456.789, "123456.789"},
  };
  for (const auto& known : kKnown) EXPECT_EQ(python_float(known.value), known.repr);
}

TEST(PythonFloat, NamesWhatIsNotFinite) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(python_float(infinity), "inf");
  EXPECT_EQ(python_float(-infinity), "-inf");
  EXPECT_EQ(python_float(std::nan("")), "nan");
  EXPECT_EQ(python_float(-std::nan("")), "nan");
}

TEST(PythonQuoted, PrefersSingleQuotes) {
  EXPECT_EQ(python_quoted(""), "''");
  EXPECT_EQ(python_quoted("it"), "'it'");
  EXPECT_EQ(python_quoted("it's"), "\"it's\"");
  EXPECT_EQ(python_quoted("say \"x\""), "'say \"x\"'");
  EXPECT_EQ(python_quoted("it's \"x\""), "'it\\'s \"x\"'");
}

TEST(PythonQuoted, EscapesWhatPythonEscapes) {
  EXPECT_EQ(python_quoted("a\\b\n\r\t"), R"('a\\b\n\r\t')");
  EXPECT_EQ(python_quoted("\0\x1b\x7f"s), R"('\x00\x1b\x7f')");
  EXPECT_EQ(python_quoted("\u0085\u00A0\u00AD"), R"('\x85\xa0\xad')");
  EXPECT_EQ(python_quoted("\u200B\u202E\uFEFF"), R"('\u200b\u202e\ufeff')");
  EXPECT_EQ(python_quoted("\uE000\U000F0000"), R"('\ue000\U000f0000')");
  EXPECT_EQ(python_quoted("é 权重 🔥"), "'é 权重 🔥'");
}

TEST(PythonQuoted, WritesLoneSurrogatesAsPythonDoesAndOtherBytesByNumber) {
  EXPECT_EQ(python_quoted("\xED\xA0\x80"), R"('\ud800')");
  EXPECT_EQ(python_quoted("\xFF\xE9"), R"('\xff\xe9')");
}

}  // namespace
}  // namespace sconce
