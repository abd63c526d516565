// What the engine moves: bytes of a source, to memory on the host or on a device.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <utility>
#include <vector>

#include <sconce/byte_source.h>
#include <sconce/error.h>
#include <sconce/transfer.h>

#include "device/port.h"
#include "tensor/cast_count.h"

namespace sconce::transfer {

/// Elements that become others on their way.
struct Cast {
  DType from = DType::uint8;
  DType to = DType::uint8;                  ///< another one, that there is a cast to
  std::endian order = std::endian::native;  ///< of the plain bytes
  std::uint64_t size = 0;                   ///< of the plain bytes
  /// Null: nobody counts.
  std::shared_ptr<const tensor::CastCounter> counter;
  /// Takes what became of some of the elements; called from any thread.
  std::function<void(const CastCounts&)> count;
};

/// One storage's bytes, on their way.
struct Region {
  /// Opens the bytes: exactly `size`; of a region with a cast the plain ones, `cast->size`. Called once, from any of
  /// the engine's threads (a zip record checks its local header here). Two kinds come back: sources with an extent()
  /// over all bytes, which are plain bytes of a file; and others (inflated, cast, on a device), whose read_at() makes
  /// them.
  std::function<SourcePtr()> open;
  std::uint64_t size = 0;  ///< as it arrives
  std::optional<Cast> cast;
  /// CRC-32 of all bytes (plain ones) as the file records it; nothing: none, or none is wanted.
  std::optional<std::uint32_t> crc32;
  /// What the address in memory must be a multiple of (the size of an element), a power of two up to 4096. Regions keep
  /// the alignment that they have in their file; where that is less, they are read apart from their neighbours.
  std::uint32_t alignment = 1;
  /// Adds file, record and key to an Error about this region.
  std::function<void(Error&)> explain;

  /// Bytes that are read.
  [[nodiscard]] std::uint64_t plain_size() const noexcept { return cast ? cast->size : size; }
};

/// Who casts what goes to a device. `automatic`: the device, where the bytes lie in a file and grow by the cast, so
/// that fewer are copied; the host for all others, which it sends smaller. Never a device that cannot, or that shares
/// its memory with the host.
enum class CastPlace : std::uint8_t { automatic, host, device };

/// Bytes on the host. `owner` holds them; several regions share a block.
struct HostBytes {
  std::shared_ptr<const void> owner;
  std::span<const std::byte> bytes;
};

/// Bytes on a device; several regions share a block.
struct DeviceBytes {
  device::MemoryPtr memory;
  std::uint64_t offset = 0;
};

struct EngineOptions {
  Way way = Way::automatic;  ///< not `view`
  unsigned threads = 0;
  std::uint64_t staging = std::uint64_t{256} << 20;
  std::uint64_t host_memory = 0;  ///< that may be taken; 0: what the system and the cgroup have left
  std::shared_ptr<DeviceAllocator> allocator;
  void* stream = nullptr;
  CastPlace cast_place = CastPlace::automatic;
  /// Whether `automatic` may read past the page cache: into memory of the engine's own, which it lays out for that.
  bool past_cache = true;
  ProgressFunction progress;
  std::stop_token cancel;
};

/// What the engine did; a part of MoveReport.
struct EngineReport {
  std::uint64_t bytes_read = 0;
  std::uint64_t cached = 0;
  std::uint64_t checksums = 0;
  std::uint64_t staging = 0;  ///< most bytes of buffers that were held at once
  std::vector<std::pair<Way, std::uint64_t>> ways;
  double allocate_seconds = 0;
  double read_seconds = 0;
  double copy_seconds = 0;
};

/// Memory for all regions, and their bytes in it; neighbours in a file are read together and share a block that keeps
/// the file's layout. `report` counts on. On an Error nothing stays. Errors: `checksum`, `damaged` where a file changed
/// while it was read (size, modification time), `truncated`, `io`, `memory`, `cancelled`; `unsupported` for a way that
/// was asked for and is not possible here.
[[nodiscard]] std::vector<HostBytes> load_to_host(std::span<const Region> regions, const EngineOptions& options,
                                                  EngineReport& report);

/// The same onto a device, through staging buffers or, where the device shows its memory, straight into it.
[[nodiscard]] std::vector<DeviceBytes> load_to_device(std::span<const Region> regions, const device::PortPtr& port,
                                                      const EngineOptions& options, EngineReport& report);

/// The bytes of the regions into memory of the caller, of each from its address on. What goes wrong while they are read
/// (`truncated`, `io`, `checksum`, `damaged`, `cancelled`) leaves some of them there; all else is known before.
void copy_to_host(std::span<const Region> regions, std::span<std::byte* const> addresses, EngineOptions options,
                  EngineReport& report);

/// Reads all bytes and keeps none: whether they can be read, and whether their checksums are right. Casts nothing, and
/// leaves in the page cache what it read. Errors: as load_to_host(), but for `memory`.
void check_regions(std::span<const Region> regions, EngineOptions options, EngineReport& report);

}  // namespace sconce::transfer
