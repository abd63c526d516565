#include "io/write_plan.h"

#include <gtest/gtest.h>

#include <string>

#include "base/fail.h"
#include "io/plan_builder.h"

namespace sconce::test {
namespace {

TEST(WritePlan, NeighbouringLiteralsAreOneSegment) {
  io::WritePlan plan;
  plan.add_literal("one ");
  plan.add_literal("");
  plan.add_literal("two ");
  const io::ChecksumSlot slot = plan.add_known("three");
  plan.add_checksum(slot);
  ASSERT_EQ(plan.segments().size(), 1U);
  EXPECT_EQ(plan.segments()[0].kind, io::Segment::Kind::literal);
  EXPECT_EQ(plan.segments()[0].size, 17U);
  EXPECT_EQ(plan.size(), 17U);
}

TEST(WritePlan, APayloadStandsBetweenLiterals) {
  io::WritePlan plan;
  plan.add_literal("before");
  plan.add_payload(std::make_shared<TextPayload>("payload"), 7);
  plan.add_literal("after");
  ASSERT_EQ(plan.segments().size(), 3U);
  EXPECT_EQ(plan.segments()[1].kind, io::Segment::Kind::payload);
  EXPECT_EQ(plan.segments()[2].offset, 6U);
  EXPECT_EQ(plan.size(), 18U);
}

TEST(WritePlan, AKnownChecksumIsWrittenAtOnceAndAPayloadsIsPatched) {
  io::WritePlan plan;
  plan.add_checksum(plan.add_known("123456789"));
  EXPECT_TRUE(plan.patches().empty());
  EXPECT_EQ(plan.literals().substr(9), "\x26\x39\xF4\xCB");  // the check value of CRC-32: 0xCBF43926

  plan.add_checksum(plan.add_payload(std::make_shared<TextPayload>("x"), 1));
  ASSERT_EQ(plan.patches().size(), 1U);
  EXPECT_EQ(plan.patches()[0].literal_offset, 13U);
}

TEST(WritePlan, SlotsThatAreNotThereYetAreRefused) {
  io::WritePlan plan;
  EXPECT_THROW(plan.add_checksum(0), Error);
  EXPECT_THROW(plan.add_checksum(io::kNoSlot), Error);
}

TEST(WritePlan, SizesThatOverflowAreRefused) {
  io::WritePlan plan;
  plan.add_payload(std::make_shared<TextPayload>(""), UINT64_MAX);
  EXPECT_THROW(plan.add_payload(std::make_shared<TextPayload>(""), 1), Error);
  EXPECT_THROW(plan.add_literal("x"), Error);
  EXPECT_EQ(plan.size(), UINT64_MAX);
}

TEST(WritePlan, AMillionRecordsTakeOneSegmentPerPayloadAndOnePerGap) {
  io::WritePlan plan;
  const auto payload = std::make_shared<TextPayload>("x");
  for (int record = 0; record < 1'000'000; ++record) {
    plan.add_literal("header");
    plan.add_literal("padding");
    plan.add_checksum(plan.add_payload(payload, 1));
  }
  EXPECT_EQ(plan.segments().size(), 2'000'001U);
  EXPECT_EQ(plan.size(), 18'000'000U);
}

}  // namespace
}  // namespace sconce::test
