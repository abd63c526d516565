// Snapshots: a plan gives the bytes of the moment at which it was taken, whatever becomes of what it was made of.
#include "io/snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "base/fail.h"
#include "io/plan_builder.h"
#include "io/run_plan.h"

namespace sconce::test {
namespace {

struct StringSink : ByteSink {
  void write(std::span<const std::byte> bytes) override {
    all.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  std::string all;
};

std::string render(const io::WritePlan& plan) {
  StringSink sink;
  io::run_plan(plan, sink, {});
  return sink.all;
}

/// Memory that its owner changes.
struct BorrowedPayload : io::Payload {
  explicit BorrowedPayload(std::string& bytes, Home home = Home::memory) : bytes_(bytes), home_(home) {}
  SourcePtr open() const override {
    ++opened;
    return memory_source(std::as_bytes(std::span(bytes_)), {}, "the model");
  }
  Home home() const override { return home_; }
  std::string record() const override { return "data/3"; }
  std::string key() const override { return "weight"; }
  mutable int opened = 0;

 private:
  std::string& bytes_;
  Home home_;
};

TEST(Snapshot, GivesTheBytesOfThenInParallel) {
  std::mt19937 random(21);
  for (const unsigned threads : {1U, 3U}) {
    // Empty ones, small ones that share a job, and large ones that are cut into several.
    std::vector<std::string> memory;
    for (const std::size_t size : {0U, 1U, 63U, 64U, 65U, (4U << 20) - 1, 100U, 0U, (9U << 20) + 5, 7U})
      memory.push_back(random_bytes(random, size));
    io::WritePlan plan;
    std::string expected;
    for (std::string& bytes : memory) {
      plan.add_literal("head");
      const io::ChecksumSlot slot = plan.add_payload(std::make_shared<BorrowedPayload>(bytes), bytes.size());
      plan.add_checksum(slot);
      expected += "head" + bytes;
      append_le(expected, crc32(bytes));
    }
    io::SnapshotMemory pool;
    io::take_snapshot(plan, pool, {.threads = threads});
    for (std::string& bytes : memory) std::fill(bytes.begin(), bytes.end(), 'x');
    EXPECT_TRUE(render(plan) == expected) << threads << " threads";
  }
}

TEST(Snapshot, CopiesNothingThatLiesInAFile) {
  std::string in_file = "bytes of a file";
  std::string on_device = "bytes of a device";
  const auto file = std::make_shared<BorrowedPayload>(in_file, io::Payload::Home::file);
  const auto device = std::make_shared<BorrowedPayload>(on_device, io::Payload::Home::device);
  io::WritePlan plan;
  plan.add_payload(file, in_file.size());
  plan.add_payload(device, on_device.size());
  io::SnapshotMemory pool;
  io::take_snapshot(plan, pool, {});
  EXPECT_EQ(file->opened, 0);
  EXPECT_EQ(file.use_count(), 2) << "it stays in the plan";
  EXPECT_EQ(device->opened, 1);
  EXPECT_EQ(device.use_count(), 1) << "the plan holds nothing of the caller's";
  EXPECT_EQ(render(plan), "bytes of a filebytes of a device");
}

TEST(Snapshot, ComparesWhatTheInputRecordsWithTheBytesOfThen) {
  io::WritePlan plan;
  plan.add_payload(std::make_shared<TextPayload>("123456789", 0x01020304), 9);
  plan.add_check(std::make_shared<TextPayload>("abc", 0x01020304), 3);
  io::SnapshotMemory pool;
  io::take_snapshot(plan, pool, {});
  try {
    render(plan);
    FAIL() << "a wrong checksum passed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::checksum);
    EXPECT_EQ(error.place().record, "archive/data/7");
    EXPECT_EQ(error.place().key, "model.weight");
    EXPECT_EQ(error.place().file, "input.pt");
  }
}

TEST(Snapshot, WhatCannotBeReadIsAnErrorThatNamesItAndGivesTheMemoryBack) {
  struct Failing : BorrowedPayload {
    using BorrowedPayload::BorrowedPayload;
    SourcePtr open() const override {
      struct Source : ByteSource {
        std::uint64_t size() const override { return 4; }
        void read_at(std::uint64_t, std::span<std::byte>) const override { fail(ErrorCode::device, "it fell off"); }
        const std::string& name() const noexcept override { return text; }
        std::string text = "cuda:0";
      };
      return std::make_shared<Source>();
    }
  };
  std::string bytes = "1234";
  io::WritePlan plan;
  plan.add_payload(std::make_shared<Failing>(bytes), 4);
  io::SnapshotMemory pool;
  try {
    io::take_snapshot(plan, pool, {});
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::device);
    EXPECT_EQ(error.place().record, "data/3");
    EXPECT_EQ(error.place().file, "cuda:0");
  }
  EXPECT_GT(pool.idle_bytes(), 0U);
}

TEST(Snapshot, TellsOfItsProgressAndCanBeCancelled) {
  std::string bytes(std::size_t{20} << 20, 'a');
  io::WritePlan plan;
  plan.add_payload(std::make_shared<BorrowedPayload>(bytes), bytes.size());
  io::SnapshotMemory pool;
  std::uint64_t last = 0;
  std::stop_source stop;
  const ProgressFunction progress = [&](const ProgressReport& report) {
    EXPECT_EQ(report.stage, "snapshot");
    EXPECT_EQ(report.total, bytes.size());
    last = report.done;
  };
  stop.request_stop();
  EXPECT_THROW(io::take_snapshot(plan, pool, {.cancel = stop.get_token()}), Error);
  io::take_snapshot(plan, pool, {.progress = progress});
  EXPECT_EQ(last, bytes.size());
}

TEST(SnapshotMemory, IsKeptForTheNextOne) {
  constexpr std::uint64_t kBlock = std::uint64_t{2} << 20;
  io::SnapshotMemory pool;
  auto first = pool.take(kBlock + 1);
  const std::byte* where = first.get();
  std::memset(first.get(), 1, kBlock + 1);
  EXPECT_EQ(pool.idle_bytes(), 0U);
  first.reset();
  EXPECT_EQ(pool.idle_bytes(), 2 * kBlock);
  auto second = pool.take(kBlock);
  EXPECT_EQ(second.get(), where);
  auto third = pool.take(10);
  EXPECT_NE(third.get(), where) << "one block has one owner";
  second.reset();
  auto larger = pool.take(5 * kBlock);
  EXPECT_EQ(pool.idle_bytes(), 0U) << "what was too small is not kept beside it";
  third.reset();
  pool.trim();
  EXPECT_EQ(pool.idle_bytes(), 0U);
}

TEST(SnapshotMemory, MayGoAwayBeforeItsBlocks) {
  std::shared_ptr<std::byte> block;
  {
    io::SnapshotMemory pool;
    block = pool.take(100);
  }
  std::memset(block.get(), 7, 100);
  EXPECT_EQ(block.get()[99], std::byte{7});
}

TEST(SnapshotMemory, SaysSoWhereThereIsNotSoMuch) {
  io::SnapshotMemory pool;
  try {
    (void)pool.take(std::uint64_t{1} << 60);
    FAIL() << "an exbibyte was there";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::memory);
  }
}

}  // namespace
}  // namespace sconce::test
