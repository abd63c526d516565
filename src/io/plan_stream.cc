#include "io/plan_stream.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/endian.h"

namespace sconce::io {

PlanStream::PlanStream(const WritePlan& plan, bool ignore_checksums)
    : plan_(plan), ignore_checksums_(ignore_checksums), checksums_(plan.known_checksums().size()) {}

std::size_t PlanStream::read(std::span<std::byte> into) {
  std::size_t filled = 0;
  // A segment that ends where the room ends is finished at once, so that no payload is left open and none unchecked.
  while (segment_ < plan_.segments().size()) {
    const Segment& segment = plan_.segments()[segment_];
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(segment.size - done_, into.size() - filled));
    render(segment, into.subspan(filled, part));
    filled += part;
    if (done_ != segment.size) break;
    next_segment();
  }
  return filled;
}

void PlanStream::render(const Segment& segment, std::span<std::byte> into) {
  if (segment.kind == Segment::Kind::literal) {
    copy_literal(segment.offset + done_, into);
  } else {
    pull_payload(segment, into);
  }
  done_ += into.size();
}

void PlanStream::next_segment() {
  ++segment_;
  done_ = 0;
}

void PlanStream::copy_literal(std::uint64_t literal_offset, std::span<std::byte> into) {
  if (into.empty()) return;
  std::memcpy(into.data(), plan_.literals().data() + literal_offset, into.size());
  const std::uint64_t end = literal_offset + into.size();
  for (; patch_ < plan_.patches().size(); ++patch_) {
    const WritePlan::Patch& patch = plan_.patches()[patch_];
    if (patch.literal_offset >= end) return;
    std::array<std::byte, 4> bytes;
    store_le(bytes.data(), checksums_[patch.slot]);
    const std::uint64_t patch_end = patch.literal_offset + bytes.size();
    for (std::uint64_t at = std::max(patch.literal_offset, literal_offset); at < std::min(patch_end, end); ++at)
      into[at - literal_offset] = bytes[at - patch.literal_offset];
    if (patch_end > end) return;  // it goes on in the next window
  }
}

void PlanStream::pull_payload(const Segment& segment, std::span<std::byte> into) {
  if (!payload_) payload_.emplace(*plan_.payloads()[segment.payload], segment.size);
  payload_->read(into);
  if (done_ + into.size() != segment.size) return;
  checksums_[segment.slot] = payload_->finish(ignore_checksums_);
  payload_.reset();
}

}  // namespace sconce::io
