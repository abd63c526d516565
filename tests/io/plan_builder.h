// Write plans together with the bytes that they must become, rendered by hand.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/endian.h"
#include "base/hash.h"
#include "base/slice.h"
#include "io/write_plan.h"

namespace sconce::test {

/// Bytes in memory as a payload.
struct TextPayload : io::Payload {
  explicit TextPayload(std::string bytes, std::optional<std::uint32_t> expected = {})
      : bytes_(std::move(bytes)), expected_(expected) {}
  SourcePtr open() const override {
    ++opened;
    return string_source(bytes_, "input.pt");
  }
  std::optional<std::uint32_t> expected_crc32() const override { return expected_; }
  std::string record() const override { return "archive/data/7"; }
  std::string key() const override { return "model.weight"; }

  mutable std::atomic<int> opened = 0;

 private:
  std::string bytes_;
  std::optional<std::uint32_t> expected_;
};

inline std::string random_bytes(std::mt19937& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

/// Adds to a plan, and to `expected` what that means.
class PlanBuilder {
 public:
  void literal(std::string_view bytes) {
    plan.add_literal(bytes);
    expected += bytes;
  }
  io::ChecksumSlot payload(std::string bytes, std::optional<std::uint32_t> recorded = {}) {
    expected += bytes;
    checksums_.push_back(crc32(bytes));
    const std::size_t size = bytes.size();
    return plan.add_payload(std::make_shared<TextPayload>(std::move(bytes), recorded), size);
  }
  io::ChecksumSlot known(std::string_view bytes) {
    expected += bytes;
    checksums_.push_back(crc32(bytes));
    return plan.add_known(bytes);
  }
  void checksum(io::ChecksumSlot slot) {
    plan.add_checksum(slot);
    append_le(expected, checksums_.at(slot));
  }

  io::WritePlan plan;
  std::string expected;

 private:
  std::vector<std::uint32_t> checksums_;
};

/// A plan of about `size` bytes: literals, payloads, known bytes and checksums of any slot before, in any order.
inline PlanBuilder random_plan(std::mt19937& random, std::size_t size) {
  PlanBuilder builder;
  io::ChecksumSlot slots = 0;
  while (builder.expected.size() < size) {
    const std::size_t room = size - builder.expected.size();
    const std::size_t piece = random() % (room + 1);
    switch (random() % 4) {
      case 0: builder.literal(random_bytes(random, piece)); break;
      case 1: slots = builder.payload(random_bytes(random, piece)) + 1; break;
      case 2: slots = builder.known(random_bytes(random, piece)) + 1; break;
      case 3:
        if (slots != 0) builder.checksum(static_cast<io::ChecksumSlot>(random() % slots));
        break;
    }
  }
  return builder;
}

}  // namespace sconce::test
