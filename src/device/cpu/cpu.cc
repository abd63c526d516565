#include "device/cpu/cpu.h"

#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include "base/fail.h"
#include "base/host_memory.h"
#include "base/memory_block.h"
#include "base/text.h"
#include "device/lent.h"
#include "tensor/cast.h"

namespace sconce::device {
namespace {

class OwnBlock final : public Memory {
 public:
  explicit OwnBlock(std::uint64_t size) : block_(size), size_(size) {}
  [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }
  [[nodiscard]] std::uintptr_t address() const noexcept override {
    return reinterpret_cast<std::uintptr_t>(block_.bytes().data());
  }

 private:
  const MemoryBlock block_;
  const std::uint64_t size_;
};

/// Memory that somebody else gave, and perhaps takes back.
class ForeignBlock final : public Memory {
 public:
  ForeignBlock(std::uintptr_t address, std::uint64_t size, std::shared_ptr<const void> owner)
      : address_(address), size_(size), owner_(std::move(owner)) {}
  [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }
  [[nodiscard]] std::uintptr_t address() const noexcept override { return address_; }

 private:
  const std::uintptr_t address_;
  const std::uint64_t size_;
  const std::shared_ptr<const void> owner_;
};

class PageStaging final : public Staging {
 public:
  explicit PageStaging(std::size_t size) : block_(size), size_(size) {}
  [[nodiscard]] std::span<std::byte> bytes() const noexcept override { return block_.bytes().first(size_); }

 private:
  const MemoryBlock block_;
  const std::size_t size_;
};

std::byte* bytes_of(const Range& range) noexcept {
  return reinterpret_cast<std::byte*>(range.memory->address()) + range.offset;
}

/// Does at once what it is told, so that there is never anything to wait for.
class DirectStream final : public Stream {
 public:
  void copy_in(const Range& to, std::span<const std::byte> from) override {
    if (!from.empty()) std::memcpy(bytes_of(to), from.data(), from.size());
  }
  void copy_out(std::span<std::byte> into, const Range& from) override {
    if (!into.empty()) std::memcpy(into.data(), bytes_of(from), into.size());
  }
  void copy_on(const Range& to, const Range& from) override {
    if (to.size != 0) std::memcpy(bytes_of(to), bytes_of(from), static_cast<std::size_t>(to.size));
  }
  void fill(const Range& to, std::byte value) override {
    if (to.size != 0) std::memset(bytes_of(to), std::to_integer<int>(value), static_cast<std::size_t>(to.size));
  }
  void cast(const Range& to, DType to_dtype, const Range& from, DType from_dtype) override {
    tensor::check_cast(from_dtype, to_dtype);
    if (to.size == 0) return;
    tensor::cast_elements(from_dtype, bytes_of(from), to_dtype, bytes_of(to), to.size / element_size(to_dtype));
  }
  Ticket mark() override { return ++last_; }
  void wait(Ticket) override {}
  void synchronise() override {}

 private:
  Ticket last_ = 0;
};

class HostWindow final : public Window {
 public:
  explicit HostWindow(std::span<std::byte> bytes) : bytes_(bytes) {}
  [[nodiscard]] std::span<std::byte> bytes() const noexcept override { return bytes_; }
  void release() override { bytes_ = {}; }

 private:
  std::span<std::byte> bytes_;
};

class CpuPort final : public Port {
 public:
  explicit CpuPort(DeviceInfo info) : info_(std::move(info)) {}

  [[nodiscard]] const DeviceInfo& info() const noexcept override { return info_; }
  [[nodiscard]] DeviceMemory memory() const override {
    const HostMemory now = host_memory();
    return {now.total, now.available};
  }
  [[nodiscard]] MemoryPtr allocate(std::uint64_t size) const override {
    check_size(size);
    return std::make_shared<OwnBlock>(size);
  }
  [[nodiscard]] MemoryPtr allocate_with(std::shared_ptr<DeviceAllocator> allocator, std::uint64_t size,
                                        void* stream) const override;
  [[nodiscard]] MemoryPtr adopt(std::uintptr_t address, std::uint64_t size, std::shared_ptr<const void> owner,
                                void*) const override {
    if (address == 0 && size != 0)
      fail(ErrorCode::invalid_argument, "a null pointer has no " + std::to_string(size) + " bytes");
    return std::make_shared<ForeignBlock>(address, size, std::move(owner));
  }
  [[nodiscard]] std::unique_ptr<Staging> staging(std::size_t size) const override {
    check_size(size);
    return std::make_unique<PageStaging>(size);
  }
  [[nodiscard]] std::unique_ptr<Stream> stream(void*) const override { return std::make_unique<DirectStream>(); }
  [[nodiscard]] std::unique_ptr<Window> window(const Range& range) const override {
    return std::make_unique<HostWindow>(std::span(bytes_of(range), static_cast<std::size_t>(range.size)));
  }
  [[nodiscard]] bool casts(DType to, DType from) const noexcept override { return tensor::can_cast(from, to); }

 private:
  /// The system would promise more than it has, and end the process when that is used.
  void check_size(std::uint64_t size) const {
    if (size > info_.max_allocation)
      fail(ErrorCode::memory, "this process may use " + human_bytes(info_.max_allocation) + " of memory, but " +
                                  human_bytes(size) + " were asked for");
  }

  const DeviceInfo info_;
};

MemoryPtr CpuPort::allocate_with(std::shared_ptr<DeviceAllocator> allocator, std::uint64_t size, void* stream) const {
  if (size == 0) return allocate(0);
  auto lent = std::make_shared<const Lent>(std::move(allocator), Device{}, size, stream);
  const std::uintptr_t address = lent->address();
  return adopt(address, size, std::move(lent), nullptr);
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const std::size_t begin = line.find_first_not_of(" \t", std::min(line.find(':'), line.size() - 1) + 1);
    return begin == std::string::npos ? "CPU" : line.substr(begin);
  }
  return "CPU";  // not every architecture has the line
}

}  // namespace

Backend open_cpu(const DeviceSearch&) {
  DeviceInfo info;
  info.name = processor_name();
  info.total_memory = host_memory().total;
  info.max_allocation = info.total_memory;
  info.host_memory = true;
  return {.type = DeviceType::cpu, .ports = {std::make_shared<CpuPort>(std::move(info))}, .absence = {}};
}

}  // namespace sconce::device
