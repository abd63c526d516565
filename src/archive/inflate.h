// Deflated records as sources: small ones inflated at once, large ones as they are read.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include <sconce/byte_source.h>
#include <sconce/error.h>

namespace sconce::archive {

/// A deflated record that is to be read.
struct DeflatedBytes {
  SourcePtr compressed;    ///< exactly the compressed bytes
  std::uint64_t size = 0;  ///< that they inflate to, exactly
  ErrorPlace place;        ///< for Errors
};

/// Inflate a whole record into memory. Errors: `damaged` where the stream is broken, inflates to more or less than it
/// should, or ends before its bytes do.
[[nodiscard]] std::unique_ptr<std::byte[]> inflate_all(const DeflatedBytes& record);

/// Inflates as it is read, in about 200 KiB of memory and at most 64 resting places of 40 KiB, from which it goes on
/// when somebody reads backwards. read_at() gives the Errors of inflate_all() when it comes to the place.
///
/// Thread rule: reads of one source wait for each other.
[[nodiscard]] SourcePtr inflating_source(DeflatedBytes record);

/// What the inflated records of one archive may hold in memory at a time, and which of them are held now.
///
/// Thread rule: every function may be called from many threads at once.
class InflatedRecords {
 public:
  /// Records above this many bytes are not inflated at once.
  static constexpr std::uint64_t kWhole = std::uint64_t{16} << 20;

  explicit InflatedRecords(std::uint64_t memory) : memory_(std::make_shared<Memory>(memory)) {}
  /// The record in memory where it is small and memory is left; else a source that inflates as it is read.
  [[nodiscard]] SourcePtr open(std::uint32_t number, DeflatedBytes record);

  /// Bytes that may be held, and are held.
  class Memory {
   public:
    explicit Memory(std::uint64_t limit) noexcept : limit_(limit) {}
    [[nodiscard]] bool take(std::uint64_t bytes) noexcept;
    void give_back(std::uint64_t bytes) noexcept { used_ -= bytes; }

   private:
    std::uint64_t limit_;
    std::atomic<std::uint64_t> used_{0};
  };

 private:
  [[nodiscard]] SourcePtr held(std::uint32_t number);
  void hold(std::uint32_t number, const SourcePtr& source);

  std::shared_ptr<Memory> memory_;
  std::mutex mutex_;
  std::unordered_map<std::uint32_t, std::weak_ptr<const ByteSource>> held_;
};

}  // namespace sconce::archive
