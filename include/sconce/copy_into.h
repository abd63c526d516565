// Elements of tensors into memory of the caller: weights into a model that is there already, without a second copy.
#pragma once

#include <cstddef>
#include <span>
#include <stop_token>
#include <string>

#include <sconce/dtype.h>
#include <sconce/export.h>
#include <sconce/options.h>
#include <sconce/tensor.h>
#include <sconce/transfer.h>

namespace sconce {
inline namespace v0 SCONCE_API {

/// A tensor, and the memory that is to have its elements.
struct CopyTarget {
  Tensor tensor;
  DType dtype = DType::float32;  ///< of the elements in memory; where it is not the tensor's, they are cast
  std::span<std::byte> into;     ///< row-major, this machine's byte order: exactly as many bytes as they take
  std::string name;              ///< for errors
};

struct CopyIntoOptions {
  /// `verify`: before the first byte is written, all bytes are read once, and compared with the checksums that the file
  /// records. What a damaged file or a failing disk has to say is said then, and nothing was changed. Costs as much as
  /// reading twice, the second time from the page cache. `skip`: that the files still have the bytes is all that is
  /// checked before.
  Checksums checksums = Checksums::verify;
  unsigned threads = 0;       ///< that read; 0: as many as the process may use
  ProgressFunction progress;  ///< stage "load", once for each pass; called in the caller's thread
  std::stop_token cancel;
};

/// What a copy did: MoveReport has bytes, checksums, ways, and the seconds of "check" and "read".
///
/// Fills the memory of all targets, which must not overlap: large files with all threads, casts on the way, views and
/// other byte orders too. Takes no memory of its own but small buffers. Where a tensor lies in the very memory that it
/// is wanted in, nothing is done.
///
/// All or nothing, as far as that goes without a second copy: everything that can be known (sizes, dtypes, files that
/// are too short and, with `verify`, checksums and reads that fail) is an Error before the first byte is written, and so
/// is cancellation. What goes wrong after that (a file that somebody changes, a disk that fails, at that moment; a
/// progress function that throws) leaves some targets with new elements and some with old ones, and the Error says so.
///
/// Errors: `invalid_argument` where a target has another size than its elements, `wrong_type` for tensors without
/// elements of their own (sparse, meta), `unsupported` where there is no cast, and those of reading. Thread rule: const
/// use of the tensors; the memory is the caller's.
MoveReport copy_into(std::span<const CopyTarget> targets, const CopyIntoOptions& options = {});

}  // namespace SCONCE_API
}  // namespace sconce
