// Large blocks of memory that are kept for the next time: touching fresh memory costs more than copying into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace sconce::io {

/// Thread-safe. Blocks that are still held when this goes away are freed with their last owner.
class SnapshotMemory {
 public:
  SnapshotMemory();

  /// At least `size` bytes, not initialised, in huge pages where the system has them; given back when the last owner
  /// drops them. Errors: `memory`.
  [[nodiscard]] std::shared_ptr<std::byte> take(std::uint64_t size);
  /// Frees what nobody holds.
  void trim() noexcept;
  /// Bytes of blocks that nobody holds.
  [[nodiscard]] std::uint64_t idle_bytes() const noexcept;

 private:
  struct Shelf;
  std::shared_ptr<Shelf> shelf_;
};

}  // namespace sconce::io
