#include "io/plan_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/fail.h"
#include "io/plan_builder.h"

namespace sconce::test {
namespace {

using testing::HasSubstr;

std::string render(const io::WritePlan& plan, std::size_t window, bool ignore_checksums = false) {
  io::PlanStream stream(plan, ignore_checksums);
  std::string all;
  std::string buffer(window, '\0');
  for (;;) {
    const std::size_t size = stream.read(std::as_writable_bytes(std::span(buffer)));
    all.append(buffer, 0, size);
    if (size < window) return all;
  }
}

TEST(PlanStream, RandomPlansAreRenderedAsByHandThroughEveryWindow) {
  std::mt19937 random(11);
  for (int times = 0; times < 300; ++times) {
    const PlanBuilder builder = random_plan(random, random() % 400);
    for (const unsigned window : {1U, 2U, 3U, 4U, 5U, 7U, 64U, 1000U}) {
      ASSERT_EQ(render(builder.plan, window), builder.expected) << "plan " << times << ", window " << window;
    }
  }
}

TEST(PlanStream, AChecksumMayBeCutByAnyWindow) {
  PlanBuilder builder;
  builder.literal("abc");
  const io::ChecksumSlot slot = builder.payload("payload");
  builder.checksum(slot);
  builder.checksum(slot);
  for (std::size_t window = 1; window < 32; ++window) EXPECT_EQ(render(builder.plan, window), builder.expected);
}

TEST(PlanStream, EveryPayloadIsOpenedOnce) {
  io::WritePlan plan;
  const auto payload = std::make_shared<TextPayload>("some bytes");
  const auto empty = std::make_shared<TextPayload>("");
  plan.add_payload(payload, 10);
  plan.add_payload(empty, 0);
  EXPECT_EQ(render(plan, 3), "some bytes");
  EXPECT_EQ(payload->opened, 1);
  EXPECT_EQ(empty->opened, 1);
}

TEST(PlanStream, AWrongChecksumIsAnErrorThatNamesEverything) {
  io::WritePlan plan;
  plan.add_payload(std::make_shared<TextPayload>("123456789", 0x01020304), 9);
  try {
    static_cast<void>(render(plan, 4));
    FAIL() << "a wrong checksum passed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::checksum);
    EXPECT_EQ(error.place().file, "input.pt");
    EXPECT_EQ(error.place().record, "archive/data/7");
    EXPECT_EQ(error.place().key, "model.weight");
    EXPECT_THAT(error.message(), HasSubstr("0xcbf43926"));
    EXPECT_THAT(error.message(), HasSubstr("0x01020304"));
    EXPECT_THAT(error.advice(), HasSubstr("--ignore-checksums"));
  }
}

TEST(PlanStream, ChecksumsThatAreIgnoredAbsentZeroOrRightAreNoErrors) {
  io::WritePlan wrong;
  wrong.add_payload(std::make_shared<TextPayload>("123456789", 0x01020304), 9);
  EXPECT_EQ(render(wrong, 4, true), "123456789");
  io::WritePlan others;
  others.add_payload(std::make_shared<TextPayload>("a"), 1);
  others.add_payload(std::make_shared<TextPayload>("b", 0), 1);
  others.add_payload(std::make_shared<TextPayload>("123456789", 0xCBF43926), 9);
  EXPECT_EQ(render(others, 4), "ab123456789");
}

TEST(PlanStream, WhatIsWrittenIsTheChecksumOfTheBytesNotTheRecordedOne) {
  PlanBuilder builder;
  builder.checksum(builder.payload("123456789", 0x01020304));
  EXPECT_EQ(render(builder.plan, 100, true), builder.expected);
}

TEST(PlanStream, AnEmptyPayloadIsComparedToo) {
  io::WritePlan plan;
  plan.add_payload(std::make_shared<TextPayload>("", 5), 0);
  EXPECT_THROW(static_cast<void>(render(plan, 4)), Error);
}

TEST(PlanStream, APayloadOfAnotherSizeIsAnError) {
  const auto code_for = [](std::uint64_t size) {
    io::WritePlan plan;
    plan.add_payload(std::make_shared<TextPayload>("12345"), size);
    try {
      static_cast<void>(render(plan, 100));
    } catch (const Error& error) {
      EXPECT_EQ(error.place().record, "archive/data/7");
      return error.code();
    }
    return ErrorCode::cancelled;
  };
  EXPECT_EQ(code_for(6), ErrorCode::truncated);
  EXPECT_EQ(code_for(4), ErrorCode::damaged);
}

struct FailingPayload : io::Payload {
  SourcePtr open() const override { fail(ErrorCode::io, "the network is gone", {}, "plug it in"); }
  std::string record() const override { return "data/3"; }
};

TEST(PlanStream, WhatAPayloadThrowsLearnsItsRecord) {
  io::WritePlan plan;
  plan.add_payload(std::make_shared<FailingPayload>(), 5);
  try {
    static_cast<void>(render(plan, 100));
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "record data/3: the network is gone; plug it in");
  }
}

}  // namespace
}  // namespace sconce::test
