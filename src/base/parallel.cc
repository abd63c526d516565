#include "base/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/cpu_quota.h"

namespace sconce {
namespace {

constexpr std::size_t kTick = SIZE_MAX - 1;  // where an exception of the tick stands among those of pieces

/// The pieces that are left, and how it ended.
class Crew {
 public:
  Crew(std::size_t jobs, const JobFunction& job, const TickFunction& tick) : jobs_(jobs), job_(job), tick_(tick) {}

  void run(unsigned workers) {
    std::vector<std::thread> threads;
    threads.reserve(workers - 1);
    for (unsigned worker = 1; worker < workers; ++worker) {
      try {
        ++running_;
        threads.emplace_back([this, worker] { work(worker); });
      } catch (const std::system_error&) {  // no more threads to be had: those that there are do it
        --running_;
        break;
      }
    }
    lead();
    for (std::thread& thread : threads) thread.join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void work(unsigned worker) noexcept {
    take_all(worker, [] {});
    const std::lock_guard lock(mutex_);
    --running_;
    ended_.notify_one();
  }

  /// The caller's thread: works as the others do, then waits for them.
  void lead() noexcept {
    take_all(0, [this] { guarded(kTick, tick_); });
    std::unique_lock lock(mutex_);
    while (running_ != 0) {
      ended_.wait_for(lock, std::chrono::milliseconds(20));
      lock.unlock();
      if (!stopped_) guarded(kTick, tick_);
      lock.lock();
    }
    lock.unlock();
    if (!stopped_) guarded(kTick, tick_);
  }

  template <typename After>
  void take_all(unsigned worker, After&& after) noexcept {
    while (!stopped_) {
      const std::size_t at = next_.fetch_add(1);
      if (at >= jobs_) return;
      guarded(at, [&] { job_(at, worker); });
      if (!stopped_) after();
    }
  }

  template <typename Body>
  void guarded(std::size_t at, Body&& body) noexcept {
    try {
      body();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      if (!failure_ || at < failed_) {
        failure_ = std::current_exception();
        failed_ = at;
      }
    }
  }

  std::size_t jobs_;
  const JobFunction& job_;
  const TickFunction& tick_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::atomic<unsigned> running_ = 0;  // threads beside the caller's; lowered with the lock held
  std::exception_ptr failure_;
  std::size_t failed_ = 0;
};

}  // namespace

namespace {

unsigned allowed_processors() noexcept {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    if (const int count = CPU_COUNT(&allowed); count > 0) return static_cast<unsigned>(count);
  }
  return std::max(1U, std::thread::hardware_concurrency());  // more processors than the set has room for
}

/// Looked for once: several files have to be read for it.
unsigned quota_of_process() noexcept {
  static const unsigned quota = [] {
    try {
      return cpu_quota().value_or(UINT_MAX);
    } catch (const std::exception&) {  // no memory for a path
      return UINT_MAX;
    }
  }();
  return quota;
}

}  // namespace

unsigned available_threads() noexcept { return std::min(allowed_processors(), quota_of_process()); }

unsigned workers_for(std::size_t jobs, unsigned threads) noexcept {
  const std::size_t most = threads != 0 ? threads : available_threads();
  return static_cast<unsigned>(std::clamp<std::size_t>(jobs, 1, most));
}

void run_parallel(std::size_t jobs, unsigned threads, const JobFunction& job, const TickFunction& tick) {
  Crew(jobs, job, tick).run(workers_for(jobs, threads));
}

}  // namespace sconce
