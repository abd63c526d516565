// Saving behind the caller's back: a plan that holds nothing of the caller's, and a thread that runs it.
#include <sconce/save.h>

#include <unistd.h>

#include <atomic>
#include <exception>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "base/fail.h"
#include "io/run_plan.h"
#include "io/snapshot.h"
#include "model/make_plan.h"
#include "model/run_options.h"

namespace sconce {
inline namespace v0 {

struct SnapshotPool::State {
  io::SnapshotMemory memory;
};

SnapshotPool::SnapshotPool() : state_(std::make_shared<State>()) {}
std::uint64_t SnapshotPool::idle_bytes() const noexcept { return state_->memory.idle_bytes(); }
void SnapshotPool::trim() noexcept { state_->memory.trim(); }

struct SaveHandle::State {
  // Set before the thread begins.
  const pid_t owner = ::getpid();
  io::WritePlan plan;
  std::string path;
  SaveOptions options;
  std::stop_source stop;

  // The thread's, until `finished`.
  SaveReport report;
  std::exception_ptr failure;

  // What others may look at, also in a child of a fork, where locks could be held by threads that are not there.
  std::atomic<std::uint64_t> written = 0;
  std::atomic<std::uint64_t> total = 0;
  std::atomic<bool> finished = false;

  std::thread thread;

  [[nodiscard]] bool is_ours() const noexcept { return owner == ::getpid(); }

  void begin() {
    try {
      thread = std::thread([this] { run(); });
    } catch (const std::system_error&) {  // a limit on threads: the caller waits, which is no reason to fail
      run();
    }
  }

  void run() noexcept {
    try {
      write();
    } catch (...) {
      failure = std::current_exception();
    }
    plan = {};  // the memory of the snapshot is the pool's again before anybody hears of the end
    finished = true;
  }

 private:
  void write() {
    const std::stop_callback caller_stops(options.cancel, [this] { stop.request_stop(); });
    io::RunOptions run = model::run_options(options);
    run.cancel = stop.get_token();
    run.progress = [this](const ProgressReport& progress) {
      total = progress.total;
      written = progress.done;
      if (options.progress) options.progress(progress);
    };
    io::run_plan(plan, path, run);
  }
};

SaveHandle::SaveHandle(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
SaveHandle::SaveHandle(SaveHandle&& other) noexcept = default;

SaveHandle& SaveHandle::operator=(SaveHandle&& other) noexcept {
  SaveHandle old(std::move(*this));
  state_ = std::move(other.state_);
  return *this;
}

SaveHandle::~SaveHandle() {
  if (!state_) return;
  if (!state_->is_ours()) {
    // The thread did not come along, and what it was doing stands half done: nothing of it can be taken apart.
    static_cast<void>(state_.release());
  } else if (state_->thread.joinable()) {
    state_->thread.join();
  }
}

SaveReport SaveHandle::wait() {
  if (!state_) fail(ErrorCode::invalid_argument, "there is no save to wait for: the handle was moved from");
  if (!state_->is_ours())
    fail(ErrorCode::invalid_argument, "the save was begun before the fork, and goes on in the parent", {},
         "wait for it there, or save again here");
  if (state_->thread.joinable()) state_->thread.join();
  if (state_->failure) std::rethrow_exception(state_->failure);
  return state_->report;
}

void SaveHandle::cancel() noexcept {
  if (state_ && state_->is_ours()) state_->stop.request_stop();
}

bool SaveHandle::done() const noexcept { return !state_ || state_->finished; }

ProgressReport SaveHandle::progress() const noexcept {
  if (!state_) return {"write", 0, 0};
  return {"write", state_->written, state_->total};
}

SaveHandle save_async(const Checkpoint& checkpoint, const std::string& path, const SaveOptions& options,
                      const SnapshotPool& pool) {
  auto state = std::make_unique<SaveHandle::State>();
  // The working directory may be another one by the time that the file is opened.
  state->path = std::filesystem::absolute(path).string();
  state->options = options;
  state->plan = model::make_plan(checkpoint, model::format_of(options, path), options, state->report);
  state->total = state->plan.size();
  io::take_snapshot(state->plan, pool.state()->memory,
                    {.ignore_checksums = options.ignore_checksums,
                     .threads = options.threads,
                     .progress = options.progress,
                     .cancel = options.cancel});
  state->begin();
  return SaveHandle(std::move(state));
}

}  // namespace v0
}  // namespace sconce
