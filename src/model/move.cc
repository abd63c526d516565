// Checkpoint::to(): what was planned is done, and only when every byte has arrived does the tree show it.
#include "model/move.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <sconce/checkpoint.h>

#include "base/fail.h"
#include "device/port.h"
#include "model/storage_use.h"
#include "model/watched_files.h"
#include "tensor/cast_count.h"
#include "tensor/cast_source.h"
#include "tensor/storage_data.h"
#include "transfer/host_storage.h"
#include "transfer/region.h"

namespace sconce {
namespace model {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begun) { return std::chrono::duration<double>(Clock::now() - begun).count(); }

void explain(const Checkpoint::State& state, const StorageMove& move, Error& error) {
  ErrorPlace place;
  place.file = state.facts.name;
  place.record = state.document->storage_at(move.number).record();
  place.key = StorageNames(state)[move.number];  // only walked for where something is wrong
  error.add_place(place);
}

/// One for all storages of a pair of dtypes: making one takes longer than counting small storages.
using Counters = std::map<std::pair<DType, DType>, std::shared_ptr<const tensor::CastCounter>>;

transfer::Cast cast_of(const Storage& old, const StorageMove& move, Counters& counters) {
  transfer::Cast cast;
  cast.from = move.cast->from;
  cast.to = move.cast->to;
  cast.order = old.byte_order();
  cast.size = old.nbytes();
  std::shared_ptr<const tensor::CastCounter>& counter = counters[{cast.from, cast.to}];
  if (!counter) counter = std::make_shared<tensor::CastCounter>(cast.from, cast.to);
  cast.counter = counter;
  cast.count = [&move](const CastCounts& counts) { tensor::add_cast_counts(move.from, counts); };
  return cast;
}

transfer::Region region_of(const Checkpoint::State& state, const StorageMove& move, Counters& counters) {
  transfer::Region region;
  const Storage old = state.document->storage_at(move.number);
  if (move.cast != nullptr && move.cast->from != move.cast->to) region.cast = cast_of(old, move, counters);
  region.open = [data = region.cast ? old.data() : move.from.data()] { return open_storage(*data); };
  region.size = move.from.nbytes();
  region.crc32 = move.crc32;
  // So that data<T>() can view what arrives; 16 bytes is the largest element, for storages that do not say.
  region.alignment = static_cast<std::uint32_t>(move.from.dtype() ? element_size(*move.from.dtype()) : 16);
  region.explain = [&state, &move](Error& error) { explain(state, move, error); };
  return region;
}

CastCounts counts_of(const CastPlan& plan) {
  std::vector<Storage> storages;
  for (const auto& [number, cast] : plan.storages) storages.push_back(cast.storage);
  return sum_of_counts(storages);
}

/// A storage whose bytes stay where they are, on the CPU as its tag says from now on.
Storage relabelled(const Storage& storage) {
  if (storage.location() == "cpu" || storage.device().type != DeviceType::cpu) return storage;
  struct Holder {
    Storage old;
    StorageData data;
  };
  const auto holder = std::make_shared<Holder>(Holder{storage, *storage.data()});
  holder->data.location = nullptr;
  return Storage(std::shared_ptr<const StorageData>(holder, &holder->data));
}

/// Does what a plan says.
class Mover {
 public:
  Mover(Checkpoint::State& state, const MoveOptions& options, MovePlan plan, transfer::DeviceFinder& finder,
        Clock::time_point begun)
      : state_(state),
        options_(options),
        plan_(std::move(plan)),
        finder_(finder),
        begun_(begun),
        plan_seconds_(seconds_since(begun)) {}

  MoveReport run() {
    std::map<Device, std::vector<const StorageMove*>> by_device;
    for (const StorageMove& move : plan_.loads) by_device[move.to].push_back(&move);
    while_unchanged([&] {
      for (const auto& [device, moves] : by_device) load(device, moves);
    });
    for (const StorageMove& move : plan_.relabels) arrived_.emplace_back(move.number, relabelled(move.from));
    if (!plan_.metas.empty()) bare_ = storage_use(state_).bare;
    apply();
    finish(seconds_since(begun_));
    return std::move(plan_.report);
  }

 private:
  /// The engine looks after the files that it reads itself; what is changed on the way is read by sources of ours.
  template <typename Body>
  void while_unchanged(Body&& body) {
    WatchedFiles files;
    for (const StorageMove& move : plan_.loads) {
      const Storage& old = state_.document->storage_at(move.number);
      if (!old.is(move.from) || tensor::is_cast(old)) explained(move, [&] { files.add(old); });
    }
    try {
      std::forward<Body>(body)();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::cancelled) files.check_unchanged();
      throw;
    }
    files.check_unchanged();
  }

  template <typename Body>
  void explained(const StorageMove& move, Body&& body) {
    try {
      std::forward<Body>(body)();
    } catch (Error& error) {
      explain(state_, move, error);
      throw;
    }
  }

  void load(Device device, const std::vector<const StorageMove*>& moves) {
    Counters counters;
    std::vector<transfer::Region> regions;
    regions.reserve(moves.size());
    now_under_way_ = total(moves);
    for (const StorageMove* move : moves) regions.push_back(region_of(state_, *move, counters));
    if (device.type == DeviceType::cpu)
      load_host(moves, regions);
    else
      load_device(device, moves, regions);
    done_before_ += now_under_way_;
  }

  void load_host(const std::vector<const StorageMove*>& moves, const std::vector<transfer::Region>& regions) {
    std::vector<transfer::HostBytes> bytes = transfer::load_to_host(regions, engine_options(), engine_);
    for (std::size_t at = 0; at < moves.size(); ++at)
      arrived_.emplace_back(moves[at]->number, transfer::host_storage(std::move(bytes[at]), moves[at]->from.dtype(),
                                                                      moves[at]->from.byte_order()));
  }

  void load_device(Device device, const std::vector<const StorageMove*>& moves,
                   const std::vector<transfer::Region>& regions) {
    const device::PortPtr port = device::port_of(finder_.devices(), device);
    std::vector<transfer::DeviceBytes> bytes = transfer::load_to_device(regions, port, engine_options(), engine_);
    for (std::size_t at = 0; at < moves.size(); ++at)
      arrived_.emplace_back(moves[at]->number, device::storage_on(port, std::move(bytes[at].memory), bytes[at].offset,
                                                                  moves[at]->from.nbytes(), moves[at]->from.dtype(),
                                                                  moves[at]->from.byte_order()));
  }

  [[nodiscard]] static std::uint64_t total(const std::vector<const StorageMove*>& moves) {
    std::uint64_t bytes = 0;
    for (const StorageMove* move : moves) bytes += move->from.nbytes();
    return bytes;
  }

  [[nodiscard]] transfer::EngineOptions engine_options() const {
    transfer::EngineOptions engine;
    engine.way = options_.way == Way::view ? Way::automatic : options_.way;  // what cannot stay is brought
    engine.threads = options_.threads;
    engine.staging = options_.staging;
    engine.host_memory = options_.host_memory;
    engine.allocator = options_.allocator;
    engine.stream = options_.stream;
    engine.cancel = options_.cancel;
    if (options_.progress)
      engine.progress = [this](const ProgressReport& report) {
        // The engine counts what it reads between the tensors, too.
        const double share =
            report.total != 0 ? static_cast<double>(report.done) / static_cast<double>(report.total) : 1;
        const auto done = static_cast<std::uint64_t>(share * static_cast<double>(now_under_way_));
        options_.progress({report.stage, done_before_ + std::min(done, now_under_way_), plan_.report.bytes_moved});
      };
    return engine;
  }

  /// Nothing here waits for anything, and nothing is freed before all is in its place.
  void apply() {
    tree::Document& document = *state_.document;
    apply_casts(document, plan_.casts);
    apply_formats(document, plan_.formats);
    for (const StorageMove& move : plan_.relabels)
      if (const auto cast = plan_.casts.storages.find(move.number); cast != plan_.casts.storages.end())
        state_.casts.push_back(cast->second.storage);  // still lazy
    for (auto& [number, storage] : arrived_) document.replace_storage(number, std::move(storage));
    give_up(document);
  }

  /// Tensors become shapes without bytes; a storage that the tree shows as such stays, as it can be nothing else.
  void give_up(tree::Document& document) {
    if (plan_.metas.empty()) return;
    std::vector<bool> meta(document.storage_count(), false);
    for (const StorageMove& move : plan_.metas) meta[move.number] = true;
    for (tree::NodeId node = 0; node < document.node_count(); ++node) {
      if (document.kind(node) != Kind::tensor) continue;
      const tree::TensorRecord& record = document.tensor_record(node);
      if (record.has_storage() && meta[record.storage]) document.make_meta(node);
    }
    for (const StorageMove& move : plan_.metas)
      if (!bare_[move.number]) document.replace_storage(move.number, Storage());
  }

  void finish(double seconds) {
    MoveReport& report = plan_.report;
    report.bytes_read = engine_.bytes_read;
    report.cached = engine_.cached;
    report.checksums = engine_.checksums;
    report.ways = engine_.ways;
    report.host_memory = engine_.staging;
    for (const DeviceShare& share : report.devices)
      if (finder_.shares_host(share.device)) report.host_memory += share.bytes;
    report.casts = counts_of(plan_.casts);
    report.seconds = seconds;
    report.stages = {{"plan", plan_seconds_},
                     {"allocate", engine_.allocate_seconds},
                     {"read", engine_.read_seconds},
                     {"copy", engine_.copy_seconds}};
  }

  Checkpoint::State& state_;
  const MoveOptions& options_;
  MovePlan plan_;
  transfer::DeviceFinder& finder_;
  transfer::EngineReport engine_;
  Clock::time_point begun_;
  double plan_seconds_;
  std::uint64_t done_before_ = 0;    // bytes of the devices before
  std::uint64_t now_under_way_ = 0;  // of this one
  std::vector<std::pair<std::uint32_t, Storage>> arrived_;
  std::vector<bool> bare_;  // storages that are values themselves; of a move that gives storages up
};

}  // namespace

void apply_without_moving(Checkpoint::State& state, const CastPlan& casts, const FormatPlan& formats) {
  apply_casts(*state.document, casts);
  apply_formats(*state.document, formats);
  for (const auto& [number, cast] : casts.storages) {
    state.document->replace_storage(number, cast.storage);
    state.casts.push_back(cast.storage);
  }
  for (const auto& [number, rearranged] : formats.storages) state.document->replace_storage(number, rearranged.storage);
}

CastCounts sum_of_counts(std::span<const Storage> casts) {
  CastCounts sum;
  for (const Storage& cast : casts) tensor::add(sum, tensor::cast_counts(cast));
  return sum;
}

}  // namespace model

inline namespace v0 {

MoveReport Checkpoint::to(const MoveOptions& options) {
  const auto begun = std::chrono::steady_clock::now();
  transfer::DeviceFinder finder(options.devices, options.host_memory);
  model::MovePlan plan = model::plan_move(*state_, options, finder);
  model::require_room(plan);
  return model::Mover(*state_, options, std::move(plan), finder, begun).run();
}

MoveReport Checkpoint::to(const MapLocation& where) {
  MoveOptions options;
  options.map_location = where;
  return to(options);
}

std::vector<std::string> Checkpoint::cast(const std::vector<CastRule>& rules, MemoryFormat format) {
  const model::CastPlan casts = model::plan_casts(*state_, rules);
  const model::FormatPlan formats = model::plan_formats(*state_, format, casts);
  model::apply_without_moving(*state_, casts, formats);
  std::vector<std::string> notes = casts.notes;
  notes.insert(notes.end(), formats.notes.begin(), formats.notes.end());
  return notes;
}

CastCounts Checkpoint::cast_counts() const { return model::sum_of_counts(state_->casts); }

MoveReport Checkpoint::plan_move(const MoveOptions& options) const {
  transfer::DeviceFinder finder(options.devices, options.host_memory);
  model::MovePlan plan = model::plan_move(*state_, options, finder);
  model::expect_times(plan, finder);
  return std::move(plan.report);
}

}  // namespace v0
}  // namespace sconce
