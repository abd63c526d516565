// The bytes of a write plan, from the first to the last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "io/payload_reader.h"
#include "io/write_plan.h"

namespace sconce::io {

/// Renders a plan once: pulls payloads, and puts their checksums into the literals that wait for them. The plan must
/// outlive it. Used by one thread at a time.
class PlanStream {
 public:
  /// `ignore_checksums`: those that the input records; what is written is right in any case.
  PlanStream(const WritePlan& plan, bool ignore_checksums);

  /// Puts the next bytes into `into`, as many as fit or are left, and returns how many. Errors: `checksum`, and what
  /// payloads throw, with record and key.
  [[nodiscard]] std::size_t read(std::span<std::byte> into);

 private:
  void render(const Segment& segment, std::span<std::byte> into);
  void copy_literal(std::uint64_t literal_offset, std::span<std::byte> into);
  void pull_payload(const Segment& segment, std::span<std::byte> into);
  void next_segment();

  const WritePlan& plan_;
  const bool ignore_checksums_;
  std::vector<std::uint32_t> checksums_;  // by slot; of payloads only, the plan itself knows the others
  std::size_t segment_ = 0;
  std::uint64_t done_ = 0;  // bytes of that segment
  std::size_t patch_ = 0;   // the first that is not wholly rendered
  std::optional<PayloadReader> payload_;
};

}  // namespace sconce::io
