// Progress and cancellation of long operations.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string_view>

#include <sconce/options.h>

#include "base/fail.h"

namespace sconce {

/// Counts bytes, reports now and then, and throws where the caller wants to stop. Used by one thread at a time.
class WorkMeter {
 public:
  WorkMeter(const ProgressFunction& progress, std::stop_token cancel, std::string_view stage, std::uint64_t total)
      : progress_(progress), cancel_(std::move(cancel)), stage_(stage), total_(total) {}

  /// `bytes` more are done. Errors: `cancelled`, and what the progress function throws.
  void advance(std::uint64_t bytes) {
    done_ += bytes;
    if (cancel_.stop_requested()) fail(ErrorCode::cancelled, "cancelled");
    if (progress_ && (done_ - reported_ >= kStep || done_ == total_)) {
      reported_ = done_;
      progress_({stage_, done_, total_});
    }
  }

 private:
  static constexpr std::uint64_t kStep = std::uint64_t{4} << 20;
  const ProgressFunction& progress_;
  std::stop_token cancel_;
  std::string_view stage_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  std::uint64_t reported_ = 0;
};

}  // namespace sconce
