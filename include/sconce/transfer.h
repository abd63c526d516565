// Moving a checkpoint: where each storage goes, in which dtype and memory format, and by which way.
//
// Loading moves nothing: tensors stay where the file has them until somebody asks. `Checkpoint::to()` moves.
//
// Thread rule: everything here is a plain value; copies may be used from different threads. Sizes are bytes, times are
// seconds. The meaning of map_location is that of torch.load (torch/serialization.py, _get_restore_location), with what
// it would refuse answered instead; dtypes and memory formats are those of torch.Tensor.to.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sconce/device.h>
#include <sconce/dtype.h>
#include <sconce/export.h>
#include <sconce/options.h>
#include <sconce/tensor.h>

namespace sconce {
inline namespace v0 SCONCE_API {

/// A storage that is to be moved, as a function of MapLocation sees it. Valid during the call.
struct StorageFacts {
  std::string_view name;      ///< of the first tensor that shows it
  std::string_view location;  ///< as saved: "cuda:3", "mps" …
  std::uint64_t nbytes = 0;   ///< it will take, after casts
};

/// How much of a device may be filled.
struct DeviceBudget {
  Device device;
  std::uint64_t bytes = UINT64_MAX;  ///< at most this much, and never more than is free
};

/// Where storages go: PyTorch's map_location, and more. Decided for each storage, so that aliases stay aliases. A
/// device that is named and not here is an Error when something moves, never when it is only named.
class MapLocation {
 public:
  /// The device that was saved where there is such a one here, else the CPU; the report says which.
  MapLocation() = default;
  /// Everything there.
  MapLocation(Device device);          // NOLINT(google-explicit-constructor): map_location = device, as in PyTorch
  MapLocation(std::string_view text);  // NOLINT: as parse()
  MapLocation(const char* text) : MapLocation(std::string_view(text)) {}  // NOLINT
  /// Saved location, as the file spells it ("cuda:0", "mps"), → wanted device. What is not in the map is as with the
  /// default.
  MapLocation(std::map<std::string, Device> map);  // NOLINT
  /// Asked once for each storage, by the thread that calls to(), before anything is read; nothing: as with the default.
  /// What it throws ends the move. Must not touch the checkpoint.
  using Function = std::function<std::optional<Device>(const StorageFacts&)>;
  MapLocation(Function function);  // NOLINT
  /// Fill these one after another, in the order of the tree; tensors of one module stay together, and so do those of
  /// one numbered block ("layers.7"). A module that fits nowhere is an Error (`memory`) before anything is read.
  [[nodiscard]] static MapLocation budget(std::vector<DeviceBudget> budgets);
  /// "auto", a device, "cuda:0=cpu,cuda:1=cuda:0" (a map), "fill:cuda:0=10GiB,cuda:1,cpu" (a budget). Errors:
  /// `invalid_argument`.
  [[nodiscard]] static MapLocation parse(std::string_view text);

  enum class Kind : std::uint8_t { automatic, device, map, function, budget };
  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] Device device() const noexcept { return device_; }
  [[nodiscard]] const std::map<std::string, Device>& map() const noexcept { return map_; }
  [[nodiscard]] const Function& function() const noexcept { return function_; }
  [[nodiscard]] const std::vector<DeviceBudget>& budgets() const noexcept { return budgets_; }

 private:
  Kind kind_ = Kind::automatic;
  Device device_;
  std::map<std::string, Device> map_;
  Function function_;
  std::vector<DeviceBudget> budgets_;
};

/// Tensors whose name matches become `to`. The first rule that matches a tensor counts. Numbers are rounded to the
/// nearest, ties to even, as PyTorch rounds (docs/casts.md); NumPy arrays and quantised tensors are never cast.
struct CastRule {
  std::string pattern = "*";  ///< shell pattern on names: '*' is any text, '?' one character
  std::optional<DType> from;  ///< only tensors of this dtype; nothing: all floating-point ones
  DType to = DType::float32;
};

/// torch.preserve_format, torch.contiguous_format (row-major) and torch.channels_last (the strides of N, H, W, C for a
/// tensor of shape N, C, H, W). Values and shapes stay.
enum class MemoryFormat : std::uint8_t { preserve, contiguous, channels_last };

/// How bytes come into memory of the process. `automatic` decides by evidence: what is in the page cache, which file
/// system, how large. The others exist so that each can be tried.
enum class Way : std::uint8_t {
  automatic,
  view,        ///< no copy: mapped files stay mapped; what cannot (a cast, another device) is brought as by `automatic`
  read,        ///< large positioned reads by all threads into huge pages: for what is in the page cache
  sequential,  ///< one thread, front to back: for what must come from the disk through the page cache
  direct,      ///< O_DIRECT with several reads under way: past the page cache
  ring,        ///< the same through io_uring, where the kernel allows it
  copy,        ///< map and memcpy
};
[[nodiscard]] std::string_view to_string(Way way) noexcept;
/// Errors: nothing where there is no such way.
[[nodiscard]] std::optional<Way> way_from_string(std::string_view name) noexcept;

/// Whether checksums that a file records (CRC-32 of zip records) are compared with what is read. Files without any, as
/// safetensors, have nothing to compare.
enum class Checksums : std::uint8_t { verify, skip };

/// What Checkpoint::to() and plan_move() are asked. Everything has a default; to(MapLocation) needs nothing else.
struct MoveOptions {
  MapLocation map_location;
  /// Empty: every tensor keeps its dtype.
  std::vector<CastRule> cast;
  /// channels_last: contiguous tensors of four dimensions; others stay as they are, and the report says which.
  MemoryFormat memory_format = MemoryFormat::preserve;
  /// Checksums that the file records of storages that are read whole.
  Checksums checksums = Checksums::verify;
  Way way = Way::automatic;
  /// Whether storages that go to the CPU get memory of their own. Where false, those that need no cast stay where they
  /// are (views of the mapped file), and casts are done when bytes are read.
  bool own = true;
  /// Threads that read; 0: as many as the process may use (affinity and cgroup quota).
  unsigned threads = 0;
  /// Buffers between file and device, in bytes: the most that a load to a device takes from the host.
  std::uint64_t staging = std::uint64_t{256} << 20;
  /// Host memory that may be taken; 0: what the system and the cgroup have left.
  std::uint64_t host_memory = 0;
  /// Devices that were found before; nothing: they are looked for where map_location needs them.
  std::optional<Devices> devices;
  /// For device memory; null: the driver's.
  std::shared_ptr<DeviceAllocator> allocator;
  /// A stream of the caller's (CUstream, cl_command_queue) on which copies are queued; null: one of our own.
  /// With an allocator it must live as long as the tensors: later reads are ordered behind it.
  void* stream = nullptr;
  ProgressFunction progress;  ///< stage "load"; called in the caller's thread
  std::stop_token cancel;
};

/// What goes, or went, to one device.
struct DeviceShare {
  Device device;
  std::uint64_t storages = 0;
  std::uint64_t bytes = 0;  ///< it takes there
  std::uint64_t free = 0;   ///< bytes, before
  bool fits = true;
  double seconds = 0;  ///< of a plan: what bringing it there is expected to take
};

/// What became of numbers that the new dtype cannot hold.
struct CastCounts {
  std::uint64_t elements = 0;
  std::uint64_t to_infinity = 0;  ///< finite numbers that became infinite
  std::uint64_t to_nan = 0;       ///< numbers and infinities that became NaN (a dtype without infinities)
  std::uint64_t to_largest = 0;   ///< those beyond the largest number that became that (float8_e4m3fn)
  std::uint64_t to_zero = 0;      ///< numbers that became zero
  std::uint64_t out_of_range =
      0;  ///< NaN and numbers that an integer, or float8_e8m0fnu (no zero, no sign), cannot hold
};

/// What a move did, or, of a plan, would do. `casts` counts the rules of this move; casts that Checkpoint::cast() made
/// before count in Checkpoint::cast_counts().
struct MoveReport {
  std::vector<DeviceShare> devices;
  std::uint64_t bytes_read = 0;   ///< from files and other sources
  std::uint64_t bytes_moved = 0;  ///< as they arrived, after casts
  std::uint64_t host_memory = 0;  ///< most bytes of host memory that are taken at once, results on the CPU included
  std::uint64_t checksums = 0;    ///< that were compared
  std::uint64_t cached = 0;       ///< bytes of bytes_read that were in the page cache before
  double seconds = 0;             ///< it took; of a plan, the expectation
  std::vector<std::pair<Way, std::uint64_t>> ways;     ///< bytes by way
  std::vector<std::pair<std::string, double>> stages;  ///< seconds of: "plan", "allocate", "read", "copy"
  std::map<std::string, Device> placed;                ///< location as saved → device, where that was one for all
  CastCounts casts;
  std::vector<std::string>
      notes;  ///< for people: what was not there and where it went instead, what was left as it was
};

}  // namespace SCONCE_API
}  // namespace sconce
