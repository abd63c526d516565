// Options of loading and saving: plain structs with documented defaults.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string_view>

#include <sconce/byte_source.h>
#include <sconce/export.h>

namespace sconce {
inline namespace v0 SCONCE_API {

/// What a file may cost. Every length, count and depth of a file passes these before anything is allocated. The
/// defaults let every real checkpoint through and stop every bomb.
struct Limits {
  /// Memory for the tree and for indexes, in bytes: this much, and `memory_per_metadata_byte` times the bytes of
  /// metadata (archive directory, pickle, header) that were read so far.
  std::uint64_t memory_base = std::uint64_t{64} << 20;
  std::uint64_t memory_per_metadata_byte = 8;
  /// Bytes that one compressed record may inflate to.
  std::uint64_t inflated_record = std::uint64_t{64} << 30;
  /// Bytes that compressed metadata (a deflated pickle) may inflate to: so many in all, and beyond 8 MiB so many for
  /// each compressed byte. Pickles of checkpoints shrink to a tenth at best, bombs to a thousandth.
  std::uint64_t inflated_metadata = std::uint64_t{1} << 30;
  std::uint64_t inflated_per_metadata_byte = 64;
  /// Paths that a listing follows before it stops with a note: at most this many, and not many more than the tree has
  /// values (16 for each, and 100,000). A graph of shared containers can have exponentially many.
  std::uint64_t paths = 16'000'000;
  /// How many bytes a tensor may have for each byte of its storage when its elements are laid out in full. An expanded
  /// tensor (stride 0) can present a few bytes as exabytes. Also, times 1/64, how many times as large as the file that
  /// it came from a saved file may be, beyond 1 GiB.
  std::uint64_t expansion = 4096;
  /// Files inside files (a pickle that carries `torch.save` bytes).
  unsigned nesting = 8;
};

/// What a long operation has done so far.
struct ProgressReport {
  std::string_view stage;        ///< "write", "verify", "compare", "hash"; valid during the call
  std::uint64_t done = 0;        ///< bytes
  std::uint64_t total = 0;       ///< bytes; 0 where unknown
};

/// Called now and then from the thread that does the work; must not call back into the same Checkpoint's mutating
/// functions. An exception thrown from it ends the operation as cancellation does.
using ProgressFunction = std::function<void(const ProgressReport&)>;

/// Opening reads metadata only, so there is no progress to tell of.
struct LoadOptions {
  FileAccess access = FileAccess::mapped;
  Limits limits;
  /// Looked at as the tree grows; Error `cancelled`. Later reads of tensors do not ask it.
  std::stop_token cancel;
};

}  // namespace v0
}  // namespace sconce
