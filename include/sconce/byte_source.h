// Bytes that can be read, wherever they are: a file, memory, a descriptor, a stream; and bytes that can be written to.
//
// Ownership: sources are held by std::shared_ptr; a view lives as long as the source that gave it.
// Thread rule: every const function of a source may be called from many threads at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <sconce/export.h>

namespace sconce {
inline namespace v0 SCONCE_API {

/// A run of bytes in an open file: what `copy_file_range`, `pread` and O_DIRECT work with.
struct FileExtent {
  int descriptor = -1;        ///< open for reading; owned by the source that gave the extent
  std::uint64_t offset = 0;   ///< bytes from the start of the file
  std::uint64_t size = 0;     ///< bytes
};

/// Bytes that can be read at any position.
///
/// Implement it to load from somewhere else (an archive of your own, a network store).
class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource();

  /// Number of bytes. For a stream that is still arriving, reads it to its end.
  [[nodiscard]] virtual std::uint64_t size() const = 0;

  /// Fill `into` with the bytes from `offset` on: all of them, or an Error (`truncated` where the source ends before,
  /// `io` where the system fails). Interrupted and short reads are continued.
  virtual void read_at(std::uint64_t offset, std::span<std::byte> into) const = 0;

  /// The bytes in memory without a copy, where the source can give them; an empty span with a null pointer where it
  /// cannot. `offset + size` must lie inside the source.
  [[nodiscard]] virtual const std::byte* view(std::uint64_t offset, std::uint64_t size) const;

  /// Where the bytes lie in an open file, where they lie in one, as they are.
  [[nodiscard]] virtual std::optional<FileExtent> extent(std::uint64_t offset, std::uint64_t size) const;

  /// Whether `offset` bytes are there, without reading a stream further than that.
  [[nodiscard]] virtual bool reaches(std::uint64_t offset) const { return offset <= size(); }

  /// Name for messages: a path, "standard input", "memory".
  [[nodiscard]] virtual const std::string& name() const noexcept = 0;
};

using SourcePtr = std::shared_ptr<const ByteSource>;

/// How the bytes of a file come into memory.
enum class FileAccess : std::uint8_t {
  /// Tensor bytes are viewed through a private read-only mapping, without a copy. If another process cuts the file
  /// short while it is mapped, touching the lost pages raises SIGBUS, as with every mapping; Sconce installs no signal
  /// handler. Metadata is never viewed through the mapping. The default.
  mapped,
  /// Nothing is mapped; whatever asks for bytes gets a copy. Safe against files that others change.
  owned,
};

/// Open a file for reading; its size is what it is now. A FIFO or a character device is read as open_descriptor() reads
/// a pipe. A file on a network file system is never mapped: a lost connection would raise SIGBUS. Errors: `io`.
[[nodiscard]] SourcePtr open_file(const std::string& path, FileAccess access = FileAccess::mapped);

/// Read an open descriptor; it is duplicated, so the caller may close its own. A regular file is read from its start,
/// wherever the descriptor stands. What is no regular file (a pipe) is read as it arrives and kept for as long as the source lives, up to `spool_limit` bytes: the first 64 MiB in memory, the
/// rest in an unlinked temporary file. Errors: `io`, `limit`.
[[nodiscard]] SourcePtr open_descriptor(int descriptor, std::string name, FileAccess access = FileAccess::mapped,
                                        std::uint64_t spool_limit = std::uint64_t{1} << 36);

/// Read a stream from its current position to its end, as a pipe is read. The stream must outlive the source and what
/// was made from it, and is the source's alone for that time.
[[nodiscard]] SourcePtr open_stream(std::istream& stream, std::string name = "stream",
                                    std::uint64_t spool_limit = std::uint64_t{1} << 36);

/// Bytes in memory. `owner` is held for as long as the source lives; without one the caller keeps the bytes alive for
/// as long as any Checkpoint, Storage or Tensor made from them.
[[nodiscard]] SourcePtr memory_source(std::span<const std::byte> bytes, std::shared_ptr<const void> owner = {},
                                      std::string name = "memory");

/// Bytes that are written in order.
class ByteSink {
 public:
  virtual ~ByteSink();
  /// Take all of `bytes`, or throw.
  virtual void write(std::span<const std::byte> bytes) = 0;
};

}  // namespace v0
}  // namespace sconce
