#include "io/pump.h"

#include <array>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/memory_block.h"

namespace sconce::io {
namespace {

// A ring of buffers between the thread that fills and the one that writes. Each is touched by one thread at a time.
class Ring {
 public:
  explicit Ring(std::size_t buffer_size) : buffer_size_(buffer_size), memory_(buffer_size * kBuffers) {}

  // The filling thread: until the last byte, a failure, or stop().
  void fill_all(const FillFunction& fill) noexcept {
    try {
      while (const auto buffer = next_empty()) {
        const std::size_t size = fill(*buffer);
        publish(size);
        if (size < buffer_size_) return;
      }
    } catch (...) {
      fail(std::current_exception());
    }
  }

  // The writing thread: the next filled buffer. Throws what the other thread threw.
  std::span<const std::byte> next_filled() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return filled_ > written_ || failure_; });
    if (filled_ == written_) std::rethrow_exception(failure_);
    return {slot(written_), sizes_[written_ % kBuffers]};
  }

  void release() {
    const std::lock_guard lock(mutex_);
    ++written_;
    changed_.notify_all();
  }

  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

 private:
  std::optional<std::span<std::byte>> next_empty() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return filled_ - written_ < kBuffers || stopped_; });
    if (stopped_) return std::nullopt;
    return std::span(slot(filled_), buffer_size_);
  }

  void publish(std::size_t size) {
    const std::lock_guard lock(mutex_);
    sizes_[filled_ % kBuffers] = size;
    ++filled_;
    changed_.notify_all();
  }

  void fail(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
    changed_.notify_all();
  }

  [[nodiscard]] std::byte* slot(std::uint64_t number) const noexcept {
    return memory_.bytes().data() + number % kBuffers * buffer_size_;
  }

  const std::size_t buffer_size_;
  const MemoryBlock memory_;
  std::mutex mutex_;  // over everything below
  std::condition_variable changed_;
  std::array<std::size_t, kBuffers> sizes_{};
  std::uint64_t filled_ = 0;   // buffers that were filled so far
  std::uint64_t written_ = 0;  // buffers that were written so far
  bool stopped_ = false;
  std::exception_ptr failure_;
};

// Ends the filling thread before the ring goes away, also when writing throws.
class FillingThread {
 public:
  FillingThread(Ring& ring, const FillFunction& fill) : ring_(ring), thread_([&ring, &fill] { ring.fill_all(fill); }) {}
  FillingThread(const FillingThread&) = delete;
  FillingThread& operator=(const FillingThread&) = delete;
  ~FillingThread() {
    ring_.stop();
    thread_.join();
  }

 private:
  Ring& ring_;
  std::thread thread_;
};

}  // namespace

void pump(const FillFunction& fill, ByteSink& sink, const DoneFunction& done, std::size_t buffer_size) {
  const MemoryBlock memory(buffer_size);
  const std::span<std::byte> buffer = memory.bytes().first(buffer_size);
  for (;;) {
    const std::size_t size = fill(buffer);
    if (size != 0) sink.write(buffer.first(size));
    done(size);
    if (size < buffer_size) return;
  }
}

void pump_threaded(const FillFunction& fill, ByteSink& sink, const DoneFunction& done, std::size_t buffer_size) {
  Ring ring(buffer_size);
  std::optional<FillingThread> thread;
  try {
    thread.emplace(ring, fill);
  } catch (const std::system_error&) {  // a limit on threads: slower, but no reason to fail
    return pump(fill, sink, done, buffer_size);
  }
  for (;;) {
    const std::span<const std::byte> filled = ring.next_filled();
    if (!filled.empty()) sink.write(filled);
    done(filled.size());
    if (filled.size() < buffer_size) return;
    ring.release();
  }
}

}  // namespace sconce::io
