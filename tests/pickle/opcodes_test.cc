// All 68 opcodes of protocols 0 to 5: what each makes, and what becomes of a stream that ends inside of it.
#include <algorithm>
#include <set>
#include <vector>

#include "pickle/pickle_builder.h"
#include "pickle/recorder.h"

namespace sconce::pickle {
namespace {

using namespace testing;
using namespace std::string_literals;

struct OpcodeCase {
  unsigned char opcode;
  std::string stream;
  std::string text;  ///< of the root
};

/// One minimal stream for each opcode.
std::vector<OpcodeCase> opcode_cases() {
  const auto with = [] { return PickleBuilder(); };
  return {
      {'(', "(t."s, "()"},
      {'.', "N."s, "None"},
      {'0',
       "NK\x01"
       "0."s,
       "None"},
      {'1',
       "N(K\x01K\x02"
       "1."s,
       "None"},
      {'2',
       "K\x07"
       "2\x86."s,
       "(7, 7)"},
      {'F', "F2.5\n."s, "2.5"},
      {'I', "I-17\n."s, "-17"},
      {'J', "J\xfe\xff\xff\xff."s, "-2"},
      {'K', "K\xff."s, "255"},
      {'L', "L123456789012345678901234567890L\n."s, "123456789012345678901234567890"},
      {'M', "M\xff\xff."s, "65535"},
      {'N', "N."s, "None"},
      {'P', "Pkey\n."s, "persistent id"},
      {'Q', "K\x05Q."s, "persistent id"},
      {'R', "cmodule\nname\n)R."s, "module.name"},
      {'S', "S'it\\'s'\n."s, "\"it's\""},
      {'T',
       "T\x03\x00\x00\x00"
       "abc."s,
       "'abc'"},
      {'U',
       "U\x03"
       "abc."s,
       "'abc'"},
      {'V', "Vstra\\u00dfe\n."s, "'straße'"},
      {'X', "X\x03\x00\x00\x00\xe2\x82\xac."s, "'€'"},
      {'a',
       "]K\x01"
       "a."s,
       "list of 1"},
      {'b', "cmodule\nname\n)R}b."s, "module.name"},
      {'c', "cmodule\nname\n."s, "module.name"},
      {'d',
       "(K\x01K\x02"
       "d."s,
       "dict of 1"},
      {'}', "}."s, "dict of 0"},
      {'e',
       "](K\x01K\x02"
       "e."s,
       "list of 2"},
      {'g', "K\x07p3\n0g3\n."s, "7"},
      {'h',
       "K\x07q\x03"
       "0h\x03."s,
       "7"},
      {'i', "(K\x01imodule\nname\n."s, "module.name"},
      {'j',
       "K\x07r\x03\x00\x00\x00"
       "0j\x03\x00\x00\x00."s,
       "7"},
      {'l', "(K\x01K\x02l."s, "list of 2"},
      {']', "]."s, "list of 0"},
      {'o', "(cmodule\nname\nK\x01o."s, "module.name"},
      {'p', "K\x07p0\n."s, "7"},
      {'q', "K\x07q\x00."s, "7"},
      {'r', "K\x07r\x00\x00\x00\x00."s, "7"},
      {'s', "}K\x01K\x02s."s, "dict of 1"},
      {'t', "(K\x01K\x02t."s, "(1, 2)"},
      {')', ")."s, "()"},
      {'u', "}(K\x01K\x02K\x03K\x04u."s, "dict of 2"},
      {'G', with().floating(-0.25).stop(), "-0.25"},
      {0x80, "\x80\x04N."s, "None"},
      {0x81, "cmodule\nname\n)\x81."s, "module.name"},
      {0x82, "\x82\x07."s, "copyreg.extension_7"},
      {0x83, "\x83\x01\x01."s, "copyreg.extension_257"},
      {0x84, "\x84\x01\x00\x01\x00."s, "copyreg.extension_65537"},
      {0x85, "K\x01\x85."s, "(1,)"},
      {0x86, "K\x01K\x02\x86."s, "(1, 2)"},
      {0x87, "K\x01K\x02K\x03\x87."s, "(1, 2, 3)"},
      {0x88, "\x88."s, "True"},
      {0x89, "\x89."s, "False"},
      {0x8a, "\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01."s, "18446744073709551616"},
      {0x8b, "\x8b\x02\x00\x00\x00\x00\x80."s, "-32768"},
      {'B', "B\x02\x00\x00\x00\x00\xff."s, "b'\\x00\\xff'"},
      {'C', "C\x02\x00\xff."s, "b'\\x00\\xff'"},
      {0x8c, "\x8c\x02hi."s, "'hi'"},
      {0x8d, "\x8d\x02\x00\x00\x00\x00\x00\x00\x00hi."s, "'hi'"},
      {0x8e, "\x8e\x02\x00\x00\x00\x00\x00\x00\x00hi."s, "b'hi'"},
      {0x8f, "\x8f."s, "set of 0"},
      {0x90, "\x8f(K\x01K\x01K\x02\x90."s, "set of 2"},
      {0x91, "(K\x01K\x01K\x02\x91."s, "frozenset of 2"},
      {0x92, "cmodule\nname\n)}\x92."s, "module.name"},
      {0x93, "\x8c\x06module\x8c\x04name\x93."s, "module.name"},
      {0x94,
       "K\x07\x94"
       "0h\x00."s,
       "7"},
      {0x95, "\x95\x02\x00\x00\x00\x00\x00\x00\x00N."s, "None"},
      {0x96, "\x96\x02\x00\x00\x00\x00\x00\x00\x00hi."s, "bytearray(b'hi')"},
      {0x97, "\x97."s, "error: at byte 0: a buffer from outside"},
      {0x98, "N\x98."s, "None"},
  };
}

TEST(Opcodes, AreSixtyEight) {
  std::set<unsigned char> seen;
  for (const OpcodeCase& one : opcode_cases()) {
    seen.insert(one.opcode);
    EXPECT_NE(one.stream.find(static_cast<char>(one.opcode)), std::string::npos);
  }
  EXPECT_EQ(seen.size(), 68U);
}

TEST(Opcodes, EachMakesItsValue) {
  for (const OpcodeCase& one : opcode_cases()) {
    SCOPED_TRACE("opcode " + std::to_string(one.opcode));
    EXPECT_EQ(run(one.stream).text(), one.text);
  }
}

TEST(Opcodes, NoOtherByteIsOne) {
  std::set<unsigned char> known;
  for (const OpcodeCase& one : opcode_cases()) known.insert(one.opcode);
  for (int code = 0; code < 256; ++code) {
    if (known.contains(static_cast<unsigned char>(code))) continue;
    const Error error = error_of_stream(PickleBuilder().none().byte(code).stop());
    EXPECT_THAT(error, is_error(ErrorCode::damaged, "is no pickle opcode"));
    EXPECT_EQ(error.place().offset, 1U);
  }
}

// The offset is that of the opcode that could not be read, or of its argument, whichever the data ends in.
TEST(Opcodes, AStreamThatEndsInsideOfOneSaysWhere) {
  for (const OpcodeCase& one : opcode_cases()) {
    if (one.opcode == 0x97) continue;
    for (std::size_t size = 0; size < one.stream.size(); ++size) {
      SCOPED_TRACE("opcode " + std::to_string(one.opcode) + ", cut to " + std::to_string(size));
      const Ran ran = run(one.stream.substr(0, size));
      ASSERT_TRUE(ran.error);
      EXPECT_EQ(ran.error->code(), ErrorCode::truncated) << ran.error->what();
      ASSERT_TRUE(ran.error->place().offset);
      EXPECT_LE(*ran.error->place().offset, size);
    }
  }
}

TEST(Opcodes, AMissingStopIsSaidToBeAtTheEnd) {
  const Error error = error_of_stream("K\x01");
  EXPECT_THAT(error, is_error(ErrorCode::truncated, "data ends at byte 2"));
  EXPECT_EQ(error.place().offset, 2U);
}

TEST(Opcodes, LengthsAreComparedWithWhatIsLeftBeforeAnythingIsAllocated) {
  const std::string huge("\xff\xff\xff\xff\xff\xff\xff\x7f", 8);
  for (const std::string& stream :
       {"X\xff\xff\xff\xff"s, "B\xfe\xff\xff\xff"s, "T\xff\xff\xff\x7f"s, "\x8b\xff\xff\xff\x7f"s, "\x8d" + huge,
        "\x8e" + huge, "\x96" + huge, "\x95" + huge}) {
    const Error error = error_of_stream(stream + "abc.");
    EXPECT_THAT(error, is_error(ErrorCode::truncated, "declared, but fewer are left"));
    EXPECT_EQ(error.place().offset, 0U);
  }
}

TEST(Opcodes, NegativeLengthsAreRefused) {
  EXPECT_THAT(error_of_stream("T\xff\xff\xff\xff."), is_error(ErrorCode::damaged, "negative length"));
  EXPECT_THAT(error_of_stream("\x8b\xff\xff\xff\xff."), is_error(ErrorCode::damaged, "negative length"));
}

TEST(Opcodes, ExtensionCodesArePositive) {
  EXPECT_THAT(error_of_stream("\x82\x00."s), is_error(ErrorCode::damaged, "extension code"));
  EXPECT_THAT(error_of_stream("\x84\x00\x00\x00\x80."s), is_error(ErrorCode::damaged, "extension code"));
}

TEST(Opcodes, TextMustBeUtf8ButMayHoldLoneSurrogates) {
  EXPECT_THAT(error_of_stream("X\x01\x00\x00\x00\xff."s), is_error(ErrorCode::damaged, "not UTF-8"));
  const Ran ran = run("X\x03\x00\x00\x00\xed\xa0\x80."s);
  ASSERT_FALSE(ran.error);
  EXPECT_EQ(ran.document->text(ran.root()), "\xed\xa0\x80");
}

}  // namespace
}  // namespace sconce::pickle
