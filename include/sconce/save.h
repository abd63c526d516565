// Saving: a checkpoint becomes a file of some format, atomically and durably, or bytes in a sink.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/byte_source.h>
#include <sconce/checkpoint.h>
#include <sconce/export.h>
#include <sconce/options.h>

namespace sconce {
inline namespace v0 SCONCE_API {

struct SaveOptions {
  /// "pytorch-zip", "pytorch-legacy" or "safetensors"; empty: by the target's suffix (`.safetensors`; else pytorch-zip).
  std::string format;
  /// Replace an existing file. Where false, an existing target is an Error (`exists`) and is not touched.
  bool overwrite = true;
  /// Leave out what the target format cannot hold, and list it in the report. Where false, that is an Error
  /// (`unsupported`) that lists it, and nothing is written.
  bool drop = false;
  /// Write the device tags of the tree ("cuda:0"). Where false, "cpu", so that every PyTorch opens the file anywhere.
  bool keep_device = false;
  /// Position of every record's bytes in a pytorch-zip is a multiple of this: a power of two, 64 to 32768. PyTorch
  /// writes 64; 4096 serves direct I/O.
  std::uint32_t alignment = 64;
  /// fsync the file before it takes its name, and the folder after. Where false, a crash of the system soon after may
  /// leave the old file; never half of the new one, never neither.
  bool durable = true;
  /// Go on although a checksum that the input records is wrong.
  bool ignore_checksums = false;
  ProgressFunction progress;
  std::stop_token cancel;
};

/// What a save did.
struct SaveReport {
  std::string format;
  std::uint64_t bytes = 0;                 ///< written
  std::vector<std::string> dropped;        ///< what the target could not hold: "path: what it is"
  std::vector<std::string> notes;          ///< what is in the file in another form, or was left out as meaningless
};

/// Save to a path. The new file appears under its name only when it is whole and (if durable) on the disk; on any
/// failure the old file is as it was and nothing is left behind.
///
/// Errors: `unsupported` (what the format cannot hold), `hostile` (a tree that would execute something), `checksum`,
/// `exists`, `io`, and those of reading the tensors.
SaveReport save(const Checkpoint& checkpoint, const std::string& path, const SaveOptions& options = {});
/// The same bytes, in order, to a sink. `format` must be given; `overwrite` and `durable` mean nothing here.
SaveReport save(const Checkpoint& checkpoint, ByteSink& sink, const SaveOptions& options = {});

/// Formats that save() writes.
[[nodiscard]] std::vector<std::string_view> writable_formats();
/// The format that a file name chooses.
[[nodiscard]] std::string_view format_for_path(std::string_view path) noexcept;

/// Write one tensor as a NumPy `.npy` file (version 1.0, row-major, little-endian), atomically and durably. Errors:
/// `unsupported` for dtypes that NumPy lacks (bfloat16, float8 …); those of save().
void save_npy(const Tensor& tensor, const std::string& path, const SaveOptions& options = {});
/// Write a tensor's elements as Tensor::copy_to arranges them, little-endian, and nothing else.
void save_raw(const Tensor& tensor, const std::string& path, const SaveOptions& options = {});

}  // namespace v0
}  // namespace sconce
