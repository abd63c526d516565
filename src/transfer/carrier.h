// How bytes get from host memory onto a device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "transfer/region.h"

namespace sconce::transfer {

/// Host memory that stands for a range of the device until it is given.
struct Cargo {
  std::span<std::byte> bytes;                ///< at least the size that was asked for
  std::unique_ptr<device::Staging> staging;  ///< null where the bytes are the device's own
};

/// Thread rule: take() and give() may be called from many threads.
class Carrier {
 public:
  Carrier() = default;
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;
  virtual ~Carrier() = default;

  /// Whether cargo begins at a page and has room for whole pages, so that O_DIRECT can fill it.
  [[nodiscard]] virtual bool has_pages() const noexcept = 0;
  /// Memory in which the bytes of `to` are put. Whoever has one gives it before taking another.
  [[nodiscard]] virtual Cargo take(const device::Range& to) = 0;
  /// `bytes`, a part of the cargo, are those of `to`.
  virtual void give(Cargo cargo, const device::Range& to, std::span<const std::byte> bytes) = 0;
  /// `bytes` are plain elements, which become those of `to` there. Only where the carrier was made for it.
  virtual void give_cast(Cargo cargo, const device::Range& to, std::span<const std::byte> bytes, const Cast& cast) = 0;
  /// Everything that was given is on the device afterwards.
  virtual void finish() = 0;
  /// Bytes of buffers.
  [[nodiscard]] virtual std::uint64_t held() const noexcept { return 0; }
  /// Seconds that somebody waited for copies.
  [[nodiscard]] virtual double waited() const noexcept { return 0; }
};

/// A ring of pinned buffers, each in the hands of a reader or behind a mark of one stream.
class StagingCarrier final : public Carrier {
 public:
  /// `count`: at least as many as there are readers. `plain`: memory of the device for as many bytes as a buffer has,
  /// in which they wait for their cast; null: nothing is cast there.
  StagingCarrier(const device::Port& port, void* stream, std::uint64_t size, std::size_t count,
                 device::MemoryPtr plain = nullptr);

  bool has_pages() const noexcept override { return true; }
  Cargo take(const device::Range& to) override;
  void give(Cargo cargo, const device::Range& to, std::span<const std::byte> bytes) override;
  void give_cast(Cargo cargo, const device::Range& to, std::span<const std::byte> bytes, const Cast& cast) override;
  void finish() override;
  std::uint64_t held() const noexcept override { return made_ * size_; }
  double waited() const noexcept override { return waited_; }

 private:
  struct Sent {
    std::unique_ptr<device::Staging> staging;
    device::Ticket ticket = 0;
  };

  const device::Port& port_;
  std::uint64_t size_;
  std::size_t count_;
  device::MemoryPtr plain_;  // outlives the stream that uses it
  std::mutex mutex_;         // for all below
  std::size_t made_ = 0;     // buffers that were allocated
  double waited_ = 0;
  std::deque<Sent> sent_;                   // the oldest first
  std::unique_ptr<device::Stream> stream_;  // ends before the buffers that it copies from
};

/// Memory that device and host share.
class WindowCarrier final : public Carrier {
 public:
  /// Null where the device does not show its memory.
  [[nodiscard]] static std::unique_ptr<WindowCarrier> open(const device::Port& port,
                                                           std::span<const device::MemoryPtr> slabs);

  bool has_pages() const noexcept override { return false; }
  Cargo take(const device::Range& to) override;
  void give(Cargo, const device::Range&, std::span<const std::byte>) override {}
  void give_cast(Cargo cargo, const device::Range& to, std::span<const std::byte> bytes, const Cast& cast) override;
  void finish() override;

 private:
  struct Pane {
    const device::Memory* memory = nullptr;
    std::unique_ptr<device::Window> window;
  };
  std::vector<Pane> panes_;  // by address of the memory
};

}  // namespace sconce::transfer
