// How long a move is expected to take.
#include <algorithm>
#include <map>

#include "model/move.h"
#include "tensor/cast_source.h"
#include "transfer/costs.h"
#include "transfer/residency.h"

namespace sconce::model {
namespace {

// Enough to be past what a copy costs whatever its size, and over in some milliseconds.
constexpr std::uint64_t kSample = std::uint64_t{16} << 20;

/// How much of a file is in the page cache, asked once for each file.
class CachedShare {
 public:
  /// Of 1; 0 for what lies in no file or where nobody can tell. The file up to the end of this storage stands for all.
  double of(const Storage& storage) {
    if (storage.nbytes() == 0) return 0;
    const SourcePtr source = tensor::plain_source(storage);
    const auto extent = source->extent(0, source->size());
    if (!extent) return 0;
    const auto [known, added] = shares_.emplace(extent->descriptor, 0.0);
    const std::uint64_t end = extent->offset + extent->size;
    if (added && end != 0)
      known->second = static_cast<double>(transfer::cached_bytes(extent->descriptor, 0, end).value_or(0)) /
                      static_cast<double>(end);
    return known->second;
  }

 private:
  std::map<int, double> shares_;
};

double copy_speed(Device device, transfer::DeviceFinder& finder) {
  if (device.type == DeviceType::cpu) return 0;
  for (const DeviceInfo& info : finder.devices().list())
    if (info.device == device && !info.host_memory) return finder.devices().measure(device, kSample).copy_in;
  return 0;
}

/// Bytes that are read, before a cast.
std::uint64_t plain_bytes(const StorageMove& move) {
  if (move.cast == nullptr) return move.from.nbytes();
  return move.from.nbytes() / element_size(move.cast->to) * element_size(move.cast->from);
}

}  // namespace

void expect_times(MovePlan& plan, transfer::DeviceFinder& finder) {
  std::map<Device, transfer::Workload> workloads;
  CachedShare cached;
  // Storages lie in the file one behind another; the last of each device tells what is cached up to there.
  std::map<Device, const Storage*> last;
  for (const StorageMove& move : plan.loads) {
    transfer::Workload& workload = workloads[move.to];
    workload.bytes += plain_bytes(move);
    workload.regions += 1;
    workload.checksums = workload.checksums || move.crc32.has_value();
    last[move.to] = &move.from;
  }
  for (DeviceShare& share : plan.report.devices) {
    transfer::Workload& workload = workloads[share.device];
    if (const Storage* storage = last[share.device])
      workload.cached = static_cast<std::uint64_t>(cached.of(*storage) * static_cast<double>(workload.bytes));
    if (share.fits) workload.copy_in = copy_speed(share.device, finder);
    const transfer::Expectation expected = transfer::expect(workload);
    share.seconds = std::max(expected.read_seconds, expected.copy_seconds);
    plan.report.seconds += share.seconds;
    plan.report.cached += workload.cached;
  }
}

}  // namespace sconce::model
