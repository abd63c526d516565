#include "cli/interruption.h"

#include <pthread.h>
#include <unistd.h>

namespace sconce::cli {

namespace {
constexpr int kEnd = SIGUSR2;  // sent by the destructor to its own thread only
}

Interruption::Interruption() {
  sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, kEnd}) sigaddset(&signals_, signal);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  thread_ = std::thread([this] { wait(); });
}

Interruption::~Interruption() {
  pthread_kill(thread_.native_handle(), kEnd);
  thread_.join();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Interruption::wait() {
  for (;;) {
    int signal = 0;
    if (sigwait(&signals_, &signal) != 0 || signal == kEnd) return;
    if (stop_.stop_requested()) ::_exit(128 + signal);
    stop_.request_stop();
  }
}

}  // namespace sconce::cli
