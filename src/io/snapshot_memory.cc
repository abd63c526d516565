#include "io/snapshot_memory.h"

#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "base/memory_block.h"

namespace sconce::io {
namespace {

constexpr std::uint64_t kHugePage = std::uint64_t{2} << 20;

}  // namespace

struct SnapshotMemory::Shelf {
  mutable std::mutex mutex;
  std::multimap<std::uint64_t, MemoryBlock> idle;  // by size

  void put(MemoryBlock&& block) {
    const std::lock_guard lock(mutex);
    const std::uint64_t size = block.bytes().size();
    idle.emplace(size, std::move(block));
  }

  /// The smallest that is large enough. Where none is, all are freed: they would stand beside the larger one that is
  /// needed now, and never be of use again.
  MemoryBlock get(std::uint64_t size) {
    const std::lock_guard lock(mutex);
    if (const auto found = idle.lower_bound(size); found != idle.end()) return std::move(idle.extract(found).mapped());
    idle.clear();
    return MemoryBlock(size);
  }
};

SnapshotMemory::SnapshotMemory() : shelf_(std::make_shared<Shelf>()) {}

std::shared_ptr<std::byte> SnapshotMemory::take(std::uint64_t size) {
  const auto rounded = align_up(size + (size == 0 ? 1 : 0), kHugePage);
  // The owner comes first: once the block is out of the shelf, nothing may be thrown before something gives it back.
  struct Loan {
    std::weak_ptr<Shelf> shelf;
    std::optional<MemoryBlock> block;
    ~Loan() {
      const std::shared_ptr<Shelf> back = shelf.lock();
      if (back == nullptr || !block) return;
      try {
        back->put(std::move(*block));
      } catch (const std::bad_alloc&) {  // it is freed instead of kept
      }
    }
  };
  auto loan = std::make_shared<Loan>();
  loan->block.emplace(shelf_->get(rounded));
  loan->shelf = shelf_;
  std::byte* bytes = loan->block->bytes().data();
  return {std::move(loan), bytes};
}

void SnapshotMemory::trim() noexcept {
  const std::lock_guard lock(shelf_->mutex);
  shelf_->idle.clear();
}

std::uint64_t SnapshotMemory::idle_bytes() const noexcept {
  const std::lock_guard lock(shelf_->mutex);
  std::uint64_t sum = 0;
  for (const auto& [size, block] : shelf_->idle) sum += size;
  return sum;
}

}  // namespace sconce::io
