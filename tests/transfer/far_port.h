// A device for tests: memory that the host does not see, copies that are done when somebody waits for them, and counts
// of everything that is held.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/fail.h"
#include "device/port.h"
#include "base/memory_block.h"

namespace sconce::transfer::test {

struct FarCounts {
  std::atomic<std::int64_t> memory = 0;   ///< bytes of blocks
  std::atomic<std::int64_t> staging = 0;  ///< bytes of buffers
  std::atomic<std::int64_t> most_staging = 0;
  std::atomic<std::int64_t> streams = 0;
  std::atomic<std::int64_t> copies = 0;  ///< that were made
};

class FarMemory final : public device::Memory {
 public:
  FarMemory(std::uint64_t size, std::shared_ptr<FarCounts> counts) : bytes_(size, '?'), counts_(std::move(counts)) {
    counts_->memory += static_cast<std::int64_t>(size);
  }
  ~FarMemory() override { counts_->memory -= static_cast<std::int64_t>(bytes_.size()); }
  std::uint64_t size() const noexcept override { return bytes_.size(); }
  std::uintptr_t address() const noexcept override { return reinterpret_cast<std::uintptr_t>(bytes_.data()); }
  [[nodiscard]] std::string_view text(std::uint64_t offset, std::uint64_t size) const {
    return std::string_view(bytes_).substr(offset, size);
  }

 private:
  std::string bytes_;
  std::shared_ptr<FarCounts> counts_;
};

class FarStaging final : public device::Staging {
 public:
  FarStaging(std::size_t size, std::shared_ptr<FarCounts> counts)
      : block_(size), size_(size), counts_(std::move(counts)) {
    const std::int64_t now = counts_->staging += static_cast<std::int64_t>(size_);
    std::int64_t most = counts_->most_staging;
    while (now > most && !counts_->most_staging.compare_exchange_weak(most, now)) {
    }
  }
  ~FarStaging() override { counts_->staging -= static_cast<std::int64_t>(size_); }
  std::span<std::byte> bytes() const noexcept override { return block_.bytes().first(size_); }

 private:
  MemoryBlock block_;
  std::size_t size_;
  std::shared_ptr<FarCounts> counts_;
};

/// Copies as late as the contract allows.
class FarStream final : public device::Stream {
 public:
  FarStream(std::shared_ptr<FarCounts> counts, std::size_t fail_after)
      : counts_(std::move(counts)), fail_after_(fail_after) {
    ++counts_->streams;
  }
  ~FarStream() override {
    fail_after_ = SIZE_MAX;
    do_until(last_);
    --counts_->streams;
  }
  void copy_in(const device::Range& to, std::span<const std::byte> from) override {
    queue_.push_back({to, from, last_ + 1});
  }
  void copy_out(std::span<std::byte>, const device::Range&) override { nobody(); }
  void copy_on(const device::Range&, const device::Range&) override { nobody(); }
  void fill(const device::Range&, std::byte) override { nobody(); }
  void cast(const device::Range&, DType, const device::Range&, DType) override { nobody(); }
  device::Ticket mark() override { return ++last_; }
  void wait(device::Ticket ticket) override { do_until(ticket); }
  void synchronise() override { do_until(last_); }

 private:
  struct Copy {
    device::Range to;
    std::span<const std::byte> from;
    device::Ticket ticket;
  };
  void do_until(device::Ticket ticket) {
    for (; !queue_.empty() && queue_.front().ticket <= ticket; queue_.pop_front()) {
      if (done_++ >= fail_after_) fail(ErrorCode::device, "the device was lost");
      const Copy& copy = queue_.front();
      std::memcpy(reinterpret_cast<std::byte*>(copy.to.memory->address()) + copy.to.offset, copy.from.data(),
                  copy.from.size());
      ++counts_->copies;
    }
  }
  [[noreturn]] static void nobody() { fail(ErrorCode::unsupported, "nobody asks the engine for that"); }

  std::shared_ptr<FarCounts> counts_;
  std::size_t fail_after_;
  std::size_t done_ = 0;
  std::deque<Copy> queue_;
  device::Ticket last_ = 0;
};

class FarPort final : public device::Port {
 public:
  explicit FarPort(std::uint64_t memory = std::uint64_t{1} << 30, std::size_t fail_after = SIZE_MAX)
      : fail_after_(fail_after) {
    info_.name = "far device";
    info_.total_memory = memory;
    info_.max_allocation = memory / 2;
  }
  const DeviceInfo& info() const noexcept override { return info_; }
  DeviceMemory memory() const override {
    return {info_.total_memory, info_.total_memory - static_cast<std::uint64_t>(counts->memory)};
  }
  device::MemoryPtr allocate(std::uint64_t size) const override { return std::make_shared<FarMemory>(size, counts); }
  device::MemoryPtr allocate_with(std::shared_ptr<DeviceAllocator>, std::uint64_t size, void*) const override {
    return allocate(size);
  }
  device::MemoryPtr adopt(std::uintptr_t, std::uint64_t, std::shared_ptr<const void>, void*) const override {
    return nullptr;
  }
  std::unique_ptr<device::Staging> staging(std::size_t size) const override {
    return std::make_unique<FarStaging>(size, counts);
  }
  std::unique_ptr<device::Stream> stream(void*) const override {
    return std::make_unique<FarStream>(counts, fail_after_);
  }
  std::unique_ptr<device::Window> window(const device::Range&) const override { return nullptr; }
  bool casts(DType, DType) const noexcept override { return false; }

  std::shared_ptr<FarCounts> counts = std::make_shared<FarCounts>();

 private:
  DeviceInfo info_;
  std::size_t fail_after_;
};

}  // namespace sconce::transfer::test
