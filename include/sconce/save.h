// Saving: a checkpoint becomes a file of some format, atomically and durably, or bytes in a sink.
#pragma once

#include <cstdint>
#include <memory>
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
  /// "pytorch-zip", "pytorch-legacy" or "safetensors"; empty: by the target's suffix (`.safetensors`; else
  /// pytorch-zip).
  std::string format;
  /// Replace an existing file. Where false, an existing target is an Error (`exists`) and is not touched.
  bool overwrite = true;
  /// Leave out what the target format cannot hold, and list it in the report. Where false, that is an Error
  /// (`unsupported`) that lists it, and nothing is written.
  bool drop = false;
  /// Write the device tags of the tree ("cuda:0"). Where false, "cpu", so that every PyTorch opens the file anywhere.
  bool keep_device = false;
  /// Write sparse CSR tensors as PyTorch 1.11 to 1.13 do (_rebuild_sparse_csr_tensor), which no other release reads.
  /// rewrite_for() sets it where the target is one of these.
  bool old_sparse_csr = false;
  /// Position of every record's bytes in a pytorch-zip is a multiple of this: a power of two, 64 to 32768. PyTorch
  /// writes 64; 4096 serves direct I/O.
  std::uint32_t alignment = 64;
  /// fsync the file before it takes its name, and the folder after. Where false, a crash of the system soon after may
  /// leave the old file; never half of the new one, never neither.
  bool durable = true;
  /// Go on although a checksum that the input records is wrong.
  bool ignore_checksums = false;
  /// A description of the model's structure (`to_json(module_tree(checkpoint))`, structure.h), to be written beside the
  /// tree in place of the one that the input carried. Empty: what the input carried is kept. pytorch-legacy has no place
  /// for one (`unsupported`, or dropped).
  std::string structure;
  /// Threads that may work: 0: as many as are of use (one reads and checks while another writes; snapshots are copied
  /// by all that the process may use); 1: the caller's alone, or, of save_async, the one in the background.
  unsigned threads = 0;
  ProgressFunction progress;  ///< stages "snapshot" (of save_async) and "write"
  std::stop_token cancel;
};

/// What a save did.
struct SaveReport {
  std::string format;
  std::uint64_t bytes = 0;           ///< written
  std::vector<std::string> dropped;  ///< what the target could not hold: "path: what it is"
  std::vector<std::string> notes;    ///< what is in the file in another form, or was left out as meaningless
};

/// Save to a path. The new file appears under its name only when it is whole and (if durable) on the disk; on any
/// failure the old file is as it was and nothing is left behind.
///
/// Errors: `unsupported` (what the format cannot hold), `hostile` (a tree that would execute something), `checksum`,
/// `exists`, `io`, and those of reading the tensors.
SaveReport save(const Checkpoint& checkpoint, const std::string& path, const SaveOptions& options = {});
/// The same bytes, in order, to a sink. `format` must be given; `overwrite` and `durable` mean nothing here.
SaveReport save(const Checkpoint& checkpoint, ByteSink& sink, const SaveOptions& options = {});

/// Memory of snapshots. One that is used again costs no page faults, which take longer than the copy itself; keep it as
/// long as snapshots are taken. Copies of the handle are the same pool. Thread-safe.
class SnapshotPool {
 public:
  SnapshotPool();
  /// Bytes that are kept for the next snapshot now.
  [[nodiscard]] std::uint64_t idle_bytes() const noexcept;
  /// Gives those back to the system.
  void trim() noexcept;
  struct State;  // not public
  [[nodiscard]] const std::shared_ptr<State>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<State> state_;
};

/// A save that goes on behind the caller's back.
///
/// Thread rule: done(), progress() and cancel() from many threads; the rest is exclusive. After a fork, the save
/// belongs to the parent: in a child, wait() is an Error (`invalid_argument`), cancel() does nothing, and the
/// destructor does not wait.
class SaveHandle {
 public:
  struct State;  // not public
  explicit SaveHandle(std::unique_ptr<State> state) noexcept;
  SaveHandle(SaveHandle&& other) noexcept;
  /// Waits for the save that was held before.
  SaveHandle& operator=(SaveHandle&& other) noexcept;
  /// Waits; an error that nobody asked for is lost.
  ~SaveHandle();

  /// Waits for the end and tells what was done; again and again the same. Errors: those of save().
  SaveReport wait();
  /// Asks it to end soon; wait() then throws `cancelled`, unless the file was done already.
  void cancel() noexcept;
  /// Whether wait() would return at once.
  [[nodiscard]] bool done() const noexcept;
  /// Bytes that are written so far.
  [[nodiscard]] ProgressReport progress() const noexcept;

 private:
  std::unique_ptr<State> state_;
};

/// Save what the checkpoint is now, and return as soon as it is safe to change it, and the memory under its tensors:
/// bytes in memory and on devices are copied (about the time of one memcpy), bytes of files are not, since files are
/// not changed in place; what is made when it is read (casts, decompressed records) is made now. One thread, and a
/// second for a large file, then do what save() does.
///
/// `options.progress` is called with stage "snapshot" by the caller's thread, and with stage "write" by the thread in
/// the background, where it must not call SaveHandle::wait(). Errors: what is known before a byte is written
/// (`unsupported`, `hostile`, `memory`, and those of reading memory and devices) is thrown here; all others come out of
/// SaveHandle::wait().
[[nodiscard]] SaveHandle save_async(const Checkpoint& checkpoint, const std::string& path,
                                    const SaveOptions& options = {}, const SnapshotPool& pool = {});

/// Formats that save() writes.
[[nodiscard]] std::vector<std::string_view> writable_formats();
/// The format that a file name chooses.
[[nodiscard]] std::string_view format_for_path(std::string_view path) noexcept;

/// Write one tensor as a NumPy `.npy` file (version 1.0, row-major, little-endian), atomically and durably. Errors:
/// `unsupported` for dtypes that NumPy lacks (bfloat16, float8 …); those of save().
void save_npy(const Tensor& tensor, const std::string& path, const SaveOptions& options = {});
/// Write a tensor's elements as Tensor::copy_to arranges them, little-endian, and nothing else.
void save_raw(const Tensor& tensor, const std::string& path, const SaveOptions& options = {});

}  // namespace SCONCE_API
}  // namespace sconce
