#include "base/json_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/json_reader.h"

namespace sconce {
namespace {

using namespace std::string_literals;

template <typename T>
std::string written(const T& value) {
  std::string out;
  JsonWriter(out).value(value);
  return out;
}

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.member("a", 1).member("b", "x");
  json.key("c").begin_array().value(1).begin_array().end_array().begin_object().end_object().null().end_array();
  json.key("d").begin_object().end_object();
  json.key("e").raw("[1,2]").member("f", true);
  json.end_object();
  EXPECT_EQ(out, R"({"a":1,"b":"x","c":[1,[],{},null],"d":{},"e":[1,2],"f":true})");
}

TEST(JsonWriter, AppendsToWhatIsThere) {
  std::string out = "header: ";
  JsonWriter(out).begin_array().end_array();
  EXPECT_EQ(out, "header: []");
}

TEST(JsonWriter, WritesIntegersInFull) {
  EXPECT_EQ(written(0), "0");
  EXPECT_EQ(written(INT64_MIN), "-9223372036854775808");
  EXPECT_EQ(written(UINT64_MAX), "18446744073709551615");
  EXPECT_EQ(written(7u), "7");
}

TEST(JsonWriter, KeepsBooleansAndTextApart) {
  EXPECT_EQ(written(true), "true");
  EXPECT_EQ(written(false), "false");
  EXPECT_EQ(written("true"), "\"true\"");
  EXPECT_EQ(written(std::string("text")), "\"text\"");
}

TEST(JsonWriter, WritesDoublesSoThatTheyAreReadAsDoubles) {
  EXPECT_EQ(written(3.0), "3.0");
  EXPECT_EQ(written(-0.0), "-0.0");
  EXPECT_EQ(written(0.1), "0.1");
  EXPECT_EQ(written(1e-5), "1e-05");
  EXPECT_EQ(written(1e16), "1e+16");
  EXPECT_EQ(written(0.1f), "0.10000000149011612");
}

TEST(JsonWriter, WritesDoublesThatReadBackTheSame) {
  for (const double value : {1.0 / 3, 5e-324, 1.7976931348623157e308, 9007199254740993.0, 1e23, 123456789.125}) {
    const std::string text = written(value);
    JsonReader reader(text);
    reader.expect(JsonReader::Token::number, "double");
    EXPECT_EQ(reader.as_double(), value);
  }
}

TEST(JsonWriter, WritesWhatIsNotFiniteAsAString) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(written(infinity), "\"inf\"");
  EXPECT_EQ(written(-infinity), "\"-inf\"");
  EXPECT_EQ(written(std::nan("")), "\"nan\"");
}

TEST(JsonWriterText, EscapesQuotesBackslashesAndControlCharacters) {
  EXPECT_EQ(json_quoted("say \"hi\" c:\\x"), R"("say \"hi\" c:\\x")");
  EXPECT_EQ(json_quoted("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  EXPECT_EQ(json_quoted("\0\x01\x0b\x1f"s), R"("\u0000\u0001\u000b\u001f")");
}

TEST(JsonWriterText, LeavesAllOtherUtf8AsItIs) {
  EXPECT_EQ(json_quoted("größe 权重 🔥 / \x7f\u2028"), "\"größe 权重 🔥 / \x7f\u2028\"");
}

TEST(JsonWriterText, WritesLoneSurrogatesAsEscapes) {
  EXPECT_EQ(json_quoted("a\xED\xA0\x80z"), R"("a\ud800z")");
  EXPECT_EQ(json_quoted("\xED\xBF\xBF"), R"("\udfff")");
  EXPECT_EQ(json_quoted("\xED\xA0\xBD\xED\xB4\xA5"), R"("\ud83d\udd25")") << "a high and a low one stay two";
}

TEST(JsonWriterText, ReplacesEachByteThatIsNoUtf8) {
  EXPECT_EQ(json_quoted("a\xFFz"), "\"a\uFFFDz\"");
  EXPECT_EQ(json_quoted("\xE2\x82"), "\"\uFFFD\uFFFD\"");
  EXPECT_EQ(json_quoted("\xC0\xAF"), "\"\uFFFD\uFFFD\"");
  EXPECT_EQ(json_quoted("\x80\""), "\"\uFFFD\\\"\"");
}

TEST(JsonWriterText, IsReadBackFromAnyBytes) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second)};
      const std::string quoted = json_quoted(text);
      JsonReader reader(quoted);
      ASSERT_NO_THROW(reader.expect(JsonReader::Token::string, "text")) << first << " " << second;
      if (first < 128 && second < 128) {
        ASSERT_EQ(reader.text(), text);
      }
    }
  }
}

}  // namespace
}  // namespace sconce
