// What a writer wants in a file, in order, with every size known before the first byte. Writers make plans and touch no
// tensor bytes; one executor runs plans.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/byte_source.h>

namespace sconce::io {

/// A CRC-32 that is computed while a payload passes, and written into literals that come later.
using ChecksumSlot = std::uint32_t;
inline constexpr ChecksumSlot kNoSlot = 0xFFFFFFFF;

struct Segment {
  enum class Kind : std::uint8_t { literal, payload };
  Kind kind = Kind::literal;
  ChecksumSlot slot = kNoSlot;  ///< of a payload: its CRC goes here
  std::uint32_t payload = 0;    ///< of a payload: number in WritePlan::payloads
  std::uint64_t offset = 0;     ///< of a literal: in WritePlan::literals
  std::uint64_t size = 0;       ///< bytes
};

/// Bytes that are pulled when the plan runs.
struct Payload {
  /// Where the bytes are until they are pulled.
  enum class Home : std::uint8_t {
    memory,  ///< of this process: whoever owns it may change it
    file,    ///< they stay as they are
    device,  ///< pulled by copies that take a while to begin, so best in large pieces
  };

  virtual ~Payload() = default;
  /// Opens the bytes; called by the thread that needs them (not the caller's, in a large plan), and dropped after.
  /// Exactly `size` bytes.
  [[nodiscard]] virtual SourcePtr open() const = 0;
  /// What the input records as the CRC-32 of exactly these bytes; nothing, or 0, where it records none.
  [[nodiscard]] virtual std::optional<std::uint32_t> expected_crc32() const { return {}; }
  [[nodiscard]] virtual Home home() const { return Home::memory; }
  /// For messages.
  [[nodiscard]] virtual std::string record() const { return {}; }
  [[nodiscard]] virtual std::string key() const { return {}; }
};

/// Errors of all: `invalid_argument` beyond 2^64 bytes, 2^32 payloads, or for a slot that is not yet there.
class WritePlan {
 public:
  /// Appends literal bytes. Neighbours become one segment.
  void add_literal(std::string_view bytes);
  /// Appends four bytes, little-endian, that become the checksum of a slot that was filled before.
  void add_checksum(ChecksumSlot slot);
  /// Appends `size` bytes of a payload; their CRC-32 goes into a new slot, which is returned.
  ChecksumSlot add_payload(std::shared_ptr<const Payload> payload, std::uint64_t size);
  /// Appends bytes that are known now; their CRC-32, computed now, goes into a new slot.
  ChecksumSlot add_known(std::string_view bytes);

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] const std::vector<Segment>& segments() const noexcept { return segments_; }
  [[nodiscard]] std::string_view literals() const noexcept { return literals_; }

  struct Patch {
    std::uint64_t literal_offset;  ///< in literals(), 4 bytes
    ChecksumSlot slot;
  };
  [[nodiscard]] const std::vector<Patch>& patches() const noexcept { return patches_; }  ///< by literal_offset
  [[nodiscard]] const std::vector<std::shared_ptr<const Payload>>& payloads() const noexcept { return payloads_; }
  [[nodiscard]] const std::vector<std::optional<std::uint32_t>>& known_checksums() const noexcept { return known_; }

  /// Bytes that must be read to verify the input although the plan does not write them as they are (a record of which
  /// only a part is kept). Their expected_crc32() is compared.
  void add_check(std::shared_ptr<const Payload> payload, std::uint64_t size);
  struct Check {
    std::shared_ptr<const Payload> payload;
    std::uint64_t size;
  };
  [[nodiscard]] const std::vector<Check>& checks() const noexcept { return checks_; }

  /// Puts in the place of each payload (those of checks come last) what the function makes of it: other ways to the
  /// same bytes.
  using Exchange = std::function<std::shared_ptr<const Payload>(const std::shared_ptr<const Payload>&, std::uint64_t)>;
  void exchange_payloads(const Exchange& exchange);

 private:
  void grow(std::uint64_t bytes);
  ChecksumSlot new_slot(std::optional<std::uint32_t> known);

  std::vector<Segment> segments_;
  std::string literals_;
  std::vector<Patch> patches_;
  std::vector<std::shared_ptr<const Payload>> payloads_;
  std::vector<std::optional<std::uint32_t>> known_;
  std::vector<Check> checks_;
  std::uint64_t size_ = 0;
};

}  // namespace sconce::io
