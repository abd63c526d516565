#include "io/write_plan.h"

#include <utility>

#include "base/checked.h"
#include "base/endian.h"
#include "base/fail.h"
#include "base/hash.h"

namespace sconce::io {

void WritePlan::grow(std::uint64_t bytes) {
  const auto grown = checked_add(size_, bytes);
  if (!grown) fail(ErrorCode::invalid_argument, "the file to write would be larger than 2^64 bytes");
  size_ = *grown;
}

ChecksumSlot WritePlan::new_slot(std::optional<std::uint32_t> known) {
  if (known_.size() >= kNoSlot) fail(ErrorCode::invalid_argument, "more than 2^32 - 1 records in one file");
  known_.push_back(known);
  return static_cast<ChecksumSlot>(known_.size() - 1);
}

void WritePlan::add_literal(std::string_view bytes) {
  if (bytes.empty()) return;
  grow(bytes.size());
  if (segments_.empty() || segments_.back().kind != Segment::Kind::literal) {
    Segment segment;
    segment.kind = Segment::Kind::literal;
    segment.offset = literals_.size();
    segments_.push_back(segment);
  }
  literals_ += bytes;
  segments_.back().size += bytes.size();
}

void WritePlan::add_checksum(ChecksumSlot slot) {
  if (slot >= known_.size()) fail(ErrorCode::invalid_argument, "a checksum of a payload that the plan has not yet");
  if (!known_[slot]) patches_.push_back({literals_.size(), slot});
  char bytes[4];
  store_le(bytes, known_[slot].value_or(0));
  add_literal({bytes, sizeof bytes});
}

ChecksumSlot WritePlan::add_payload(std::shared_ptr<const Payload> payload, std::uint64_t size) {
  grow(size);
  Segment segment;
  segment.kind = Segment::Kind::payload;
  segment.slot = new_slot({});
  segment.payload = static_cast<std::uint32_t>(payloads_.size());  // never more than slots
  segment.size = size;
  payloads_.push_back(std::move(payload));
  segments_.push_back(segment);
  return segment.slot;
}

ChecksumSlot WritePlan::add_known(std::string_view bytes) {
  add_literal(bytes);
  return new_slot(crc32(bytes));
}

void WritePlan::exchange_payloads(const Exchange& exchange) {
  for (const Segment& segment : segments_) {
    if (segment.kind != Segment::Kind::payload) continue;
    std::shared_ptr<const Payload>& payload = payloads_[segment.payload];
    payload = exchange(payload, segment.size);
  }
  for (Check& check : checks_) check.payload = exchange(check.payload, check.size);
}

void WritePlan::add_check(std::shared_ptr<const Payload> payload, std::uint64_t size) {
  checks_.push_back({std::move(payload), size});
}

}  // namespace sconce::io
