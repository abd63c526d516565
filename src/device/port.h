// The one interface to memory elsewhere. A backend is one folder with one function, and one line in registry.cc.
//
// Errors of all functions: `device`, with the driver's name for the failure; `memory` where an allocation does not fit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <sconce/device.h>
#include <sconce/dtype.h>

namespace sconce::device {

/// A block of memory on a device. Immutable handle; freed with its last owner, from whatever thread that is.
class Memory {
 public:
  Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  virtual ~Memory() = default;
  [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;
  /// CUDA: the CUdeviceptr. OpenCL: the cl_mem. CPU: the pointer.
  [[nodiscard]] virtual std::uintptr_t address() const noexcept = 0;
  /// What the caller of Devices::view() queued work on; null for memory of ours.
  [[nodiscard]] virtual void* stream() const noexcept { return nullptr; }
};
using MemoryPtr = std::shared_ptr<const Memory>;

/// Bytes of a block.
struct Range {
  const Memory* memory = nullptr;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// Host memory that the device copies from and to at full speed without waiting (pinned). Page-aligned.
class Staging {
 public:
  Staging() = default;
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  virtual ~Staging() = default;
  [[nodiscard]] virtual std::span<std::byte> bytes() const noexcept = 0;
};

/// A point in a stream's work.
using Ticket = std::uint64_t;

/// Work that is done in order. Used by one thread at a time. The destructor waits for what was queued (never throws).
///
/// Every range is proven inside its block by the caller; sizes of 0 do nothing.
class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  /// Host → device. Returns once it is queued where `from` is staging memory of the same port, which must then stay as
  /// it is until wait() for a later mark(); for any other memory the bytes are taken before it returns.
  virtual void copy_in(const Range& to, std::span<const std::byte> from) = 0;
  /// Device → host. As copy_in(): `into` is filled on return, or, where it is staging memory, after wait().
  virtual void copy_out(std::span<std::byte> into, const Range& from) = 0;
  /// Device → device; both blocks belong to ports of one backend, perhaps to different devices. Ranges of equal size
  /// that do not overlap. Queued.
  virtual void copy_on(const Range& to, const Range& from) = 0;
  /// Queued.
  virtual void fill(const Range& to, std::byte value) = 0;
  /// Elements of one dtype become those of another, as tensor::cast_elements() rounds. Queued. Only where
  /// Port::casts() says so.
  virtual void cast(const Range& to, DType to_dtype, const Range& from, DType from_dtype) = 0;

  /// Everything queued so far.
  [[nodiscard]] virtual Ticket mark() = 0;
  /// Returns when everything before that mark is done. Errors of the work that was queued come out here.
  virtual void wait(Ticket ticket) = 0;
  /// wait() for everything.
  virtual void synchronise() = 0;
};

/// Device memory as the host sees it, for writing into it without staging. Ends (and the device sees the bytes) with
/// `release()`; the destructor releases, too.
class Window {
 public:
  Window() = default;
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  virtual ~Window() = default;
  [[nodiscard]] virtual std::span<std::byte> bytes() const noexcept = 0;
  virtual void release() = 0;
};

/// What reads of all storages of a port share; device_storage.cc puts it there and knows what it is.
struct ReaderSlot {
  std::mutex mutex;
  std::shared_ptr<void> readers;
};

/// One open device. All functions may be called from many threads.
class Port {
 public:
  Port() = default;
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  virtual ~Port() = default;

  [[nodiscard]] virtual const DeviceInfo& info() const noexcept = 0;
  [[nodiscard]] virtual DeviceMemory memory() const = 0;
  /// A new block, not initialised, aligned to 512 bytes where addresses are numbers. Errors: `memory`.
  [[nodiscard]] virtual MemoryPtr allocate(std::uint64_t size) const = 0;
  /// A block from an allocator of the caller's. `stream` is the caller's own, or null.
  [[nodiscard]] virtual MemoryPtr allocate_with(std::shared_ptr<DeviceAllocator> allocator, std::uint64_t size,
                                                void* stream) const = 0;
  /// A block that is there already.
  [[nodiscard]] virtual MemoryPtr adopt(std::uintptr_t address, std::uint64_t size, std::shared_ptr<const void> owner,
                                        void* stream) const = 0;
  /// Errors: `memory` where the host cannot pin so much.
  [[nodiscard]] virtual std::unique_ptr<Staging> staging(std::size_t size) const = 0;
  /// `external`: the caller's own stream or queue, which is used and never destroyed; null: a new one.
  [[nodiscard]] virtual std::unique_ptr<Stream> stream(void* external = nullptr) const = 0;
  /// The block as the host writes it, where that costs no copy (memory shared with the CPU); else null.
  [[nodiscard]] virtual std::unique_ptr<Window> window(const Range& range) const = 0;
  /// Whether Stream::cast() does this pair.
  [[nodiscard]] virtual bool casts(DType to, DType from) const noexcept = 0;

  [[nodiscard]] ReaderSlot& reader_slot() const noexcept { return reader_slot_; }

 private:
  mutable ReaderSlot reader_slot_;
};
using PortPtr = std::shared_ptr<const Port>;

/// All devices of one kind, found once.
struct Backend {
  DeviceType type = DeviceType::cpu;
  std::vector<PortPtr> ports;  ///< by index
  std::string absence;         ///< why there is none
};

/// The port of a device, or null.
[[nodiscard]] PortPtr port_of(const Devices& devices, Device device);

/// The same. Errors: `unsupported`, with why it is not there and what is.
[[nodiscard]] PortPtr require_port(const Devices& devices, Device device);

/// A storage over bytes on a device. `location`: the device's name. Reading copies out; there are views only on the
/// CPU.
[[nodiscard]] Storage storage_on(PortPtr port, MemoryPtr memory, std::uint64_t offset, std::uint64_t nbytes,
                                 std::optional<DType> dtype, std::endian byte_order = std::endian::native);
/// The block that a storage on a device lies in; null for others.
[[nodiscard]] MemoryPtr memory_of(const Storage& storage);

}  // namespace sconce::device
