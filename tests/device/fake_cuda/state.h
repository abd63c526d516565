// What the fake driver knows: its devices, and all that it gave out. Its functions are in driver.cc.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "ptx.h"

namespace fake_cuda {

using Status = int;
using Address = std::uint64_t;
constexpr Status kInvalidValue = 1, kOutOfMemory = 2, kNoDevice = 100, kInvalidDevice = 101, kInvalidContext = 201,
                 kInvalidPtx = 218, kInvalidHandle = 400, kNotFound = 500, kIllegalAddress = 700;

/// What an event waits for.
struct Done {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  void set() {
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return done; });
  }
};

struct Stream {
  explicit Stream(bool asynchronous) {
    if (asynchronous) worker = std::thread([this] { run(); });
  }
  ~Stream() {
    if (!worker.joinable()) return;
    {
      const std::lock_guard lock(mutex);
      ending = true;
    }
    changed.notify_all();
    worker.join();
  }
  void push(std::function<void()> task) {
    if (!worker.joinable()) return task();
    const std::lock_guard lock(mutex);
    tasks.push_back(std::move(task));
    changed.notify_all();
  }
  void synchronize() {
    auto done = std::make_shared<Done>();
    push([done] { done->set(); });
    done->wait();
  }
  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return ending || !tasks.empty(); });
      if (tasks.empty()) return;
      const auto task = std::move(tasks.front());
      tasks.pop_front();
      lock.unlock();
      std::this_thread::sleep_for(std::chrono::microseconds(20));  // whoever does not wait reads too early
      task();
      lock.lock();
    }
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> tasks;
  bool ending = false;
  std::thread worker;
};

struct Event {
  std::mutex mutex;
  std::shared_ptr<Done> done;
};

struct Context {
  int device;
};

struct Module {
  std::map<std::string, Kernel> kernels;
};

struct Block {
  std::size_t size;
  int device;
};

struct Driver {
  std::mutex mutex;
  int devices = 1;
  std::uint64_t memory = std::uint64_t{256} << 20;
  bool asynchronous = false;
  Status init_code = 0;
  std::string fail_name;
  int fail_in = 0;
  Status fail_code = 0;
  int lose_in = -1;
  std::string failed;
  std::map<std::string, long> calls;
  std::map<Address, Block> blocks;
  std::map<void*, std::size_t> pinned;
  std::map<Stream*, std::shared_ptr<Stream>> streams;
  std::set<Event*> events;
  std::set<Module*> modules;
  std::map<int, int> retained;
  Context contexts[8] = {{0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}};
  std::shared_ptr<Stream> legacy = std::make_shared<Stream>(false);

  /// Counts the call; what fail() and lose_after() say of it.
  Status enter(const char* name) {
    const std::lock_guard lock(mutex);
    ++calls[name];
    if (lose_in == 0) return kIllegalAddress;
    if (lose_in > 0) --lose_in;
    if (fail_in == 0 || (!fail_name.empty() && fail_name != name) || --fail_in != 0) return 0;
    failed = name;
    return fail_code;
  }
  std::shared_ptr<Stream> stream(void* handle) {
    const std::lock_guard lock(mutex);
    if (handle == nullptr || handle == reinterpret_cast<void*>(1)) return legacy;
    const auto known = streams.find(static_cast<Stream*>(handle));
    return known != streams.end() ? known->second : nullptr;
  }
  bool owns(Address address, std::size_t size) {
    const std::lock_guard lock(mutex);
    auto after = blocks.upper_bound(address);
    if (after == blocks.begin()) return false;
    const auto& [begin, block] = *std::prev(after);
    return address - begin <= block.size && size <= block.size - (address - begin);
  }
  std::uint64_t used(int device) const {
    std::uint64_t bytes = 0;
    for (const auto& [address, block] : blocks) bytes += block.device == device ? block.size : 0;
    return bytes;
  }
  void synchronize_all() {
    std::vector<std::shared_ptr<Stream>> all;
    {
      const std::lock_guard lock(mutex);
      for (const auto& [handle, held] : streams) all.push_back(held);
    }
    for (const auto& held : all) held->synchronize();
  }
};

/// The one of this process.
Driver& driver();
/// The contexts that the calling thread made current.
std::vector<Context*>& stack();

}  // namespace fake_cuda
