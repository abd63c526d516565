// How tests rule the fake driver; and what it knows.
#include "control.h"

#include "state.h"

namespace fake_cuda {

Driver& driver() {
  static Driver* const one = new Driver;  // lives as long as the process, as a driver does
  return *one;
}
std::vector<Context*>& stack() {
  static thread_local std::vector<Context*> contexts;
  return contexts;
}

namespace {

void reset(int devices, std::uint64_t memory, bool asynchronous) {
  Driver& d = driver();
  const std::lock_guard lock(d.mutex);
  d.devices = devices;
  d.memory = memory;
  d.asynchronous = asynchronous;
  d.init_code = 0;
  d.fail_name.clear();
  d.fail_in = 0;
  d.lose_in = -1;
  d.failed.clear();
  d.calls.clear();
}
void init_code(int code) { driver().init_code = code; }
void fail(const char* function, int n, int code) {
  const std::lock_guard lock(driver().mutex);
  driver().fail_name = function != nullptr ? function : "";
  driver().fail_in = n;
  driver().fail_code = code;
  driver().failed.clear();
}
void lose_after(int calls) {
  const std::lock_guard lock(driver().mutex);
  driver().lose_in = calls;
}
const char* failed() {
  const std::lock_guard lock(driver().mutex);
  return driver().failed.empty() ? nullptr : driver().failed.c_str();
}
long live(int thing) {
  Driver& d = driver();
  const std::lock_guard lock(d.mutex);
  switch (thing) {
    case kBlocks: return static_cast<long>(d.blocks.size());
    case kPinned: return static_cast<long>(d.pinned.size());
    case kStreams: return static_cast<long>(d.streams.size());
    case kEvents: return static_cast<long>(d.events.size());
    case kModules: return static_cast<long>(d.modules.size());
    case kStack: return static_cast<long>(stack().size());
    case kContexts: break;
    default: return -1;
  }
  long sum = 0;
  for (const auto& [device, count] : d.retained) sum += count;
  return sum;
}
long calls(const char* function) {
  const std::lock_guard lock(driver().mutex);
  const auto known = driver().calls.find(function);
  return known != driver().calls.end() ? known->second : 0;
}

}  // namespace
}  // namespace fake_cuda

extern "C" __attribute__((visibility("default"))) const fake_cuda::Control* fake_cuda_control() {
  using namespace fake_cuda;  // NOLINT
  static const Control control = {reset, init_code, fail, lose_after, failed, live, calls};
  return &control;
}
