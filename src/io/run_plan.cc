#include "io/run_plan.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "base/checked.h"
#include "base/work.h"
#include "io/plan_stream.h"
#include "io/pump.h"
#include "io/target.h"

namespace sconce::io {
namespace {

// A check whose result would not be looked at is not read.
bool is_needed(const WritePlan::Check& check, const RunOptions& options) {
  return !options.ignore_checksums && check.payload->expected_crc32().value_or(0) != 0;
}

std::uint64_t bytes_to_read(const WritePlan& plan, const RunOptions& options) {
  std::uint64_t total = plan.size();
  for (const WritePlan::Check& check : plan.checks()) {
    if (is_needed(check, options)) total = checked_add(total, check.size).value_or(UINT64_MAX);
  }
  return total;
}

// Before anything is written: where one fails, no time goes into writing.
void run_checks(const WritePlan& plan, const RunOptions& options, WorkMeter& meter) {
  std::vector<std::byte> window;
  for (const WritePlan::Check& check : plan.checks()) {
    if (!is_needed(check, options)) continue;
    window.resize(options.tuning.buffer);
    PayloadReader reader(*check.payload, check.size);
    for (std::uint64_t left = check.size; left != 0;) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left, window.size()));
      reader.read(std::span(window).first(size));
      left -= size;
      meter.advance(size);
    }
    static_cast<void>(reader.finish(false));
  }
}

void write_bytes(const WritePlan& plan, ByteSink& sink, const RunOptions& options, WorkMeter& meter) {
  PlanStream stream(plan, options.ignore_checksums);
  const FillFunction fill = [&stream](std::span<std::byte> into) { return stream.read(into); };
  const DoneFunction done = [&meter](std::size_t bytes) { meter.advance(bytes); };
  if (options.threads == 1 || plan.size() < options.tuning.thread_from) {
    const std::uint64_t needed =
        align_up(std::min<std::uint64_t>(plan.size(), options.tuning.buffer) + 1, kBufferAlignment);
    pump(fill, sink, done, static_cast<std::size_t>(std::min<std::uint64_t>(needed, options.tuning.buffer)));
  } else {
    pump_threaded(fill, sink, done, options.tuning.buffer);
  }
}

}  // namespace

void run_plan(const WritePlan& plan, const std::string& path, const RunOptions& options, FileSystem& files) {
  WorkMeter meter(options.progress, options.cancel, "write", bytes_to_read(plan, options));
  const bool direct = plan.size() >= options.tuning.direct_from;
  const auto target = open_target(files, path, plan.size(), {options.overwrite, options.durable, direct});
  run_checks(plan, options, meter);
  write_bytes(plan, *target, options, meter);
  target->commit();
}

void run_plan(const WritePlan& plan, ByteSink& sink, const RunOptions& options) {
  WorkMeter meter(options.progress, options.cancel, "write", bytes_to_read(plan, options));
  run_checks(plan, options, meter);
  write_bytes(plan, sink, options, meter);
}

}  // namespace sconce::io
