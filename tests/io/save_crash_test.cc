// W10 to W13: a crash after any call of a save leaves the whole old file or the whole new one.
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "base/fail.h"
#include "io/crash_model.h"
#include "io/faulty_file_system.h"
#include "io/memory_file_system.h"
#include "io/plan_builder.h"
#include "io/run_plan.h"

namespace sconce::test {
namespace {

const std::string kTarget = "/models/model.pt";

struct Save {
  std::optional<std::string> old_bytes = "the old file, which nobody may lose";
  std::size_t size = 3000;  // bytes of the new one
  std::size_t longest_write = 700;
  bool overwrite = true;
  bool durable = true;
  bool direct = false;
  bool can_reserve = true;
  bool syncs_files = true;
  bool syncs_folders = true;
  std::vector<Fault> faults;
};

struct Journal {
  MemoryFileSystem start;
  std::vector<Operation> operations;
  std::vector<std::string> calls;
  std::string new_bytes;
  bool succeeded = true;
};

Journal run(const Save& save) {
  std::mt19937 random(7);
  PlanBuilder builder = random_plan(random, save.size);
  Journal journal;
  journal.new_bytes = builder.expected;
  if (save.old_bytes) journal.start.put(kTarget, *save.old_bytes);

  MemoryFileSystem files = journal.start;
  files.longest_write = save.longest_write;
  files.can_reserve = save.can_reserve;
  files.syncs_files = save.syncs_files;
  files.syncs_folders = save.syncs_folders;
  FaultyFileSystem faulty(files, save.faults);
  io::RunOptions options;
  options.overwrite = save.overwrite;
  options.durable = save.durable;
  options.tuning = {4096, UINT64_MAX, save.direct ? 0 : UINT64_MAX};
  try {
    io::run_plan(builder.plan, kTarget, options, faulty);
  } catch (const Error&) {
    journal.succeeded = false;
  }
  journal.operations = files.journal;
  journal.calls = faulty.calls;
  return journal;
}

// Counts for a crash before the first operation, after the first, and so on to after the last.
std::vector<CrashCount> crashes(const Save& save, const Journal& journal, std::size_t sector) {
  CrashModel model(journal.start, sector);
  std::vector<CrashCount> counts = {model.count(kTarget, save.old_bytes, journal.new_bytes)};
  for (const Operation& operation : journal.operations) {
    model.apply(operation);
    counts.push_back(model.count(kTarget, save.old_bytes, journal.new_bytes));
  }
  return counts;
}

CrashCount sum(const std::vector<CrashCount>& counts) {
  CrashCount sum;
  for (const CrashCount& count : counts) {
    sum.old_file += count.old_file;
    sum.new_file += count.new_file;
    sum.torn += count.torn;
  }
  return sum;
}

void expect_old_or_new(const Save& save) {
  const Journal journal = run(save);
  for (const std::size_t sector : {std::size_t{512}, std::size_t{4096}}) {
    const std::vector<CrashCount> counts = crashes(save, journal, sector);
    EXPECT_EQ(sum(counts).torn, 0U) << "sectors of " << sector;
    EXPECT_EQ(counts.front().new_file, 0U);
    if (journal.succeeded) {
      EXPECT_EQ(counts.back().old_file, 0U) << "a save that said yes was lost";
    }
  }
}

TEST(SaveCrash, ReplacedFileIsOldOrNew) { expect_old_or_new({}); }

TEST(SaveCrash, NewFileIsAbsentOrWhole) { expect_old_or_new({.old_bytes = std::nullopt}); }

TEST(SaveCrash, NewFileWithoutOverwriteIsAbsentOrWhole) {
  expect_old_or_new({.old_bytes = std::nullopt, .overwrite = false});
}

TEST(SaveCrash, WithoutReservation) { expect_old_or_new({.can_reserve = false}); }

TEST(SaveCrash, DirectWriting) { expect_old_or_new({.size = 10000, .longest_write = 4096, .direct = true}); }

TEST(SaveCrash, ManyShortWrites) { expect_old_or_new({.size = 2000, .longest_write = 60}); }

TEST(SaveCrash, EmptyFile) { expect_old_or_new({.size = 0}); }

// The save fails at one call, cleans up, and the system crashes anywhere in between.
TEST(SaveCrash, AfterAnyFailedCall) {
  const std::size_t calls = run({}).calls.size();
  for (std::size_t call = 0; call < calls; ++call) {
    for (const int error : {EIO, ENOSPC, EINTR}) {
      SCOPED_TRACE(std::to_string(call) + ": " + run({}).calls[call] + " fails with " + std::to_string(error));
      expect_old_or_new({.faults = {{call, error}}});
    }
  }
}

// What the harness is worth: it must see what goes wrong where a step is left out.
TEST(SaveCrash, HarnessSeesAMissingFileSync) {
  for (const bool can_reserve : {true, false}) {
    const Save save = {.can_reserve = can_reserve, .syncs_files = false};
    const Journal journal = run(save);
    ASSERT_TRUE(journal.succeeded);
    for (const std::size_t sector : {std::size_t{512}, std::size_t{4096}})
      EXPECT_GT(sum(crashes(save, journal, sector)).torn, 50U) << "sectors of " << sector;
  }
}

TEST(SaveCrash, HarnessSeesAMissingFolderSync) {
  const Save save = {.syncs_folders = false};
  const Journal journal = run(save);
  ASSERT_TRUE(journal.succeeded);
  const std::vector<CrashCount> counts = crashes(save, journal, 512);
  EXPECT_GT(counts.back().old_file, 0U);
  EXPECT_EQ(sum(counts).torn, 0U);
}

TEST(SaveCrash, HarnessSeesWritingInPlace) {
  const Save save;
  Journal journal = run(save);
  // What torch.save does: the target itself is cut to nothing and written.
  journal.operations = {{.kind = Operation::Kind::resize, .inode = 0, .offset = 0},
                        {.kind = Operation::Kind::write, .inode = 0, .bytes = journal.new_bytes},
                        {.kind = Operation::Kind::sync_file, .inode = 0}};
  EXPECT_GT(sum(crashes(save, journal, 512)).torn, 0U);
}

// What RunOptions::durable = false gives up, and what it keeps: nothing that a program can see without a crash.
TEST(SaveCrash, WithoutDurabilityOnlyACrashOfTheSystemTears) {
  const Save save = {.durable = false};
  const Journal journal = run(save);
  ASSERT_TRUE(journal.succeeded);
  EXPECT_GT(sum(crashes(save, journal, 512)).torn, 0U);
  for (const Operation& operation : journal.operations) {
    EXPECT_NE(operation.kind, Operation::Kind::sync_file);
    EXPECT_NE(operation.kind, Operation::Kind::sync_folder);
  }
}

}  // namespace
}  // namespace sconce::test
