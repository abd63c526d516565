#include "io/snapshot_memory.h"

#include <sys/mman.h>

#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "base/checked.h"
#include "base/fail.h"
#include "base/text.h"

namespace sconce::io {
namespace {

constexpr std::uint64_t kHugePage = std::uint64_t{2} << 20;

/// Memory of the system's own, which goes back to it at once when it is dropped.
class Block {
 public:
  explicit Block(std::uint64_t size) : size_(size) {
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void* mapped = size > SIZE_MAX ? MAP_FAILED : ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (mapped == MAP_FAILED)
      fail(ErrorCode::memory, "there are no " + human_bytes(size) + " of memory for a snapshot", {},
           "save without one, or drop snapshots that are still being written");
    bytes_ = static_cast<std::byte*>(mapped);
    static_cast<void>(::madvise(mapped, size, MADV_HUGEPAGE));
  }
  Block(Block&& other) noexcept : bytes_(std::exchange(other.bytes_, nullptr)), size_(other.size_) {}
  Block& operator=(Block&&) = delete;
  ~Block() {
    if (bytes_ != nullptr) static_cast<void>(::munmap(bytes_, size_));
  }
  [[nodiscard]] std::byte* bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  std::byte* bytes_ = nullptr;
  std::uint64_t size_;
};

}  // namespace

struct SnapshotMemory::Shelf {
  mutable std::mutex mutex;
  std::multimap<std::uint64_t, Block> idle;  // by size

  void put(Block&& block) {
    const std::lock_guard lock(mutex);
    const std::uint64_t size = block.size();
    idle.emplace(size, std::move(block));
  }

  /// The smallest that is large enough. Where none is, all are freed: they would stand beside the larger one that is
  /// needed now, and never be of use again.
  Block get(std::uint64_t size) {
    const std::lock_guard lock(mutex);
    if (const auto found = idle.lower_bound(size); found != idle.end()) return std::move(idle.extract(found).mapped());
    idle.clear();
    return Block(size);
  }
};

SnapshotMemory::SnapshotMemory() : shelf_(std::make_shared<Shelf>()) {}

std::shared_ptr<std::byte> SnapshotMemory::take(std::uint64_t size) {
  const auto rounded = align_up(size + (size == 0 ? 1 : 0), kHugePage);
  // The owner comes first: once the block is out of the shelf, nothing may be thrown before something gives it back.
  struct Loan {
    std::weak_ptr<Shelf> shelf;
    std::optional<Block> block;
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
  std::byte* bytes = loan->block->bytes();
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
