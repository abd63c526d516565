#include "io/run_plan.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "base/fail.h"
#include "io/memory_file_system.h"
#include "io/plan_builder.h"
#include "io/temporary_folder.h"

namespace sconce::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct StringSink : ByteSink {
  void write(std::span<const std::byte> bytes) override {
    all.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  std::string all;
};

io::RunOptions small_buffers(bool threaded, bool direct) {
  io::RunOptions options;
  options.tuning = {4096, threaded ? 0 : UINT64_MAX, direct ? 0 : UINT64_MAX};
  return options;
}

// Sizes around buffers and blocks.
std::vector<std::size_t> sizes() {
  std::vector<std::size_t> sizes = {0, 1, 511, 512, 513};
  for (const std::size_t near : {4096U, 8192U, 16384U, 20480U}) {
    for (const std::size_t size : {near - 1, near, near + 1}) sizes.push_back(size);
  }
  return sizes;
}

TEST(RunPlan, EveryWayOfWritingGivesTheSameBytes) {
  std::mt19937 random(5);
  for (const std::size_t size : sizes()) {
    const PlanBuilder builder = random_plan(random, size);
    for (const bool threaded : {false, true}) {
      for (const bool direct : {false, true}) {
        for (const bool durable : {false, true}) {
          MemoryFileSystem files;
          io::RunOptions options = small_buffers(threaded, direct);
          options.durable = durable;
          io::run_plan(builder.plan, "/models/a.pt", options, files);
          ASSERT_EQ(files.find("/models/a.pt")->bytes, builder.expected)
              << size << (threaded ? " threaded" : "") << (direct ? " direct" : "");
          const std::uint64_t blocks = builder.expected.size() / 4096 * 4096;
          EXPECT_EQ(files.direct_bytes, direct && durable ? blocks : 0U);
        }
      }
      StringSink sink;
      io::run_plan(builder.plan, sink, small_buffers(threaded, false));
      ASSERT_EQ(sink.all, builder.expected);
    }
  }
}

TEST(RunPlan, RealFilesHaveTheBytesOfThePlan) {
  const TemporaryFolder folder;
  std::mt19937 random(6);
  for (const std::size_t size : sizes()) {
    const PlanBuilder builder = random_plan(random, size);
    for (const bool direct : {false, true}) {
      io::run_plan(builder.plan, folder / "model.pt", small_buffers(size % 2 == 0, direct));
      ASSERT_EQ(read_file(folder / "model.pt"), builder.expected) << size << (direct ? " direct" : "");
    }
  }
  EXPECT_THAT(folder.names(), ElementsAre("model.pt"));
}

TEST(RunPlan, ALargePlanIsWrittenPastThePageCacheAndASmallOneIsNot) {
  for (const unsigned size : {(16U << 20) - 1, 16U << 20}) {
    io::WritePlan plan;
    plan.add_payload(std::make_shared<TextPayload>(std::string(size, 'x')), size);
    MemoryFileSystem files;
    io::run_plan(plan, "/models/a.pt", {}, files);
    EXPECT_EQ(files.direct_bytes, size == 16U << 20 ? size : 0U);
    EXPECT_EQ(files.writebacks, size == 16U << 20 ? 0U : size);
  }
}

TEST(RunPlan, WithoutDirectWritingTheDiskStartsAtOnce) {
  MemoryFileSystem files;
  files.can_direct = false;
  PlanBuilder builder;
  builder.payload(std::string(20000, 'x'));
  io::run_plan(builder.plan, "/models/a.pt", small_buffers(false, true), files);
  EXPECT_EQ(files.direct_bytes, 0U);
  EXPECT_EQ(files.writebacks, 20000U);
}

TEST(RunPlan, AFailingPayloadLeavesTheOldFileAndNothingElse) {
  for (const bool threaded : {false, true}) {
    PlanBuilder builder;
    builder.payload(std::string(50000, 'a'));
    builder.payload(std::string(9, 'b'), 0x12345678);
    builder.payload(std::string(50000, 'c'));
    MemoryFileSystem files;
    files.put("/models/a.pt", "old");
    try {
      io::run_plan(builder.plan, "/models/a.pt", small_buffers(threaded, true), files);
      ADD_FAILURE() << "a wrong checksum passed";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::checksum);
      EXPECT_EQ(error.place().record, "archive/data/7");
    }
    EXPECT_EQ(files.find("/models/a.pt")->bytes, "old");
    EXPECT_EQ(files.names.size(), 1U);
    EXPECT_EQ(files.open_descriptors(), 0U);

    io::RunOptions options = small_buffers(threaded, true);
    options.ignore_checksums = true;
    io::run_plan(builder.plan, "/models/a.pt", options, files);
    EXPECT_EQ(files.find("/models/a.pt")->bytes, builder.expected);
  }
}

TEST(RunPlan, ChecksAreReadAndComparedBeforeAnythingIsWritten) {
  const auto wrong = std::make_shared<TextPayload>(std::string(10000, 'x'), 1);
  const auto unknown = std::make_shared<TextPayload>(std::string(10000, 'x'));
  io::WritePlan plan;
  plan.add_literal("the new file");
  plan.add_check(unknown, 10000);
  plan.add_check(wrong, 10000);
  MemoryFileSystem files;
  EXPECT_THROW(io::run_plan(plan, "/models/a.pt", {}, files), Error);
  EXPECT_TRUE(files.names.empty());
  for (const Operation& operation : files.journal) EXPECT_NE(operation.kind, Operation::Kind::write);
  StringSink sink;
  EXPECT_THROW(io::run_plan(plan, sink, {}), Error);
  EXPECT_EQ(sink.all, "");
  EXPECT_EQ(unknown->opened, 0) << "nothing is known of it, so there was nothing to read";

  io::RunOptions options;
  options.ignore_checksums = true;
  io::run_plan(plan, sink, options);
  EXPECT_EQ(sink.all, "the new file");
  EXPECT_EQ(wrong->opened, 2);
}

TEST(RunPlan, ProgressCountsAllBytesToTheEnd) {
  PlanBuilder builder;
  builder.payload(std::string(std::size_t{20} << 20, 'a'));
  const std::string checked(std::size_t{5} << 20, 'c');
  builder.plan.add_check(std::make_shared<TextPayload>(checked, crc32(checked)), checked.size());
  std::vector<std::uint64_t> done;
  io::RunOptions options;
  options.progress = [&](const ProgressReport& report) {
    EXPECT_EQ(report.stage, "write");
    EXPECT_EQ(report.total, std::uint64_t{25} << 20);
    done.push_back(report.done);
  };
  StringSink sink;
  io::run_plan(builder.plan, sink, options);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  EXPECT_GT(done.size(), 4U);
  EXPECT_EQ(done.back(), std::uint64_t{25} << 20);
}

TEST(RunPlan, CancellingLeavesTheOldFile) {
  for (const bool threaded : {false, true}) {
    std::mt19937 random(8);
    const PlanBuilder builder = random_plan(random, 100000);
    MemoryFileSystem files;
    files.put("/models/a.pt", "old");
    std::stop_source stop;
    stop.request_stop();
    io::RunOptions options = small_buffers(threaded, false);
    options.cancel = stop.get_token();
    try {
      io::run_plan(builder.plan, "/models/a.pt", options, files);
      ADD_FAILURE() << "nothing was cancelled";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::cancelled);
    }
    EXPECT_EQ(files.find("/models/a.pt")->bytes, "old");
    EXPECT_EQ(files.names.size(), 1U);
  }
}

TEST(RunPlan, AnExceptionOfTheProgressFunctionEndsTheSave) {
  PlanBuilder builder;
  builder.payload(std::string(std::size_t{20} << 20, 'a'));
  MemoryFileSystem files;
  io::RunOptions options;
  options.progress = [](const ProgressReport& report) {
    if (report.done > std::uint64_t{8} << 20) throw std::domain_error("enough");
  };
  EXPECT_THROW(io::run_plan(builder.plan, "/models/a.pt", options, files), std::domain_error);
  EXPECT_TRUE(files.names.empty());
}

// Bytes that are made when they are asked for: a file larger than memory may be.
class GeneratedSource final : public ByteSource {
 public:
  explicit GeneratedSource(std::uint64_t size) : size_(size) {}
  std::uint64_t size() const override { return size_; }
  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    std::memset(into.data(), static_cast<int>(offset >> 20 & 0xFF), into.size());
  }
  const std::string& name() const noexcept override { return name_; }

 private:
  std::uint64_t size_;
  std::string name_ = "generated";
};

struct GeneratedPayload : io::Payload {
  explicit GeneratedPayload(std::uint64_t size) : size_(size) {}
  SourcePtr open() const override { return std::make_shared<GeneratedSource>(size_); }

 private:
  std::uint64_t size_;
};

std::uint64_t anonymous_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::strtoull(line.c_str() + 8, nullptr, 10) << 10;
  }
  return 0;
}

struct MeasuringSink : ByteSink {
  void write(std::span<const std::byte> bytes) override {
    size += bytes.size();
    most = std::max(most, anonymous_memory());
  }
  std::uint64_t size = 0;
  std::uint64_t most = 0;
};

TEST(RunPlan, MemoryStaysSmallHoweverLargeThePlanIs) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer keeps notes of every byte that is touched";
#endif
  constexpr std::uint64_t kSize = std::uint64_t{512} << 20;
  io::WritePlan plan;
  for (int part = 0; part < 4; ++part)
    plan.add_checksum(plan.add_payload(std::make_shared<GeneratedPayload>(kSize / 4), kSize / 4));
  const std::uint64_t before = anonymous_memory();
  ASSERT_GT(before, 0U);
  MeasuringSink sink;
  io::run_plan(plan, sink, {});
  EXPECT_EQ(sink.size, kSize + 16);
  EXPECT_LT(sink.most - before, std::uint64_t{32} << 20);
}

}  // namespace
}  // namespace sconce::test
