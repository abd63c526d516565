// Progress and cancellation of a load that several threads do.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/work.h"
#include "transfer/region.h"

namespace sconce::transfer {

/// Counts what is done. add() and check() may be called from any thread, tick() from the caller's only.
class Work {
 public:
  Work(const EngineOptions& options, std::uint64_t total)
      : cancel_(options.cancel), meter_(options.progress, options.cancel, "load", total) {}

  /// Errors: `cancelled`.
  void check() const {
    if (cancel_.stop_requested()) fail(ErrorCode::cancelled, "cancelled");
  }
  void add(std::uint64_t bytes) {
    done_.fetch_add(bytes, std::memory_order_relaxed);
    check();
  }
  /// Errors: `cancelled`, and what the progress function throws.
  void tick() {
    const std::uint64_t done = done_.load(std::memory_order_relaxed);
    meter_.advance(done - told_);
    told_ = done;
  }

 private:
  std::stop_token cancel_;
  WorkMeter meter_;
  std::atomic<std::uint64_t> done_ = 0;
  std::uint64_t told_ = 0;
};

/// Adds the seconds of its life to a number.
class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) noexcept : seconds_(seconds) {}
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  ~Stopwatch() { seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count(); }

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// Runs `body`; an Error that leaves it learns which region it is about.
template <typename Body>
decltype(auto) explained(const Region& region, Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (Error& error) {
    if (region.explain) region.explain(error);
    throw;
  }
}

}  // namespace sconce::transfer
