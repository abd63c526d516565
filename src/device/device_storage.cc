// Storages whose bytes are on a device.
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "base/fail.h"
#include "base/slice.h"
#include "device/port.h"
#include "tensor/storage_data.h"

namespace sconce::device {
namespace {

constexpr std::size_t kMostIdle = 4;
constexpr std::size_t kPiece = std::size_t{4} << 20;
constexpr std::size_t kLarge = std::size_t{1} << 20;  // from there on pinned buffers are faster

/// A stream with two pinned buffers: one is filled while the other is copied from.
class Reader {
 public:
  explicit Reader(const Port& port) : stream_(port.stream()) {}

  void read(const Port& port, std::span<std::byte> into, const Range& from) {
    // Work that somebody queued on the block comes first, on whatever stream that is.
    if (from.memory->stream() == nullptr) return read(port, *stream_, into, from);
    read(port, *port.stream(from.memory->stream()), into, from);
  }

 private:
  void read(const Port& port, Stream& stream, std::span<std::byte> into, const Range& from) {
    if (into.size() < kLarge || port.info().host_memory || !pin(port)) return stream.copy_out(into, from);
    const std::size_t pieces = (into.size() + kPiece - 1) / kPiece;
    const auto piece_of = [into](std::size_t piece) {
      return into.subspan(piece * kPiece, std::min(kPiece, into.size() - piece * kPiece));
    };
    std::array<Ticket, 2> tickets{};
    for (std::size_t piece = 0; piece <= pieces; ++piece) {
      if (piece < pieces) {
        const std::size_t size = piece_of(piece).size();
        stream.copy_out(buffers_[piece % 2]->bytes().first(size), {from.memory, from.offset + piece * kPiece, size});
        tickets[piece % 2] = stream.mark();
      }
      if (piece == 0) continue;
      stream.wait(tickets[(piece - 1) % 2]);
      const auto done = piece_of(piece - 1);
      std::memcpy(done.data(), buffers_[(piece - 1) % 2]->bytes().data(), done.size());
    }
  }

  /// False where the host pins no more memory: it goes without, only slower.
  bool pin(const Port& port) {
    try {
      for (auto& buffer : buffers_)
        if (buffer == nullptr) buffer = port.staging(kPiece);
      return true;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::memory) throw;
      return false;
    }
  }

  std::array<std::unique_ptr<Staging>, 2> buffers_;
  std::unique_ptr<Stream> stream_;  // waits for its work before the buffers go
};

/// Readers of a port that nobody uses just now.
class Readers {
 public:
  [[nodiscard]] std::unique_ptr<Reader> take(const Port& port) {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto reader = std::move(idle_.back());
        idle_.pop_back();
        return reader;
      }
    }
    return std::make_unique<Reader>(port);
  }
  void give(std::unique_ptr<Reader> reader) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kMostIdle) idle_.push_back(std::move(reader));
  }
  [[nodiscard]] static std::shared_ptr<Readers> of(const Port& port) {
    ReaderSlot& slot = port.reader_slot();
    const std::lock_guard lock(slot.mutex);
    if (slot.readers == nullptr) slot.readers = std::make_shared<Readers>();
    return std::static_pointer_cast<Readers>(slot.readers);
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Reader>> idle_;
};

class DeviceSource final : public ByteSource {
 public:
  DeviceSource(PortPtr port, MemoryPtr memory, std::uint64_t offset, std::uint64_t size)
      : port_(std::move(port)),
        memory_(std::move(memory)),
        offset_(offset),
        size_(size),
        name_(port_->info().device.to_string()) {}

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (!fits(offset, into.size(), size_)) past_end(*this, offset, into.size());
    if (into.empty()) return;
    const Range range{memory_.get(), offset_ + offset, into.size()};
    const auto readers = Readers::of(*port_);
    auto reader = readers->take(*port_);
    reader->read(*port_, into, range);
    readers->give(std::move(reader));  // after an Error it goes: who knows what its stream still does
  }
  [[nodiscard]] const std::byte* view(std::uint64_t offset, std::uint64_t size) const override {
    if (!fits(offset, size, size_)) past_end(*this, offset, size);
    if (port_->info().device.type != DeviceType::cpu) return nullptr;
    return reinterpret_cast<const std::byte*>(memory_->address()) + offset_ + offset;
  }
  [[nodiscard]] const std::string& name() const noexcept override { return name_; }

 private:
  const PortPtr port_;
  const MemoryPtr memory_;
  const std::uint64_t offset_;
  const std::uint64_t size_;
  const std::string name_;
};

class DeviceOrigin final : public StorageOrigin {
 public:
  DeviceOrigin(PortPtr port, MemoryPtr memory, std::uint64_t offset)
      : port_(std::move(port)), memory_(std::move(memory)), offset_(offset) {}

  [[nodiscard]] SourcePtr open(std::uint64_t, std::uint64_t nbytes) const override {
    return std::make_shared<DeviceSource>(port_, memory_, offset_, nbytes);
  }
  [[nodiscard]] std::optional<DevicePlace> device_place(std::uint64_t) const override {
    const Device device = port_->info().device;
    if (device.type == DeviceType::cpu) return std::nullopt;
    // A cl_mem is no number that one could add to.
    const bool opaque = device.type == DeviceType::opencl;
    const std::uintptr_t address = memory_ != nullptr ? memory_->address() : 0;
    return DevicePlace{device, address + (opaque ? 0 : offset_), opaque ? offset_ : 0, memory_};
  }
  [[nodiscard]] bool in_memory(std::uint64_t, std::uint64_t) const override {
    return port_->info().device.type == DeviceType::cpu;
  }
  [[nodiscard]] const MemoryPtr& memory() const noexcept { return memory_; }

 private:
  const PortPtr port_;
  const MemoryPtr memory_;  // null of storages without bytes
  const std::uint64_t offset_;
};

struct Holder {
  Holder(PortPtr port, MemoryPtr memory, std::uint64_t offset)
      : location(port->info().device.to_string()), origin(std::move(port), std::move(memory), offset) {}
  std::string location;
  DeviceOrigin origin;
  StorageData data;
};

}  // namespace

Storage storage_on(PortPtr port, MemoryPtr memory, std::uint64_t offset, std::uint64_t nbytes,
                   std::optional<DType> dtype, std::endian byte_order) {
  const std::uint64_t size = memory != nullptr ? memory->size() : 0;
  if (!fits(offset, nbytes, size))
    fail(ErrorCode::invalid_argument, "a storage of " + std::to_string(nbytes) + " bytes from byte " +
                                          std::to_string(offset) + " does not lie in a block of " +
                                          std::to_string(size) + " bytes");
  const auto holder = std::make_shared<Holder>(std::move(port), std::move(memory), offset);
  holder->data = {
      .origin = &holder->origin,
      .handle = 0,
      .nbytes = nbytes,
      .location = &holder->location,
      .dtype = dtype.value_or(DType::uint8),
      .typed = dtype.has_value(),
      .byte_order = byte_order,
  };
  return Storage(std::shared_ptr<const StorageData>(holder, &holder->data));
}

MemoryPtr memory_of(const Storage& storage) {
  const StorageOrigin* const origin = storage.data()->origin;
  if (const auto* const ours = dynamic_cast<const DeviceOrigin*>(origin)) return ours->memory();
  // Around it there may be another origin, which tells the same place (DLPack's, for memory that is read-only).
  const auto place = origin != nullptr ? origin->device_place(storage.data()->handle) : std::nullopt;
  return place ? std::static_pointer_cast<const Memory>(place->memory) : nullptr;
}

}  // namespace sconce::device
