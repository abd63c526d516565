// The dict of an array: what NumPy writes is read, and nothing else is.
#include "formats/numpy/header.h"

#include "formats/numpy/numpy_files.h"

namespace sconce::formats::numpy {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Header parsed(const std::string& text) { return parse_header(text, 10, true); }

TEST(NpyHeader, SaysTypeOrderAndShape) {
  const Header header = parsed("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }   \n");
  EXPECT_EQ(header.descr, "<f4");
  EXPECT_TRUE(header.fortran);
  EXPECT_THAT(header.shape, ElementsAre(2, 3));
}

TEST(NpyHeader, ShapesOfAnyNumberOfDimensions) {
  EXPECT_THAT(parsed(dict_of("'<f4'", "()")).shape, IsEmpty());
  EXPECT_THAT(parsed(dict_of("'<f4'", "(7,)")).shape, ElementsAre(7));
  EXPECT_THAT(parsed(dict_of("'<f4'", "( 1 ,2,\t3 , )")).shape, ElementsAre(1, 2, 3));
  EXPECT_THAT(parsed(dict_of("'<f4'", "(9223372036854775807, 0)")).shape, ElementsAre(INT64_MAX, 0));
}

TEST(NpyHeader, KeysComeInAnyOrderAndQuotes) {
  const Header header = parsed(R"({"shape":(1,),"fortran_order":False,"descr":"|u1"})");
  EXPECT_EQ(header.descr, "|u1");
  EXPECT_THAT(header.shape, ElementsAre(1));
}

TEST(NpyHeader, IntegersOfPython2) {
  EXPECT_THAT(parsed(dict_of("'<f4'", "(3L, 4L)")).shape, ElementsAre(3, 4));
  EXPECT_THAT(error_of([] { (void)parse_header(dict_of("'<f4'", "(3L,)"), 10, false); }),
              is_error(ErrorCode::damaged, "',' or ')' expected"));
}

TEST(NpyHeader, RecordsAreKeptAsTheyStandThere) {
  EXPECT_EQ(parsed(dict_of("[('x)', '<f4'), (\"]\", '<i4', (3,))]", "(2,)")).descr,
            "[('x)', '<f4'), (\"]\", '<i4', (3,))]");
  EXPECT_EQ(parsed(dict_of(R"([('it\'s', '<f4')])", "(2,)")).descr, R"([('it\'s', '<f4')])");
}

TEST(NpyHeader, ManyBracketsNeedNoStack) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_EQ(parsed(dict_of(deep, "()")).descr, deep);
}

TEST(NpyHeader, WhatNumPyWouldNotWriteIsDamaged) {
  const struct {
    std::string text;
    const char* words;
  } cases[] = {
      {"", "'{' expected"},
      {"{", "a string expected"},
      {"[]", "'{' expected"},
      {"{}", "must have the keys"},
      {"{'descr': '<f4', 'fortran_order': False}", "must have the keys"},
      {"{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': ()}", "twice"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (), 'more': 1}", "'more' is unknown"},
      {"{'descr': '<f4' 'fortran_order': False, 'shape': ()}", "'}' expected"},
      {"{'descr' '<f4'}", "':' expected"},
      {"{'descr: <f4}", "without an end"},
      {"{'descr': '<f\\x34'}", "an escape"},
      {"{'descr': f4}", "the name of a dtype expected"},
      {"{'descr': [('x', '<f4')", "a list without an end"},
      {"{'descr': [('x", "a string without an end"},
      {"{'descr': ['\\", "a string without an end"},
      {"{'descr': __import__('os').system('true')}", "the name of a dtype expected"},
      {"{'fortran_order': true}", "True or False expected"},
      {"{'fortran_order': 1}", "True or False expected"},
      {"{'shape': 3}", "'(' expected"},
      {"{'shape': (3)}", "ends in ',)'"},
      {"{'shape': (3 4)}", "',' or ')' expected"},
      {"{'shape': (,)}", "a number, not negative"},
      {"{'shape': (-1,)}", "a number, not negative"},
      {"{'shape': (1.5,)}", "',' or ')' expected"},
      {"{'shape': (03,)}", "a leading zero"},
      {"{'shape': (0x10,)}", "',' or ')' expected"},
      {"{'shape': (9223372036854775808,)}", "beyond 2^63"},
      {"{'shape': (3", "',' or ')' expected"},
      {dict_of("'<f4'", "()") + "x", "blanks to its end"},
      {dict_of("'<f4'", "()") + std::string(1, '\0'), "blanks to its end"},
      {dict_of("'<f4'", "()") + "# remark", "blanks to its end"},
  };
  for (const auto& [text, words] : cases) {
    const Error error = error_of([&] { (void)parsed(text); });
    EXPECT_THAT(error, is_error(ErrorCode::damaged, words)) << text;
    EXPECT_LE(error.place().offset, 10 + text.size()) << text;
  }
}

TEST(NpyHeader, IsReadWhereverTheArrayBegins) {
  const std::string file = "some bytes" + npy(dict_of("'<f4'", "(1,)"), "1234");
  EXPECT_EQ(read_header(*string_source(file), 10).end, file.size() - 4);
}

TEST(NpyHeader, Version2HasALongerLength) {
  const std::string file = npy(dict_of("'<f4'", "(1,)") + std::string(70'000, ' '), "1234", 2);
  EXPECT_EQ(read_header(*string_source(file), 0).end, file.size() - 4);
}

TEST(NpyHeader, OtherVersionsAreNotGuessed) {
  for (const char major : {'\0', '\4'})
    EXPECT_THAT(error_of([&] { (void)read_header(*string_source(npy(dict_of("'<f4'", "()"), "", major)), 0); }),
                is_error(ErrorCode::unsupported, "of the format"));
}

TEST(NpyHeader, MayBeCutShortAnywhere) {
  const std::string file = npy(dict_of("'<f4'", "(1,)"));
  for (std::size_t size = 0; size < file.size(); ++size)
    EXPECT_EQ(error_of([&] { (void)read_header(*string_source(file.substr(0, size)), 0); }).code(),
              ErrorCode::truncated)
        << size;
}

TEST(NpyHeader, AnAbsurdLengthIsNotAllocated) {
  std::string file = npy(dict_of("'<f4'", "()"), "", 2);
  file.replace(8, 4, "\xFF\xFF\xFF\xFF");
  EXPECT_THAT(error_of([&] { (void)read_header(*string_source(file), 0); }),
              is_error(ErrorCode::limit, "4294967295 bytes"));
}

}  // namespace
}  // namespace sconce::formats::numpy
