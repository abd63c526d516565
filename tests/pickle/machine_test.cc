// Rules of the machine: stack, marks, memo, frames, protocols; what is heard; what bombs cost.
#include "pickle/machine.h"

#include <chrono>

#include "pickle/pickle_builder.h"
#include "pickle/recorder.h"

namespace sconce::pickle {
namespace {

using namespace testing;
using namespace std::string_literals;
using ::testing::ElementsAre;

std::string repeated(std::string_view text, std::size_t count) {
  std::string all;
  all.reserve(text.size() * count);
  for (std::size_t at = 0; at < count; ++at) all += text;
  return all;
}

// ------------------------------------------------------------------------------------------------ stack and marks

TEST(Stack, NothingIsTakenThatWasNotPut) {
  for (const std::string& stream : {"."s, "0."s, "2."s, "\x85."s, "N\x86."s, "R."s, "b."s, "q\x00."s, "Q."s, "a."s,
                                    "s."s, "]a."s, "\x93."s, "\x81."s, "\x98."s})
    EXPECT_THAT(error_of_stream(stream), is_error(ErrorCode::damaged, "takes more from the stack than it put there"))
        << stream;
}

TEST(Stack, NothingBelowAMarkIsTaken) {
  for (const std::string& stream : {"N(."s, "N(2."s, "N(\x85."s, "NN(K\x01\x86."s, "](a."s, "N(q\x00."s})
    EXPECT_THAT(error_of_stream(stream), is_error(ErrorCode::damaged, "takes a mark for a value")) << stream;
}

TEST(Stack, AGroupNeedsAMark) {
  for (const std::string& stream : {"t."s, "l."s, "d."s, "]e."s, "}u."s, "1."s, "\x91."s, "o."s, "ia\nb\n."s})
    EXPECT_THAT(error_of_stream(stream), is_error(ErrorCode::damaged, "no mark")) << stream;
}

TEST(Stack, PopTakesTheMarkOfAnEmptyGroup) { EXPECT_EQ(run("K\x01(0.").text(), "1"); }

TEST(Stack, GroupsNeedWhatTheyAreAddedTo) {
  for (const std::string& stream : {"(K\x01"
                                    "e."s,
                                    "(K\x01K\x02u."s, "(K\x01\x90."s})
    EXPECT_EQ(error_of_stream(stream).code(), ErrorCode::damaged) << stream;
}

TEST(Stack, KeysNeedValues) {
  EXPECT_THAT(error_of_stream("}(K\x01u."), is_error(ErrorCode::damaged, "a key without a value"));
  EXPECT_THAT(error_of_stream("(K\x01"
                              "d."),
              is_error(ErrorCode::damaged, "a key without a value"));
}

TEST(Stack, WhatPythonCannotHashIsNoKey) {
  EXPECT_THAT(error_of_stream("}]K\x01s."), is_error(ErrorCode::damaged, "a list cannot be a key"));
  EXPECT_THAT(error_of_stream("}}K\x01s."), is_error(ErrorCode::damaged, "a dict cannot be a key"));
  EXPECT_THAT(error_of_stream("\x8f(]\x90."s), is_error(ErrorCode::damaged, "no set can hold"));
  EXPECT_THAT(error_of_stream("(]\x91."s), is_error(ErrorCode::damaged, "no set can hold"));
}

TEST(Stack, ValuesThatAreLeftAreCounted) {
  const Ran ran = run("NN(K\x05.");
  EXPECT_EQ(ran.text(), "5");
  EXPECT_EQ(ran.result.left_on_stack, 2U);
}

TEST(Stack, ArgumentsAreATuple) {
  EXPECT_THAT(error_of_stream("ca\nb\n]R."), is_error(ErrorCode::damaged, "must be a tuple"));
  EXPECT_THAT(error_of_stream("ca\nb\n]\x81."s), is_error(ErrorCode::damaged, "must be a tuple"));
  EXPECT_THAT(error_of_stream("ca\nb\n)N\x92."s), is_error(ErrorCode::damaged, "must be a dict"));
}

TEST(Stack, NamesAreStrings) {
  for (const std::string& stream : {"K\x01\x8c\x01"
                                    "a\x93."s,
                                    "\x8c\x01"
                                    "aC\x01"
                                    "b\x93."s,
                                    "\x8c\x01"
                                    "aN\x93."s,
                                    "\x8c\x01"
                                    "a)\x93."s,
                                    "\x8c\x01"
                                    "aca\nb\n\x93."s})
    EXPECT_THAT(error_of_stream(stream), is_error(ErrorCode::damaged, "must be a string"));
}

// --------------------------------------------------------------------------------------------------------- memo

TEST(Memo, KeepsIdentity) {
  const Ran ran = run("(]q\x00h\x00t."s);
  const auto elements = ran.document->elements(ran.root());
  EXPECT_EQ(elements[0], elements[1]);
}

TEST(Memo, TheLastOneStoredCounts) {
  EXPECT_EQ(run("K\x01q\x05"
                "0K\x02q\x05"
                "0h\x05.")
                .text(),
            "2");
}

TEST(Memo, MemoizeCountsEntriesNotOpcodes) {
  // Index 5 and index 0 are two entries, so MEMOIZE stores at 2; storing again adds none.
  EXPECT_EQ(run("K\x01q\x05q\x05K\x02q\x00K\x03\x94"
                "000h\x02."s)
                .text(),
            "3");
}

TEST(Memo, ACopyOfAnEntryIsAnEntry) {
  EXPECT_EQ(run("K\x07q\x00"
                "0h\x00q\x09"
                "0h\x09."s)
                .text(),
            "7");
}

TEST(Memo, WhatWasNeverStoredIsNotThere) {
  for (const std::string& stream : {"h\x00."s, "Nq\x05h\x04."s, "j\xff\xff\xff\xff."s, "g999999999999\n."s})
    EXPECT_THAT(error_of_stream(stream), is_error(ErrorCode::damaged, "never stored"));
}

TEST(Memo, AnIndexIsAKeyAndNoSize) {
  const Ran ran =
      run("K\x07r\xff\xff\xff\xff"
          "0j\xff\xff\xff\xff."s);
  EXPECT_EQ(ran.text(), "7");
  EXPECT_LT(ran.budget->used(), 1U << 20);
}

TEST(Memo, TextIndexesAreDecimal) {
  EXPECT_EQ(run("K\x07p007\n0g+7\n.").text(), "7");
  EXPECT_THAT(error_of_stream("Np-1\n."), is_error(ErrorCode::damaged, "memo index"));
  EXPECT_THAT(error_of_stream("Npx\n."), is_error(ErrorCode::damaged, "memo index"));
}

// ----------------------------------------------------------------------------------------------- frames, protocols

TEST(Frames, HoldWholeOpcodes) {
  EXPECT_EQ(run("\x80\x04\x95\x03\x00\x00\x00\x00\x00\x00\x00K\x01."s).text(), "1");
  EXPECT_EQ(run("\x95\x00\x00\x00\x00\x00\x00\x00\x00K\x01."s).text(), "1");
  EXPECT_EQ(run("\x95\x02\x00\x00\x00\x00\x00\x00\x00K\x01\x95\x03\x00\x00\x00\x00\x00\x00\x00"
                "0K\x02."s)
                .text(),
            "2");
}

TEST(Frames, AnArgumentBeyondTheEndIsRefused) {
  EXPECT_THAT(error_of_stream("\x95\x01\x00\x00\x00\x00\x00\x00\x00K\x01."s),
              is_error(ErrorCode::damaged, "crosses the end of its frame"));
  EXPECT_THAT(error_of_stream("\x95\x03\x00\x00\x00\x00\x00\x00\x00X\x01\x00\x00\x00"
                              "a."s),
              is_error(ErrorCode::damaged, "crosses the end of its frame"));
}

TEST(Frames, DoNotNest) {
  EXPECT_THAT(error_of_stream("\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x95\x01\x00\x00\x00\x00\x00\x00\x00N."s),
              is_error(ErrorCode::damaged, "a frame inside a frame"));
}

TEST(Protocols, ZeroToFive) {
  for (char version = 0; version <= 5; ++version) {
    const Ran ran = run("\x80"s + version + "N.");
    EXPECT_FALSE(ran.error);
    EXPECT_EQ(ran.result.protocol, version);
  }
  EXPECT_THAT(error_of_stream("\x80\x06N."), is_error(ErrorCode::unsupported, "protocol 6"));
  EXPECT_THAT(error_of_stream("\x80\xffN."), is_error(ErrorCode::unsupported, "protocol 255"));
}

TEST(Protocols, BelowThreeTranslateNamesOfPython2) {
  EXPECT_EQ(run("\x80\x02"
                "c__builtin__\nset\n.")
                .text(),
            "builtins.set");
  EXPECT_EQ(run("c__builtin__\nlong\n.").text(), "builtins.int");
  EXPECT_EQ(run("ccommands\ngetoutput\n.").text(), "subprocess.getoutput");
  EXPECT_EQ(run("\x80\x03"
                "c__builtin__\nset\n.")
                .text(),
            "__builtin__.set");
}

TEST(Protocols, ALaterOneCountsFromThereOn) {
  EXPECT_EQ(run("\x80\x04"
                "c__builtin__\nset\n0\x80\x02"
                "c__builtin__\nset\n.")
                .text(),
            "builtins.set");
}

// -------------------------------------------------------------------------------------------------------- events

TEST(Events, SayWhatWouldHappenAndWhere) {
  PickleBuilder builder(2);
  builder.global("os", "system").text("true").tuple1().reduce().pop();
  const std::size_t second = builder.size();
  builder.global("argparse", "Namespace").empty_tuple().newobj().empty_dict().build();
  EXPECT_THAT(run(builder.stop()).events, ElementsAre("2 import os.system", "23 call os.system",
                                                      std::to_string(second) + " import argparse.Namespace",
                                                      std::to_string(second + 21) + " call argparse.Namespace",
                                                      std::to_string(second + 23) + " state argparse.Namespace"));
}

TEST(Events, EveryWayToImportAndCallIsHeard) {
  EXPECT_THAT(run("(ios\nsystem\n.").events, ElementsAre("1 import os.system", "1 call os.system"));
  EXPECT_THAT(run("(cos\nsystem\no.").events, ElementsAre("1 import os.system", "12 call os.system"));
  EXPECT_THAT(run("\x8c\x02os\x8c\x06system\x93)R.").events, ElementsAre("12 import os.system", "14 call os.system"));
  EXPECT_THAT(run("cos\nsystem\n)}\x92.").events, ElementsAre("0 import os.system", "13 call os.system"));
  EXPECT_THAT(run("\x82\x05)R.").events, ElementsAre("0 import copyreg.extension_5", "3 call copyreg.extension_5"));
  EXPECT_THAT(run("Pkey\n.").events, ElementsAre("0 persistent"));
}

TEST(Events, AStateForAFunctionIsHeard) {
  EXPECT_THAT(run("ca\nb\n}b.").events, ElementsAre("0 import a.b", "6 state a.b"));
}

TEST(Events, WhatHappenedBeforeAFaultWasHeard) {
  const Ran ran = run("cos\nsystem\n)R\xff");
  ASSERT_TRUE(ran.error);
  EXPECT_EQ(ran.error->place().offset, 13U);
  EXPECT_THAT(ran.events, ElementsAre("0 import os.system", "12 call os.system"));
}

TEST(Events, AnObjectThatIsDroppedWasCalledAllTheSame) {
  EXPECT_THAT(run("(cos\nsystem\no0N.").events, ElementsAre("1 import os.system", "12 call os.system"));
}

// --------------------------------------------------------------------------------------------------------- bombs

/// Runs within a second, in no more memory than a file of this size may cost.
void expect_cheap(const std::string& stream) {
  const auto begin = std::chrono::steady_clock::now();
  const Ran ran = run(stream);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  if (ran.error) {
    EXPECT_EQ(ran.error->code(), ErrorCode::limit) << ran.error->what();
  }
  EXPECT_LE(ran.budget->used(), stream.size() * 8 + (std::uint64_t{64} << 20));
  EXPECT_LT(took.count(), 10.0);  // a second, on a machine that does nothing else
}

TEST(Bombs, AMillionLevelsOfNestingRun) {
  constexpr std::size_t kLevels = 1'000'000;
  for (const std::string& level : {"]"s, "("s, "N\x85"s}) {
    std::string stream = level == "]"   ? repeated("]", kLevels) + repeated("a", kLevels - 1) + "."
                         : level == "(" ? repeated("(", kLevels) + repeated("t", kLevels) + "."
                                        : "N" + repeated("\x85", kLevels) + ".";
    expect_cheap(stream);
    EXPECT_FALSE(run(stream).error);
  }
}

TEST(Bombs, NestedDictsAndCallsRun) {
  expect_cheap("N" + repeated("0}K\x01}s", 1) + repeated("K\x01}", 200'000) + ".");
  expect_cheap("ca\nb\n" + repeated(")R", 200'000) + ".");
}

TEST(Bombs, DoublingInTheMemoStaysSmall) {
  std::string stream = "]q\x00"s;
  for (int level = 1; level < 200; ++level)
    stream += "0]q"s + static_cast<char>(level) + "(h" + static_cast<char>(level - 1) + "h" +
              static_cast<char>(level - 1) + "e";
  const Ran ran = run(stream + ".");
  EXPECT_FALSE(ran.error);
  EXPECT_LT(ran.budget->used(), 1U << 20);
}

TEST(Bombs, FloodsOfOneOpcodeAreCheap) {
  for (const std::string& opcode : {"2"s, "("s, "}"s, "]"s, ")"s, "q\x01"s, "\x94"s})
    expect_cheap("N" + repeated(opcode, 2'000'000) + "N.");
}

TEST(Bombs, AMemoThatIsFilledFromTheEndIsCheap) {
  std::string stream = "N";
  for (std::uint32_t index = 300'000; index-- > 0;) {
    stream += 'r';
    append_le(stream, index * 65);
  }
  expect_cheap(stream + ".");
}

TEST(Bombs, ALongNameThatIsAskedForAgainAndAgainIsCheap) {
  const std::string name(1'000'000, 'x');
  std::string stream = "X";
  append_le(stream, static_cast<std::uint32_t>(name.size()));
  stream += name + "q\x01";
  expect_cheap(stream +
               repeated("h\x01h\x01\x93"
                        "0",
                        500'000) +
               ".");
}

TEST(Bombs, ALongKeyThatIsSetAgainAndAgainIsCheap) {
  const std::string text(1'000'000, 'x');
  std::string stream;
  for (int copy = 0; copy < 2; ++copy) {
    stream += "X";
    append_le(stream, static_cast<std::uint32_t>(text.size()));
    stream += text + "q" + static_cast<char>(copy) + "0";
  }
  expect_cheap(stream + "}h\x00Ns"s + repeated("h\x01Ns", 500'000) + ".");
}

TEST(Bombs, TwoLongTuplesThatAreComparedAgainAndAgainAreCheap) {
  const std::string tuple = "(" + repeated("G\x3f\xf8\x00\x00\x00\x00\x00\x00"s, 20'000) + "t";
  expect_cheap(tuple +
               "q\x00"
               "0"s +
               tuple +
               "q\x01"
               "0}h\x00Ns"s +
               repeated("h\x01Ns", 200'000) + ".");
}

TEST(Bombs, FrozensetsInFrozensetsAreComparedOnlySoDeep) {
  const std::string nest = repeated("(", 100'000) + repeated("\x91", 100'000);
  EXPECT_THAT(error_of_stream("}" + nest + "Ns" + nest + "Ns."), is_error(ErrorCode::limit, "nested too deep"));
}

TEST(Bombs, MemoryOfTheStackIsGivenBack) {
  const Ran ran = run(repeated("N", 100'000) + ".");
  EXPECT_LT(ran.budget->used(), 200'000U);
}

TEST(Bombs, PickleAfterPickleDoesNotEatTheBudget) {
  auto budget = std::make_shared<MemoryBudget>();
  Document document(budget);
  OpaqueResolver resolver(document);
  NoListener listener;
  ByteReader reader(string_source(repeated("(K\x01q\x00t."s, 200'000)));
  while (!reader.at_end()) (void)Machine(reader, document, resolver, listener).run();
  EXPECT_LT(budget->used(), std::uint64_t{8} << 20);
}

TEST(Bombs, LargeHonestValuesDoNotMeetTheLimit) {
  // 400 arrays of 250,000 bytes: more than the base of the budget before the first thousand opcodes are through.
  std::string stream = "(";
  const std::string array(250'000, 'a');
  for (int at = 0; at < 400; ++at) {
    stream += 'B';
    append_le(stream, static_cast<std::uint32_t>(array.size()));
    stream += array;
  }
  EXPECT_FALSE(run(stream + "t.").error);
}

}  // namespace
}  // namespace sconce::pickle
