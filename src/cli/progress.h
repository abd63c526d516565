// A bar on standard error for whatever takes more than a second.
#pragma once

#include <sconce/options.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string_view>

namespace sconce::cli {

class Arguments;

/// Draws on a terminal only; takes its line away again when it ends. Thread rule: function() may be called from many
/// threads.
class ProgressBar {
 public:
  explicit ProgressBar(const Arguments& arguments);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar();

  /// For the options of the library; empty where nothing would be drawn. This object must outlive it.
  [[nodiscard]] ProgressFunction function();
  /// Takes the line away.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  void show(const ProgressReport& report);
  void draw(const ProgressReport& report, double seconds);

  bool wanted_;
  bool drawn_ = false;
  std::mutex mutex_;
  Clock::time_point begun_ = Clock::now();
  Clock::time_point last_{};
};

}  // namespace sconce::cli
