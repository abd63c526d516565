#include "base/json_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sconce/error.h>

#include "base/text.h"

namespace sconce {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using Token = JsonReader::Token;

/// All tokens of a text in a form that can be compared: keys as k(…), strings as s(…), numbers as they are.
std::string tokens(std::string_view text, unsigned max_depth = 64) {
  JsonReader reader(text, 0, max_depth);
  std::string out;
  for (;;) {
    switch (reader.next()) {
      case Token::begin_object: out += "{ "; break;
      case Token::end_object: out += "} "; break;
      case Token::begin_array: out += "[ "; break;
      case Token::end_array: out += "] "; break;
      case Token::key: out += "k(" + std::string(reader.text()) + ") "; break;
      case Token::string: out += "s(" + std::string(reader.text()) + ") "; break;
      case Token::number: out += std::string(reader.number()) + " "; break;
      case Token::boolean: out += reader.boolean() ? "true " : "false "; break;
      case Token::null: out += "null "; break;
      case Token::end: return out + "end";
    }
  }
}

/// The error of reading a text to its end.
Error error_of(std::string_view text, std::uint64_t base_offset = 0) {
  try {
    JsonReader reader(text, base_offset);
    while (reader.next() != Token::end) continue;
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "accepted: " << text;
  return Error(ErrorCode::invalid_argument, "accepted");
}

struct Accepted {
  const char* name;
  std::string text;
  std::string tokens;
};
void PrintTo(const Accepted& a, std::ostream* out) { *out << escaped(a.text); }

class JsonAccepts : public testing::TestWithParam<Accepted> {};
TEST_P(JsonAccepts, Text) { EXPECT_EQ(tokens(GetParam().text), GetParam().tokens); }

template <typename Case>
std::string name_of(const testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Values, JsonAccepts,
                         testing::ValuesIn(std::vector<Accepted>{
                             {"True", "true", "true end"},
                             {"False", "false", "false end"},
                             {"Null", "null", "null end"},
                             {"EmptyObject", "{}", "{ } end"},
                             {"EmptyArray", "[]", "[ ] end"},
                             {"Members", R"({"a":1,"b":[2,{"c":null}]})", "{ k(a) 1 k(b) [ 2 { k(c) null } ] } end"},
                             {"WhiteSpaceOfAllFourKinds", " \t\r\n{ \"a\"\t:\r[ 1\n,\n2 ] } \n",
                              "{ k(a) [ 1 2 ] } end"},
                             {"TheSameKeyTwiceIsTheCallersBusiness", R"({"a":1,"a":2})", "{ k(a) 1 k(a) 2 } end"},
                             {"EmptyKey", R"({"":""})", "{ k() s() } end"},
                             {"AfterNestedContainers", "[[],{},[[]]]", "[ [ ] { } [ [ ] ] ] end"},
                         }),
                         name_of<Accepted>);

INSTANTIATE_TEST_SUITE_P(Numbers, JsonAccepts,
                         testing::ValuesIn(std::vector<Accepted>{
                             {"Zero", "0", "0 end"},
                             {"MinusZero", "-0", "-0 end"},
                             {"ZeroWithExponent", "0e1", "0e1 end"},
                             {"ZeroWithFraction", "0.0", "0.0 end"},
                             {"Integer", "-1234567890", "-1234567890 end"},
                             {"Everything", "-10.250E+07", "-10.250E+07 end"},
                             {"NegativeExponent", "1e-5", "1e-5 end"},
                             {"ManyDigits", std::string(1000, '9'), std::string(1000, '9') + " end"},
                             {"HugeExponentIsOnlyAnErrorWhenItIsAskedFor", "1e999999", "1e999999 end"},
                         }),
                         name_of<Accepted>);

INSTANTIATE_TEST_SUITE_P(Strings, JsonAccepts,
                         testing::ValuesIn(std::vector<Accepted>{
                             {"ShortEscapes", R"("\"\\\/\b\f\n\r\t")", "s(\"\\/\b\f\n\r\t) end"},
                             {"EscapesBetweenText", R"("a\nb\nc")", "s(a\nb\nc) end"},
                             {"EscapeOfNul", R"("x\u0000y")", "s(x\0y) end"s},
                             {"HexDigitsInBothCases", R"("\u00e9\u00E9")", "s(\u00e9\u00e9) end"},
                             {"ThreeByteEscape", R"("\u20ac")", "s(\u20ac) end"},
                             {"JustBelowTheSurrogates", R"("\ud7ff")", "s(\uD7FF) end"},
                             {"JustAboveTheSurrogates", R"("\ue000")", "s(\uE000) end"},
                             {"FirstSurrogatePair", R"("\ud800\udc00")", "s(\U00010000) end"},
                             {"LastSurrogatePair", R"("\uDBFF\uDFFF")", "s(\U0010FFFF) end"},
                             {"RawUtf8", "\"größe 权重 🔥\"", "s(größe 权重 🔥) end"},
                             {"RawDelAndC1", "\"\x7F\xC2\x80\"", "s(\x7F\xC2\x80) end"},
                             {"Noncharacters", "\"\xEF\xBF\xBF\"", "s(\xEF\xBF\xBF) end"},
                             {"EscapesInKeys", R"({"\u006b\"":0})", "{ k(k\") 0 } end"},
                         }),
                         name_of<Accepted>);

struct Rejected {
  const char* name;
  std::string text;
  std::uint64_t offset;  // of the first byte that is wrong
  const char* message;
};
void PrintTo(const Rejected& r, std::ostream* out) { *out << escaped(r.text); }

class JsonRejects : public testing::TestWithParam<Rejected> {};

TEST_P(JsonRejects, TextAndSaysWhere) {
  const Error error = error_of(GetParam().text, 1000);
  EXPECT_EQ(error.code(), ErrorCode::damaged);
  EXPECT_EQ(error.place().offset, 1000 + GetParam().offset);
  EXPECT_THAT(error.message(), HasSubstr(GetParam().message));
  EXPECT_NE(error.advice(), "");
}

INSTANTIATE_TEST_SUITE_P(Structure, JsonRejects,
                         testing::ValuesIn(std::vector<Rejected>{
                             {"Nothing", "", 0, "a value expected, found the end of the text"},
                             {"OnlySpace", " \n ", 3, "a value expected, found the end of the text"},
                             {"ByteOrderMark", "\xEF\xBB\xBF{}", 0, "a value expected"},
                             {"NulByte", "\0"s, 0, "a value expected, found '\\x00'"},
                             {"NulByteAfterTheValue", "{}\0"s, 2, "the end of the text expected, found '\\x00'"},
                             {"SecondValue", "{} {}", 3, "the end of the text expected, found '{'"},
                             {"SecondLiteral", "truefalse", 4, "the end of the text expected, found 'f'"},
                             {"TrailingCommaInObject", R"({"a":1,})", 7, "a key in double quotes expected, found '}'"},
                             {"TrailingCommaInArray", "[1,]", 3, "a value expected, found ']'"},
                             {"LeadingCommaInArray", "[,1]", 1, "a value expected, found ','"},
                             {"LeadingCommaInObject", "{,}", 1, "a key in double quotes expected, found ','"},
                             {"TwoCommas", "[1,,2]", 3, "a value expected, found ','"},
                             {"NoCommaInArray", "[1 2]", 3, "',' or ']' expected, found '2'"},
                             {"NoCommaInObject", R"({"a":1 "b":2})", 7, "',' or '}' expected, found '\"'"},
                             {"NoColon", R"({"a" 1})", 5, "':' after the key expected, found '1'"},
                             {"NoValue", R"({"a":})", 5, "a value expected, found '}'"},
                             {"KeyAlone", R"({"a"})", 4, "':' after the key expected, found '}'"},
                             {"ColonInArray", R"(["a":1])", 4, "',' or ']' expected, found ':'"},
                             {"NumberAsKey", "{1:2}", 1, "a key in double quotes expected, found '1'"},
                             {"SingleQuotes", "{'a':1}", 1, "a key in double quotes expected, found '''"},
                             {"BareKey", "{a:1}", 1, "a key in double quotes expected, found 'a'"},
                             {"ArrayClosedAsObject", "[1}", 2, "',' or ']' expected, found '}'"},
                             {"ObjectClosedAsArray", R"({"a":1])", 6, "',' or '}' expected, found ']'"},
                             {"EmptyArrayClosedAsObject", "[}", 1, "a value expected, found '}'"},
                             {"EmptyObjectClosedAsArray", "{]", 1, "a key in double quotes expected, found ']'"},
                             {"OpenObject", "{", 1, "a key in double quotes expected, found the end of the text"},
                             {"OpenArray", "[1", 2, "',' or ']' expected, found the end of the text"},
                             {"OpenAfterComma", "[1,", 3, "a value expected, found the end of the text"},
                             {"OpenAfterKey", R"({"a")", 4, "':' after the key expected, found the end of the text"},
                             {"CloseWithoutOpen", "]", 0, "a value expected, found ']'"},
                             {"Comment", "/* */ {}", 0, "a value expected, found '/'"},
                             {"LineCommentAfterTheValue", "{} // x", 3, "the end of the text expected, found '/'"},
                             {"FormFeedAsSpace", "\f{}", 0, "a value expected, found '\\x0c'"},
                             {"NoBreakSpaceAsSpace", "\xC2\xA0{}", 0, "a value expected"},
                         }),
                         name_of<Rejected>);

INSTANTIATE_TEST_SUITE_P(Literals, JsonRejects,
                         testing::ValuesIn(std::vector<Rejected>{
                             {"UpperCaseTrue", "[True]", 1, "a value expected, found 'T'"},
                             {"HalfOfTrue", "[tru]", 1, "a value expected, found 't'"},
                             {"TrueThatGoesOn", "[truex]", 5, "',' or ']' expected, found 'x'"},
                             {"CutOffNull", "nul", 0, "a value expected, found 'n'"},
                             {"NaN", "NaN", 0, "a value expected, found 'N'"},
                             {"Infinity", "Infinity", 0, "a value expected, found 'I'"},
                         }),
                         name_of<Rejected>);

INSTANTIATE_TEST_SUITE_P(Numbers, JsonRejects,
                         testing::ValuesIn(std::vector<Rejected>{
                             {"LeadingZero", "[012]", 2, "leading zero"},
                             {"TwoZeros", "00", 1, "leading zero"},
                             {"NegativeLeadingZero", "-01", 2, "leading zero"},
                             {"PlusSign", "+1", 0, "a value expected, found '+'"},
                             {"MinusAlone", "[-]", 2, "a digit expected, found ']'"},
                             {"MinusAtTheEnd", "-", 1, "a digit expected, found the end of the text"},
                             {"MinusInfinity", "-Infinity", 1, "a digit expected, found 'I'"},
                             {"PointWithoutFraction", "[1.]", 3, "a digit after the point expected, found ']'"},
                             {"PointBeforeExponent", "1.e5", 2, "a digit after the point expected, found 'e'"},
                             {"PointWithoutInteger", ".5", 0, "a value expected, found '.'"},
                             {"MinusPoint", "-.5", 1, "a digit expected, found '.'"},
                             {"ExponentWithoutDigits", "1e", 2,
                              "a digit of the exponent expected, found the end of the text"},
                             {"ExponentWithSignOnly", "[1e+]", 4, "a digit of the exponent expected, found ']'"},
                             {"ExponentWithPoint", "1e1.5", 3, "the end of the text expected, found '.'"},
                             {"Hexadecimal", "0x10", 1, "the end of the text expected, found 'x'"},
                             {"Underscore", "1_000", 1, "the end of the text expected, found '_'"},
                             {"FullWidthDigit", "\uFF11", 0, "a value expected"},
                         }),
                         name_of<Rejected>);

INSTANTIATE_TEST_SUITE_P(
    Strings, JsonRejects,
    testing::ValuesIn(std::vector<Rejected>{
        {"NotClosed", "\"abc", 4, "'\"' at the end of the string expected, found the end of the text"},
        {"NotClosedAfterEscapedQuote", "\"a\\\"", 4, "'\"' at the end of the string expected"},
        {"EndsInEscape", "\"ab\\", 3, "no such escape"},
        {"RawNewline", "\"a\nb\"", 2, "an escape for the control character expected, found '\\n'"},
        {"RawTab", "\"\t\"", 1, "an escape for the control character expected, found '\\t'"},
        {"RawNul", "\"a\0b\""s, 2, "an escape for the control character expected, found '\\x00'"},
        {"RawUnitSeparator", "\"\x1F\"", 1, "an escape for the control character"},
        {"ControlCharacterInKey", "{\"a\rb\":0}", 3, "an escape for the control character"},
        {"UnknownEscape", R"("ab\x41")", 3, "no such escape in a string: \\x"},
        {"UpperCaseUnicodeEscape", R"("\U0041")", 1, "no such escape in a string: \\U"},
        {"EscapedSingleQuote", R"("\'")", 1, "no such escape in a string: \\'"},
        {"UnicodeEscapeTooShort", R"("\u12")", 1, "four hexadecimal digits"},
        {"UnicodeEscapeCutOff", R"("\u12)", 1, "four hexadecimal digits"},
        {"UnicodeEscapeWithOtherLetters", R"("\u12g4")", 1, "four hexadecimal digits"},
        {"UnicodeEscapeWithSign", R"("\u-123")", 1, "four hexadecimal digits"},
        {"UnicodeEscapeWithPrefix", R"("\u0x12")", 1, "four hexadecimal digits"},
        {"UnicodeEscapeWithSpace", R"("\u 123")", 1, "four hexadecimal digits"},
        {"HighSurrogateAlone", R"("a\ud800")", 2, "a high surrogate without the low one after it"},
        {"HighSurrogateBeforeText", R"("\ud800abcdefgh")", 1, "a high surrogate without the low one after it"},
        {"HighSurrogateTwice", R"("\ud800\ud800")", 1, "a high surrogate without the low one after it"},
        {"HighSurrogateBeforeAnotherEscape", R"("\udbff\n\udc00")", 1, "a high surrogate without the low one after it"},
        {"HighSurrogateBeforeACutOffEscape", R"("\ud800\udc)", 1, "a high surrogate without the low one after it"},
        {"HighSurrogateBeforeJustAboveLowOnes", R"("\ud800\ue000")", 1,
         "a high surrogate without the low one after it"},
        {"LowSurrogateAlone", R"("\udc00")", 1, "a low surrogate without the high one before it"},
        {"PairInTheWrongOrder", R"("\udc00\ud800")", 1, "a low surrogate without the high one before it"},
    }),
    name_of<Rejected>);

INSTANTIATE_TEST_SUITE_P(Utf8, JsonRejects,
                         testing::ValuesIn(std::vector<Rejected>{
                             {"Latin1", "\"caf\xE9\"", 4, "UTF-8 expected, found '\\xe9'"},
                             {"Overlong", "\"a\xC0\xAF\"", 2, "UTF-8 expected, found '\\xc0'"},
                             {"OverlongInThreeBytes", "\"\xE0\x80\xAF\"", 1, "UTF-8 expected"},
                             {"RawSurrogate", "\"\xED\xA0\x80\"", 1, "UTF-8 expected, found '\\xed'"},
                             {"AboveTheLastCodePoint", "\"\xF4\x90\x80\x80\"", 1, "UTF-8 expected"},
                             {"ContinuationAlone", "\"\x80\"", 1, "UTF-8 expected"},
                             {"CutOffByTheQuote", "\"\xE2\x82\"", 1, "UTF-8 expected"},
                             {"CutOffByTheEnd", "\"\xF0\x9F\x94", 1, "UTF-8 expected"},
                             {"InAKey", "{\"\xFF\":0}", 2, "UTF-8 expected"},
                             {"OutsideOfStrings", "[\xFF]", 1, "a value expected, found '\\xff'"},
                         }),
                         name_of<Rejected>);

TEST(JsonReader, LimitsTheDepth) {
  EXPECT_EQ(tokens("[[[]]]", 3), "[ [ [ ] ] ] end");
  EXPECT_THROW(tokens("[[[[]]]]", 3), Error);
  EXPECT_EQ(tokens("[[],[],{}]", 2), "[ [ ] [ ] { } ] end") << "siblings do not add up";
  EXPECT_THROW(tokens("[]", 0), Error);
  const Error error = error_of(std::string(1'000'000, '['));
  EXPECT_EQ(error.place().offset, 64u);
  EXPECT_THAT(error.message(), HasSubstr("nested deeper than 64 levels"));
}

TEST(JsonReader, GivesTheOffsetOfEveryToken) {
  JsonReader reader(R"( {"a" : [ 1, "x\n"], "b":true} )", 8);
  std::vector<std::uint64_t> offsets;
  Token token;
  do {
    token = reader.next();
    offsets.push_back(reader.offset() - 8);
  } while (token != Token::end);
  EXPECT_THAT(offsets, testing::ElementsAre(1, 2, 8, 10, 13, 18, 21, 25, 29, 31));
}

TEST(JsonReader, StaysAtTheEnd) {
  JsonReader reader("1");
  EXPECT_EQ(reader.next(), Token::number);
  EXPECT_EQ(reader.next(), Token::end);
  EXPECT_EQ(reader.next(), Token::end);
}

TEST(JsonReader, ViewsTextWithoutEscapesWhereItLies) {
  const std::string text = R"(["plain","esc\u0061ped"])";
  JsonReader reader(text);
  (void)reader.next();
  (void)reader.next();
  EXPECT_EQ(reader.text().data(), text.data() + 2);
  (void)reader.next();
  EXPECT_EQ(reader.text(), "escaped");
}

TEST(JsonReader, DoesNotMixTheTextOfTwoStringsWithEscapes) {
  EXPECT_EQ(tokens(R"(["a\tb","\tc"])"), "[ s(a\tb) s(\tc) ] end");
}

TEST(JsonReaderExpect, TakesWhatIsThere) {
  JsonReader reader(R"({"dtype":"F32","offsets":[0,18446744073709551615]})");
  reader.expect(Token::begin_object, "header");
  reader.expect(Token::key, "header");
  EXPECT_EQ(reader.expect_string("dtype"), "F32");
  reader.expect(Token::key, "header");
  reader.expect(Token::begin_array, "offsets");
  EXPECT_EQ(reader.expect_u64("offsets"), 0u);
  EXPECT_EQ(reader.expect_u64("offsets"), UINT64_MAX);
}

TEST(JsonReaderExpect, SaysWhatWasExpectedAndWhatWasThere) {
  JsonReader reader(R"(["dtype",{}])", 100);
  (void)reader.next();
  try {
    (void)reader.expect_u64("shape");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::damaged);
    EXPECT_EQ(error.message(), "JSON: shape: a number expected, found a string");
    EXPECT_EQ(error.place().offset, 101u);
  }
}

class JsonNoU64 : public testing::TestWithParam<const char*> {};

TEST_P(JsonNoU64, IsAnError) {
  JsonReader reader(GetParam(), 5);
  try {
    (void)reader.expect_u64("size");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::damaged);
    EXPECT_EQ(error.place().offset, 5u);
    EXPECT_THAT(error.message(), HasSubstr("size: an integer from 0 to 2^64 - 1 expected, found "s + GetParam()));
  }
}

INSTANTIATE_TEST_SUITE_P(, JsonNoU64,
                         testing::Values("-1", "-0", "1.0", "1e0", "1E2", "0.0", "18446744073709551616",
                                         "100000000000000000000000000"));

template <typename Result>
Result number(std::string_view text, Result (JsonReader::*as)() const) {
  JsonReader reader(text);
  reader.expect(Token::number, "number");
  return (reader.*as)();
}

TEST(JsonReaderNumbers, AsSignedIntegers) {
  const auto as_i64 = [](std::string_view text) { return number(text, &JsonReader::as_i64); };
  EXPECT_EQ(as_i64("0"), 0);
  EXPECT_EQ(as_i64("-0"), 0);
  EXPECT_EQ(as_i64("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(as_i64("-9223372036854775808"), INT64_MIN);
  EXPECT_THROW((void)as_i64("9223372036854775808"), Error);
  EXPECT_THROW((void)as_i64("-9223372036854775809"), Error);
  EXPECT_THROW((void)as_i64("1.0"), Error);
  EXPECT_THROW((void)as_i64("1e3"), Error);
}

TEST(JsonReaderNumbers, AsDoubles) {
  const auto as_double = [](std::string_view text) { return number(text, &JsonReader::as_double); };
  EXPECT_EQ(as_double("0.1"), 0.1);
  EXPECT_EQ(as_double("-3"), -3.0);
  EXPECT_EQ(as_double("1e-05"), 1e-5);
  EXPECT_EQ(as_double("1.7976931348623157e308"), 1.7976931348623157e308);
  EXPECT_EQ(as_double("5e-324"), 5e-324);
  EXPECT_TRUE(std::signbit(as_double("-0.0")));
  EXPECT_THROW((void)as_double("1e309"), Error);
  EXPECT_THROW((void)as_double("-1e309"), Error);
  EXPECT_THROW((void)as_double("1e-400"), Error);
}

TEST(JsonReaderSkip, PassesOverAnyValue) {
  for (const char* value : {"1", "\"s\"", "null", "true", "{}", "[]", R"({"x":[1,{"y":[[],{}]}],"z":0})"}) {
    const std::string text = "[" + std::string(value) + ",\"after\"]";
    JsonReader reader(text);
    (void)reader.next();
    reader.skip_value();
    EXPECT_EQ(reader.expect_string("after"), "after") << value;
  }
}

TEST(JsonReaderSkip, ChecksWhatItPassesOver) {
  JsonReader reader(R"([{"a":"\ud800"}])");
  (void)reader.next();
  EXPECT_THROW(reader.skip_value(), Error);
}

TEST(JsonReaderSkip, NeedsAValue) {
  JsonReader array("[]");
  (void)array.next();
  EXPECT_THROW(array.skip_value(), Error);
  JsonReader object(R"({"a":1})");
  (void)object.next();
  EXPECT_THROW(object.skip_value(), Error);
}

TEST(JsonReaderTime, IsLinearInAMillionKeys) {
  constexpr int kKeys = 1'000'000;
  std::string text = "{";
  for (int i = 0; i < kKeys; ++i) text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\\n\":[]";
  text += "}";
  JsonReader reader(text);
  int keys = 0;
  for (Token token = reader.next(); token != Token::end; token = reader.next()) keys += token == Token::key ? 1 : 0;
  EXPECT_EQ(keys, kKeys);
}

}  // namespace
}  // namespace sconce
