#include <algorithm>
#include <string>
#include <utility>

#include "base/checked.h"
#include "base/fail.h"
#include "base/text.h"
#include "model/move.h"
#include "model/storage_use.h"
#include "tensor/storage_data.h"

namespace sconce::model {
namespace {

/// Names are asked for by functions and budgets; for all others no tree is walked.
bool needs_names(const MapLocation& where) {
  return where.kind() == MapLocation::Kind::function || where.kind() == MapLocation::Kind::budget;
}

class MovePlanner {
 public:
  MovePlanner(const Checkpoint::State& state, const MoveOptions& options, transfer::DeviceFinder& finder)
      : document_(*state.document), options_(options), finder_(finder) {
    plan_.casts = plan_casts(state, options.cast);
    plan_.formats = plan_formats(state, options.memory_format, plan_.casts);
    wants_.reserve(document_.storage_count());
    if (needs_names(options.map_location)) {
      const StorageNames names(state);
      for (const std::uint32_t number : names.order()) add(number, names[number]);
    } else {
      // Bytes of what was taken out of the tree go nowhere.
      const std::vector<bool> reached = storage_use(state).reached;
      for (std::uint32_t number = 0; number < document_.storage_count(); ++number)
        if (reached[number]) add(number, {});
    }
  }

  MovePlan run() {
    std::vector<transfer::Item> items;
    items.reserve(wants_.size());
    for (const Want& want : wants_)
      items.push_back({want.name, document_.storage_at(want.number).location(), want.storage.nbytes()});
    transfer::Placement placement = transfer::place(items, options_.map_location, finder_);
    plan_.loads.reserve(wants_.size());
    for (std::size_t at = 0; at < wants_.size(); ++at) sort(std::move(wants_[at]), placement.devices[at]);
    plan_.report.placed = std::move(placement.placed);
    for (auto* notes : {&placement.notes, &plan_.casts.notes, &plan_.formats.notes})
      plan_.report.notes.insert(plan_.report.notes.end(), notes->begin(), notes->end());
    count_host_memory();
    return std::move(plan_);
  }

 private:
  struct Want {
    std::uint32_t number;
    std::string name;
    Storage storage;
    bool changed;
    const StorageCast* cast = nullptr;
  };

  void add(std::uint32_t number, const std::string& name) {
    const Storage& old = document_.storage_at(number);
    if (const auto arranged = plan_.formats.storages.find(number); arranged != plan_.formats.storages.end())
      return wants_.push_back({number, name, arranged->second.storage, true});
    if (const auto cast = plan_.casts.storages.find(number); cast != plan_.casts.storages.end())
      return wants_.push_back({number, name, cast->second.storage, true, &cast->second});
    wants_.push_back({number, name, old, false});
  }

  void sort(Want want, Device to) {
    std::optional<std::uint32_t> crc32;
    if ((!want.changed || want.cast != nullptr) && options_.checksums == Checksums::verify) {
      const auto recorded = document_.storage_at(want.number).checksum();
      if (recorded && recorded->crc32 != 0) crc32 = recorded->crc32;
    }
    const bool stay = stays(want, to);
    StorageMove move{want.number, std::move(want.storage), to, crc32, want.cast};
    if (to.type == DeviceType::meta) return plan_.metas.push_back(std::move(move));
    if (stay) return plan_.relabels.push_back(std::move(move));
    DeviceShare& share = share_of(to);
    share.storages += 1;
    share.bytes = checked_add(share.bytes, move.from.nbytes()).value_or(UINT64_MAX);
    plan_.report.bytes_read += document_.storage_at(move.number).nbytes();
    plan_.report.bytes_moved += move.from.nbytes();
    plan_.loads.push_back(std::move(move));
  }

  [[nodiscard]] bool stays(const Want& want, Device to) const {
    const StorageData& data = *want.storage.data();
    const Device from = want.storage.device();
    if (want.storage.nbytes() == 0) return to.type == DeviceType::cpu;
    if (to.type != DeviceType::cpu) return from == to && !want.changed;
    if (!options_.own || options_.way == Way::view) return from.type == DeviceType::cpu;
    return data.origin->in_memory(data.handle, data.nbytes);
  }

  DeviceShare& share_of(Device device) {
    for (DeviceShare& known : plan_.report.devices)
      if (known.device == device) return known;
    DeviceShare made;
    made.device = device;
    made.free = finder_.free(device);
    plan_.report.devices.push_back(made);
    return plan_.report.devices.back();
  }

  void count_host_memory() {
    std::uint64_t staging = 0;
    std::uint64_t shared = 0;  // of the CPU's memory, by all devices that have no other
    for (DeviceShare& one : plan_.report.devices) {
      if (finder_.shares_host(one.device))
        shared = checked_add(shared, one.bytes).value_or(UINT64_MAX);
      else
        staging = std::max(staging, std::min(options_.staging, one.bytes));
      one.fits = one.bytes <= one.free && shared <= finder_.free({});
    }
    plan_.report.host_memory = checked_add(shared, staging).value_or(UINT64_MAX);
  }

  const tree::Document& document_;
  const MoveOptions& options_;
  transfer::DeviceFinder& finder_;
  std::vector<Want> wants_;
  MovePlan plan_;
};

std::string advice_for(const DeviceShare& share) {
  if (share.device.type == DeviceType::cpu)
    return "cast to a smaller dtype, load a part, or leave the bytes in the file (own = false)";
  return "cast to a smaller dtype, or divide it: a budget (fill:" + share.device.to_string() + ",cpu) takes " +
         human_bytes(share.free) + " there and the rest elsewhere";
}

}  // namespace

MovePlan plan_move(const Checkpoint::State& state, const MoveOptions& options, transfer::DeviceFinder& finder) {
  return MovePlanner(state, options, finder).run();
}

void require_room(const MovePlan& plan) {
  for (const DeviceShare& share : plan.report.devices) {
    if (share.fits) continue;
    const std::string device = share.device.to_string();
    fail(ErrorCode::memory,
         device + " has " + human_bytes(share.free) + " free, but what goes there takes " + human_bytes(share.bytes) +
             "; nothing was read",
         {}, advice_for(share));
  }
}

}  // namespace sconce::model
