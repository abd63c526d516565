#include "io/snapshot.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "base/fail.h"
#include "base/parallel.h"
#include "base/work.h"
#include "io/payload_reader.h"

namespace sconce::io {
namespace {

constexpr std::uint64_t kAlignment = 64;
constexpr std::uint64_t kJob = std::uint64_t{4} << 20;  // bytes that a thread copies at a time

/// Bytes of the block, with what is known of where they came from.
class HeldPayload final : public Payload {
 public:
  HeldPayload(const Payload& from, std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
              std::string name)
      : source_(memory_source(bytes, std::move(owner), std::move(name))),
        crc32_(from.expected_crc32()),
        record_(from.record()),
        key_(from.key()) {}
  [[nodiscard]] SourcePtr open() const override { return source_; }
  [[nodiscard]] std::optional<std::uint32_t> expected_crc32() const override { return crc32_; }
  [[nodiscard]] std::string record() const override { return record_; }
  [[nodiscard]] std::string key() const override { return key_; }

 private:
  SourcePtr source_;
  std::optional<std::uint32_t> crc32_;
  std::string record_;
  std::string key_;
};

/// A payload that is to be copied, and where in the block it goes.
struct Part {
  std::shared_ptr<const Payload> payload;
  SourcePtr source;
  std::uint64_t begin;
  std::uint64_t size;
};

class Snapshot {
 public:
  explicit Snapshot(const SnapshotOptions& options) : options_(options) {}

  void run(WritePlan& plan, SnapshotMemory& memory) {
    find(plan);
    if (parts_.empty()) return;
    block_ = memory.take(size_);
    copy();
    exchange(plan);
  }

 private:
  void find(const WritePlan& plan) {
    for (const Segment& segment : plan.segments())
      if (segment.kind == Segment::Kind::payload) find(plan.payloads()[segment.payload], segment.size);
    for (const WritePlan::Check& check : plan.checks())
      if (is_compared(*check.payload)) find(check.payload, check.size);
  }

  void find(const std::shared_ptr<const Payload>& payload, std::uint64_t size) {
    if (payload->home() == Payload::Home::file) return;
    const auto end = checked_add(size_, size);
    if (!end || *end > std::numeric_limits<std::uint64_t>::max() / 2)
      fail(ErrorCode::memory, "the snapshot would be larger than any memory");
    parts_.push_back({payload, open_payload(*payload, size), size_, size});
    size_ = align_up(*end, kAlignment);
  }

  bool is_compared(const Payload& payload) const {
    return !options_.ignore_checksums && payload.expected_crc32().value_or(0) != 0;
  }

  /// Equal shares of the block, whatever lies in them: one huge tensor is copied by all threads, and a thousand small
  /// ones are one job.
  void copy() {
    WorkMeter meter(options_.progress, options_.cancel, "snapshot", size_);
    std::atomic<std::uint64_t> copied = 0;
    std::uint64_t told = 0;
    const auto tick = [&] {
      const std::uint64_t now = copied;
      meter.advance(now - std::exchange(told, now));
    };
    const auto job = [&](std::size_t number, unsigned) {
      const std::uint64_t begin = number * kJob;
      copy(begin, std::min(begin + kJob, size_));
      copied += std::min(kJob, size_ - begin);
    };
    run_parallel(static_cast<std::size_t>((size_ + kJob - 1) / kJob), options_.threads, job, tick);
  }

  void copy(std::uint64_t begin, std::uint64_t end) {
    auto part = std::upper_bound(parts_.begin(), parts_.end(), begin,
                                 [](std::uint64_t at, const Part& one) { return at < one.begin; });
    if (part != parts_.begin()) --part;
    for (; part != parts_.end() && part->begin < end; ++part) {
      const std::uint64_t from = std::max(begin, part->begin);
      const std::uint64_t to = std::min(end, part->begin + part->size);
      if (from >= to) continue;
      read_payload(*part->payload, *part->source, from - part->begin, std::span(block_.get() + from, to - from));
    }
  }

  void exchange(WritePlan& plan) {
    auto part = parts_.begin();  // the plan is walked in the order in which they were found
    plan.exchange_payloads([&](const std::shared_ptr<const Payload>& payload, std::uint64_t size) {
      if (part == parts_.end() || part->payload != payload) return payload;
      const std::span<const std::byte> bytes(block_.get() + part->begin, size);
      std::shared_ptr<const Payload> held =
          std::make_shared<HeldPayload>(*payload, bytes, block_, part->source->name());
      ++part;
      return held;
    });
  }

  const SnapshotOptions& options_;
  std::vector<Part> parts_;  // by begin
  std::uint64_t size_ = 0;
  std::shared_ptr<std::byte> block_;
};

}  // namespace

void take_snapshot(WritePlan& plan, SnapshotMemory& memory, const SnapshotOptions& options) {
  Snapshot(options).run(plan, memory);
}

}  // namespace sconce::io
