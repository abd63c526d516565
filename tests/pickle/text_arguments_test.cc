// Arguments of the text opcodes of protocol 0.
#include "pickle/text_arguments.h"

#include "pickle/recorder.h"

namespace sconce::pickle {
namespace {

using namespace testing;
using namespace std::string_literals;

TEST(TextIntegers, AreDecimalOfAnyLength) {
  EXPECT_EQ(run("I0\n.").text(), "0");
  EXPECT_EQ(run("I-9223372036854775808\n.").text(), "-9223372036854775808");
  EXPECT_EQ(run("I9223372036854775808\n.").text(), "9223372036854775808");
  EXPECT_EQ(run("L119547037146038801333356L\n.").text(), "119547037146038801333356");
  EXPECT_EQ(run("L-1\n.").text(), "-1");
}

TEST(TextIntegers, ZeroOneAndZeroZeroAreBools) {
  EXPECT_EQ(run("I01\n.").text(), "True");
  EXPECT_EQ(run("I00\n.").text(), "False");
  EXPECT_EQ(run("I1\n.").text(), "1");
  EXPECT_EQ(run("L01L\n.").text(), "1");
}

TEST(TextIntegers, OthersAreRefused) {
  for (const std::string& stream : {"I\n."s, "Iabc\n."s, "I1.5\n."s, "I--1\n."s, "L\n."s, "LL\n."s, "L12LL\n."s})
    EXPECT_THAT(error_of_stream(stream), is_error(ErrorCode::damaged, "decimal integer")) << stream;
}

TEST(TextIntegers, HaveAtMostAsManyDigitsAsPythonConverts) {
  EXPECT_FALSE(run("L" + std::string(4300, '9') + "\n.").error);
  EXPECT_THAT(error_of_stream("L" + std::string(4301, '9') + "\n."), is_error(ErrorCode::damaged, "4300 digits"));
  EXPECT_THAT(error_of_stream("L" + std::string(10'000'000, '9') + "\n."), is_error(ErrorCode::damaged, "4300 digits"));
}

TEST(TextFloats, AreWhatPythonWrites) {
  EXPECT_EQ(run("F0.1\n.").text(), "0.1");
  EXPECT_EQ(run("F-1e-05\n.").text(), "-1e-05");
  EXPECT_EQ(run("Finf\n.").text(), "inf");
  EXPECT_EQ(run("F-inf\n.").text(), "-inf");
  EXPECT_EQ(run("Fnan\n.").text(), "nan");
  EXPECT_EQ(run("F1e400\n.").text(), "inf");
  EXPECT_EQ(run("F1e-400\n.").text(), "0.0");
}

TEST(TextFloats, OthersAreRefused) {
  for (const std::string& stream : {"F\n."s, "Fx\n."s, "F1.5x\n."s, "F+-1\n."s})
    EXPECT_THAT(error_of_stream(stream), is_error(ErrorCode::damaged, "decimal float")) << stream;
}

TEST(TextStrings, AreUnquotedAndUnescaped) {
  EXPECT_EQ(unescape_string("'a b'"), "a b");
  EXPECT_EQ(unescape_string("\"it's\""), "it's");
  EXPECT_EQ(unescape_string(R"('\n\r\t\\\'\x41\101\0')"), "\n\r\t\\'AA\0"s);
  EXPECT_EQ(unescape_string(R"('\q')"), "\\q");
  EXPECT_TRUE(run("S'\\xff'\n.").document->str_kind(run("S'\\xff'\n.").root()) == tree::StrKind::python2);
}

TEST(TextStrings, WithWrongQuotesOrEscapesAreRefused) {
  for (const std::string& literal : {"abc"s, "'abc"s, "abc'"s, "'abc\""s, "'"s, ""s, R"('\x4')"s, R"('\')"s})
    EXPECT_EQ(unescape_string(literal), std::nullopt) << literal;
}

TEST(TextUnicode, HasLatin1AndEscapes) {
  EXPECT_EQ(unescape_unicode("\xe4"), "ä");
  EXPECT_EQ(unescape_unicode("\\u20ac\\U0001F600"), "€😀");
  EXPECT_EQ(unescape_unicode("\\n\\\\u0041"), "\\n\\\\u0041");
  EXPECT_EQ(unescape_unicode("\\u12"), std::nullopt);
  EXPECT_EQ(unescape_unicode("\\U00110000"), std::nullopt);
  EXPECT_EQ(unescape_unicode("\\"), "\\");
}

TEST(TextIds, AreAscii) {
  EXPECT_EQ(run("P12345\n.").text(), "persistent id");
  EXPECT_THAT(error_of_stream("P\xff\n."), is_error(ErrorCode::damaged, "not ASCII"));
}

TEST(TextLines, WithoutAnEndAreCutOff) {
  EXPECT_THAT(error_of_stream("I123"), is_error(ErrorCode::truncated, "has no end"));
  EXPECT_THAT(error_of_stream("cos\nsystem"), is_error(ErrorCode::truncated, "has no end"));
}

TEST(TextLines, HaveALimit) {
  const Error error = error_of_stream("V" + std::string((std::size_t{64} << 20) + 2, 'a') + "\n.");
  EXPECT_THAT(error, is_error(ErrorCode::limit, "has no end"));
  EXPECT_EQ(error.place().offset, 0U);
}

TEST(TextLines, OfMegabytesAreFine) {
  const Ran ran = run("V" + std::string(3'000'000, 'a') + "\n.");
  EXPECT_FALSE(ran.error);
  EXPECT_EQ(ran.document->text(ran.root()).size(), 3'000'000U);
}

}  // namespace
}  // namespace sconce::pickle
