#include "transfer/carrier.h"

#include <sys/mman.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "base/checked.h"
#include "base/fail.h"
#include "transfer/pages.h"
#include "transfer/work.h"

namespace sconce::transfer {

StagingCarrier::StagingCarrier(const device::Port& port, void* stream, std::uint64_t size, std::size_t count,
                               device::MemoryPtr plain)
    : port_(port), size_(size), count_(count), plain_(std::move(plain)), stream_(port.stream(stream)) {}

Cargo StagingCarrier::take(const device::Range&) {
  std::unique_lock lock(mutex_);
  // No reader holds more than one, so that at least one has been sent; unless a reader has failed, and its with it.
  if (made_ < count_ || sent_.empty()) {
    ++made_;
    lock.unlock();  // pinning memory takes its time
    Cargo cargo;
    cargo.staging = port_.staging(size_);
    cargo.bytes = cargo.staging->bytes();
    return cargo;
  }
  const Stopwatch watch(waited_);
  stream_->wait(sent_.front().ticket);  // where that fails, the copy may still want its buffer
  Cargo cargo{sent_.front().staging->bytes(), std::move(sent_.front().staging)};
  sent_.pop_front();
  return cargo;
}

void StagingCarrier::give(Cargo cargo, const device::Range& to, std::span<const std::byte> bytes) {
  const std::lock_guard lock(mutex_);
  sent_.push_back({std::move(cargo.staging), 0});  // first of all, so that it outlives the stream's work
  stream_->copy_in(to, bytes);
  sent_.back().ticket = stream_->mark();
}

void StagingCarrier::give_cast(Cargo cargo, const device::Range& to, std::span<const std::byte> bytes,
                               const Cast& cast) {
  const std::lock_guard lock(mutex_);
  sent_.push_back({std::move(cargo.staging), 0});
  // One block is enough: work of a stream is done in order, so that the next copy waits for this cast.
  const device::Range plain{plain_.get(), 0, bytes.size()};
  stream_->copy_in(plain, bytes);
  stream_->cast(to, cast.to, plain, cast.from);
  sent_.back().ticket = stream_->mark();
}

void StagingCarrier::finish() {
  const std::lock_guard lock(mutex_);
  const Stopwatch watch(waited_);
  stream_->synchronise();
}

namespace {

/// Fresh memory of a device that is the host's costs page faults as any other.
void ask_for_huge_pages(std::span<std::byte> bytes) {
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uint64_t first = align_up(begin, kHugePage) - begin;
  if (bytes.size() < first + kHugePage) return;
  const std::uint64_t size = (bytes.size() - first) & ~(kHugePage - 1);
  ::madvise(bytes.data() + first, size, MADV_HUGEPAGE);  // what is no memory of this kind stays as it is
}

}  // namespace

std::unique_ptr<WindowCarrier> WindowCarrier::open(const device::Port& port, std::span<const device::MemoryPtr> slabs) {
  if (slabs.empty()) return nullptr;
  auto carrier = std::make_unique<WindowCarrier>();
  for (const device::MemoryPtr& slab : slabs) {
    std::unique_ptr<device::Window> window = port.window({slab.get(), 0, slab->size()});
    if (!window || window->bytes().size() < slab->size()) return nullptr;
    ask_for_huge_pages(window->bytes());
    carrier->panes_.push_back({slab.get(), std::move(window)});
  }
  std::sort(carrier->panes_.begin(), carrier->panes_.end(),
            [](const Pane& a, const Pane& b) { return std::less<>()(a.memory, b.memory); });
  return carrier;
}

Cargo WindowCarrier::take(const device::Range& to) {
  const auto pane = std::lower_bound(panes_.begin(), panes_.end(), to.memory,
                                     [](const Pane& a, const auto* memory) { return std::less<>()(a.memory, memory); });
  return {pane->window->bytes().subspan(to.offset, to.size), nullptr};
}

void WindowCarrier::give_cast(Cargo, const device::Range&, std::span<const std::byte>, const Cast&) {
  fail(ErrorCode::unsupported, "memory that the host shares is cast into by the host");
}

void WindowCarrier::finish() {
  for (const Pane& pane : panes_) pane.window->release();
}

}  // namespace sconce::transfer
