// What a Storage handle points at.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <sconce/byte_source.h>
#include <sconce/dtype.h>
#include <sconce/tensor.h>

namespace sconce {
inline namespace v0 {

/// Where a storage's bytes are, when they are not in a file or in memory. `memory` is a device::Memory, which only the
/// rooms above look into.
struct DevicePlace {
  Device device;
  std::uintptr_t address = 0;
  std::uint64_t offset = 0;   ///< bytes from there to the storage, where the address is no number (a cl_mem)
  std::shared_ptr<const void> memory;
};

/// Where storages come from: one for an archive, a stream, a block of memory. Turns a storage's handle into bytes when
/// somebody needs them, and not before.
///
/// Thread rule: every function may be called from many threads at once.
class StorageOrigin {
 public:
  StorageOrigin() = default;
  StorageOrigin(const StorageOrigin&) = delete;
  StorageOrigin& operator=(const StorageOrigin&) = delete;
  virtual ~StorageOrigin() = default;

  /// A source of exactly `nbytes` bytes. The first touch checks what was not checked at open (an archive's local
  /// header). Errors: `damaged`, `truncated`, `io`, `limit`.
  [[nodiscard]] virtual SourcePtr open(std::uint64_t handle, std::uint64_t nbytes) const = 0;
  /// Entry of the archive, or empty.
  [[nodiscard]] virtual std::string record(std::uint64_t) const { return {}; }
  [[nodiscard]] virtual std::optional<RecordedChecksum> checksum(std::uint64_t) const { return {}; }
  /// Nothing for bytes of files and of this process's memory.
  [[nodiscard]] virtual std::optional<DevicePlace> device_place(std::uint64_t) const { return {}; }
  /// Whether the bytes are in memory of this process already, and not only mapped from a file.
  [[nodiscard]] virtual bool in_memory(std::uint64_t /*handle*/, std::uint64_t /*nbytes*/) const { return false; }
  /// Whether a view that an opened source gives lives as long as this origin, not only as long as that source.
  [[nodiscard]] virtual bool views_last(std::uint64_t) const { return true; }
};

/// Immutable once it is shared. The pointers live as long as the table (or holder) that the handle keeps alive.
struct StorageData {
  const StorageOrigin* origin = nullptr;   ///< null only where nbytes is 0
  std::uint64_t handle = 0;                ///< means something to the origin
  std::uint64_t nbytes = 0;
  const std::string* location = nullptr;   ///< device tag; null: "cpu"
  DType dtype = DType::uint8;
  bool typed = false;                      ///< false: UntypedStorage, `dtype` means nothing
  std::endian byte_order = std::endian::native;
};

/// Slices of one source; the handle is the offset of the first byte.
class SourceOrigin : public StorageOrigin {
 public:
  explicit SourceOrigin(SourcePtr source) : source_(std::move(source)) {}
  [[nodiscard]] SourcePtr open(std::uint64_t handle, std::uint64_t nbytes) const override;
  [[nodiscard]] bool in_memory(std::uint64_t handle, std::uint64_t nbytes) const override;

 private:
  SourcePtr source_;
};

/// A storage of its own over a source.
[[nodiscard]] Storage storage_over(SourcePtr source, DType dtype, std::endian byte_order = std::endian::native,
                                   std::string location = "cpu");
/// The bytes of a storage. Errors: those of StorageOrigin::open.
[[nodiscard]] SourcePtr open_storage(const StorageData& data);

}  // namespace v0
}  // namespace sconce
