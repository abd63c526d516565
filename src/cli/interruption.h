// Ctrl-C while something is written: the work is cancelled, so that no temporary file stays behind.
#pragma once

#include <csignal>
#include <stop_token>
#include <thread>

namespace sconce::cli {

/// While it lives, SIGINT, SIGTERM and SIGHUP ask a stop token instead of ending the process; a second signal ends it
/// at once. Made before any other thread, whose signal mask it sets.
class Interruption {
 public:
  Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  ~Interruption();

  [[nodiscard]] std::stop_token token() const noexcept { return stop_.get_token(); }

 private:
  void wait();

  sigset_t signals_{};
  sigset_t before_{};
  std::stop_source stop_;
  std::thread thread_;
};

}  // namespace sconce::cli
