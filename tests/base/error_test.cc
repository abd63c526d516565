#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sconce/error.h>

#include "base/fail.h"

namespace sconce {
namespace {

using namespace std::string_literals;

ErrorPlace full_place() { return {"model.pt", 1234, "archive/data.pkl", "optimizer.lr"}; }

TEST(Error, SaysEverythingInOneLine) {
  const Error error(ErrorCode::damaged, "a tuple expected, found a string", full_place(), "fetch the file again");
  EXPECT_STREQ(error.what(),
               "model.pt: record archive/data.pkl: at byte 1234: \"optimizer.lr\": a tuple expected, found a string; "
               "fetch the file again");
}

TEST(Error, LeavesOutWhatIsNotKnown) {
  EXPECT_STREQ(Error(ErrorCode::io, "no such file").what(), "no such file");
  EXPECT_STREQ(Error(ErrorCode::io, "refused", {"a.pt", {}, "", ""}).what(), "a.pt: refused");
  EXPECT_STREQ(Error(ErrorCode::io, "refused", at_offset(0)).what(), "at byte 0: refused");
  EXPECT_STREQ(Error(ErrorCode::io, "refused", in_record("data.pkl")).what(), "record data.pkl: refused");
}

TEST(Error, EscapesControlCharactersInTheLineOnly) {
  const ErrorPlace place{"a\nb", 1, "c\x1b[2J", "d\re"};
  const Error error(ErrorCode::damaged, "found \x07", place, "do\tthis");
  EXPECT_STREQ(error.what(), "a\\nb: record c\\x1b[2J: at byte 1: \"d\\re\": found \\x07; do\\tthis");
  EXPECT_EQ(error.place().key, "d\re");
  EXPECT_EQ(error.message(), "found \x07");
}

TEST(Error, HoldsTheZeroByteInALineThatIsACString) {
  EXPECT_STREQ(Error(ErrorCode::damaged, "found \0 here"s).what(), "found \\x00 here");
}

TEST(Error, LearnsAPlaceOnItsWayOut) {
  Error error(ErrorCode::damaged, "bad", at_offset(7));
  error.add_place(in_record("data.pkl"));
  error.add_place({"model.pt", 99, "other", "key"});
  EXPECT_STREQ(error.what(), "model.pt: record data.pkl: at byte 7: \"key\": bad") << "what is known stays";
}

TEST(Error, KeepsTheFirstAdvice) {
  Error error(ErrorCode::damaged, "bad");
  error.add_advice("do this").add_advice("do that");
  EXPECT_EQ(error.advice(), "do this");
  EXPECT_STREQ(error.what(), "bad; do this");
}

TEST(Error, CanBeCopiedAndCaughtAsAStandardException) {
  std::unique_ptr<std::runtime_error> copy;
  {
    const Error error(ErrorCode::limit, "too much", full_place());
    copy = std::make_unique<Error>(error);
  }
  EXPECT_THAT(copy->what(), testing::EndsWith("\"optimizer.lr\": too much"));
}

TEST(ErrorCodes, HaveStableNames) {
  const std::pair<ErrorCode, const char*> kNames[] = {
      {ErrorCode::invalid_argument, "invalid_argument"},
      {ErrorCode::wrong_type, "wrong_type"},
      {ErrorCode::not_found, "not_found"},
      {ErrorCode::truncated, "truncated"},
      {ErrorCode::damaged, "damaged"},
      {ErrorCode::checksum, "checksum"},
      {ErrorCode::hostile, "hostile"},
      {ErrorCode::limit, "limit"},
      {ErrorCode::io, "io"},
      {ErrorCode::exists, "exists"},
      {ErrorCode::unsupported, "unsupported"},
      {ErrorCode::cancelled, "cancelled"},
  };
  for (const auto& [code, name] : kNames) EXPECT_EQ(to_string(code), name);
}

TEST(WithPlace, GivesTheResultOfTheBody) {
  int value = 1;
  int& same = with_place(in_record("r"), [&]() -> int& { return value; });
  EXPECT_EQ(&same, &value);
}

TEST(WithPlace, AddsThePlaceToAnErrorThatPasses) {
  try {
    with_place(in_record("data.pkl"), [] { fail(ErrorCode::damaged, "bad", at_offset(3), "fetch it again"); });
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "record data.pkl: at byte 3: bad; fetch it again");
    EXPECT_EQ(error.code(), ErrorCode::damaged);
  }
}

TEST(WithPlace, LetsOtherExceptionsPass) {
  EXPECT_THROW(with_place(in_record("r"), [] { throw std::bad_alloc(); }), std::bad_alloc);
}

}  // namespace
}  // namespace sconce
