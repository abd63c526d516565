// save_async(): what is saved is what was there when it was called, and nobody waits for the disk.
#include <sconce/save.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "io/temporary_folder.h"
#include "model/model_builder.h"

namespace sconce {
namespace {

using test::checkpoint;
using test::error_of;
using test::floats;
using test::is_error;
using test::read_file;
using test::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// What is tested here is not the disk, which others may keep busy.
SaveOptions in_cache() {
  SaveOptions options;
  options.durable = false;
  return options;
}

/// Stops the writing thread at its first report, until it is opened.
class Gate {
 public:
  ProgressFunction function() {
    return [this](const ProgressReport& report) {
      if (report.stage != "write") return;
      std::unique_lock lock(mutex_);
      reached_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return open_; });
    };
  }
  void wait_until_reached() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return reached_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool reached_ = false;
  bool open_ = false;
};

/// A model whose tensors lie in memory that goes on being trained.
struct Training {
  std::vector<float> weight = std::vector<float>(std::size_t{3} << 20, 1.5F);
  std::vector<float> bias = std::vector<float>(10, 2.5F);
  Checkpoint checkpoint;

  Training() {
    checkpoint["weight"] = Tensor::view(std::span<const float>(weight), {3, 1 << 20});
    checkpoint["bias"] = Tensor::view(std::span<const float>(bias), {10});
    checkpoint["epoch"] = 7;
  }
  void step() {
    std::fill(weight.begin(), weight.end(), -1.0F);
    std::fill(bias.begin(), bias.end(), -1.0F);
    checkpoint["epoch"] = 8;
    checkpoint["late"] = floats({1});
  }
};

TEST(SaveAsyncConcurrent, TheCallerMayChangeItsMemoryAndItsTreeAtOnce) {
  for (const char* format : {"pytorch-zip", "pytorch-legacy", "safetensors"}) {
    const TemporaryFolder folder;
    Training training;
    SaveOptions options = in_cache();
    options.format = format;
    const SaveReport expected = save(training.checkpoint, folder / "expected", options);
    Gate gate;
    options.progress = gate.function();
    SaveHandle handle = save_async(training.checkpoint, folder / "model", options);
    gate.wait_until_reached();
    EXPECT_FALSE(handle.done());
    training.step();
    gate.open();
    const SaveReport report = handle.wait();
    EXPECT_TRUE(handle.done());
    EXPECT_EQ(report.format, format);
    EXPECT_EQ(report.bytes, expected.bytes);
    EXPECT_TRUE(read_file(folder / "model") == read_file(folder / "expected")) << format;
    EXPECT_EQ(handle.wait().bytes, expected.bytes) << "asking again gives the same";
    EXPECT_EQ(handle.progress().done, expected.bytes);
    EXPECT_EQ(handle.progress().total, expected.bytes);
  }
}

TEST(SaveAsyncConcurrent, BytesOfFilesAreNotCopied) {
  const TemporaryFolder folder;
  save(Training().checkpoint, folder / "model.pt", in_cache());
  const std::string before = read_file(folder / "model.pt");
  const SnapshotPool pool;
  // Also onto the file itself, which the tensors still hold when it has lost its name.
  save_async(load(folder / "model.pt"), folder / "model.pt", in_cache(), pool).wait();
  EXPECT_EQ(pool.idle_bytes(), 0U);
  EXPECT_TRUE(read_file(folder / "model.pt") == before);
}

TEST(SaveAsyncConcurrent, TheMemoryOfASnapshotServesTheNext) {
  const TemporaryFolder folder;
  Training training;
  const SnapshotPool pool;
  save_async(training.checkpoint, folder / "1.pt", in_cache(), pool).wait();
  const std::uint64_t kept = pool.idle_bytes();
  EXPECT_GE(kept, std::uint64_t{12} << 20);
  save_async(training.checkpoint, folder / "2.pt", in_cache(), pool).wait();
  EXPECT_EQ(pool.idle_bytes(), kept);
  SnapshotPool same = pool;
  same.trim();
  EXPECT_EQ(pool.idle_bytes(), 0U);
}

TEST(SaveAsyncConcurrent, SeveralMayBeUnderWay) {
  const TemporaryFolder folder;
  Training training;
  const SnapshotPool pool;
  std::vector<SaveHandle> handles;
  std::vector<std::string> names;
  for (int number = 0; number < 4; ++number) {
    training.bias[0] = static_cast<float>(number);
    names.push_back(std::to_string(number) + ".pt");
    handles.push_back(save_async(training.checkpoint, folder / names.back(), in_cache(), pool));
  }
  for (SaveHandle& handle : handles) (void)handle.wait();
  EXPECT_EQ(folder.names(), names);
  for (int number = 0; number < 4; ++number)
    EXPECT_EQ(load(folder / names[static_cast<std::size_t>(number)]).tensor("bias").to_vector<float>()[0],
              static_cast<float>(number));
}

TEST(SaveAsyncConcurrent, CancellingLeavesTheOldFileAndNothingElse) {
  const TemporaryFolder folder;
  test::write_file(folder / "model.pt", "old");
  Training training;
  std::stop_source stop;
  for (const bool by_handle : {true, false}) {
    Gate gate;
    SaveOptions options = in_cache();
    options.progress = gate.function();
    options.cancel = stop.get_token();
    SaveHandle handle = save_async(training.checkpoint, folder / "model.pt", options);
    gate.wait_until_reached();
    if (by_handle) {
      handle.cancel();
    } else {
      stop.request_stop();
    }
    gate.open();
    EXPECT_THAT(error_of([&] { (void)handle.wait(); }), is_error(ErrorCode::cancelled, "cancelled"));
    EXPECT_TRUE(handle.done());
    EXPECT_THAT(folder.names(), ElementsAre("model.pt"));
    EXPECT_EQ(read_file(folder / "model.pt"), "old");
  }
}

TEST(SaveAsync, ErrorsOfWritingComeOutOfWait) {
  const TemporaryFolder folder;
  SaveHandle handle = save_async(checkpoint({{"a", floats({1})}}), folder / "missing/model.pt");
  for (int times = 0; times < 2; ++times)
    EXPECT_THAT(error_of([&] { (void)handle.wait(); }), is_error(ErrorCode::io, "missing/model.pt"));

  test::write_file(folder / "model.pt", "old");
  SaveOptions options;
  options.overwrite = false;
  SaveHandle second = save_async(checkpoint({{"a", floats({1})}}), folder / "model.pt", options);
  EXPECT_THAT(error_of([&] { (void)second.wait(); }), is_error(ErrorCode::exists, "model.pt"));
}

TEST(SaveAsync, WhatCannotBeWrittenIsRefusedAtOnce) {
  const TemporaryFolder folder;
  SaveOptions options;
  options.format = "gguf";
  EXPECT_THAT(error_of([&] { (void)save_async(checkpoint({}), folder / "model.pt", options); }),
              is_error(ErrorCode::invalid_argument, "gguf"));
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(SaveAsyncConcurrent, TheDestructorAndAssignmentWait) {
  const TemporaryFolder folder;
  Training training;
  {
    SaveHandle handle = save_async(training.checkpoint, folder / "1.pt", in_cache());
    handle = save_async(training.checkpoint, folder / "2.pt", in_cache());
    EXPECT_EQ(read_file(folder / "1.pt").substr(0, 2), "PK");
  }
  EXPECT_EQ(read_file(folder / "2.pt").substr(0, 2), "PK");

  SaveHandle moved = save_async(training.checkpoint, folder / "3.pt", in_cache());
  SaveHandle handle = std::move(moved);
  EXPECT_GT(handle.wait().bytes, 0U);
}

TEST(SaveAsync, ARelativePathMeansTheFolderOfNow) {
  const TemporaryFolder folder;
  const std::string before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  SaveHandle handle = save_async(checkpoint({{"a", floats({1})}}), "model.pt", in_cache());
  std::filesystem::current_path(before);
  (void)handle.wait();
  EXPECT_THAT(folder.names(), ElementsAre("model.pt"));
}

#if !defined(__SANITIZE_THREAD__)  // ThreadSanitizer refuses to fork while there are threads
TEST(SaveAsync, AChildOfAForkNeitherWaitsNorWrites) {
  const TemporaryFolder folder;
  Training training;
  Gate gate;
  SaveOptions options = in_cache();
  options.progress = gate.function();
  SaveHandle handle = save_async(training.checkpoint, folder / "model.pt", options);
  gate.wait_until_reached();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    bool refused = false;
    {
      SaveHandle mine = std::move(handle);
      mine.cancel();
      try {
        (void)mine.wait();
      } catch (const Error& error) {
        refused = error.code() == ErrorCode::invalid_argument && !mine.done();
      }
    }
    ::_exit(refused ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_THAT(folder.names(), testing::SizeIs(1)) << "the parent's temporary file";
  gate.open();
  EXPECT_GT(handle.wait().bytes, 0U);
  EXPECT_THAT(folder.names(), ElementsAre("model.pt"));
}
#endif

}  // namespace
}  // namespace sconce
