// Moving a checkpoint: what is to be done with every storage, decided before anything is read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <sconce/transfer.h>

#include "model/cast_plan.h"
#include "model/format_plan.h"
#include "model/state.h"
#include "transfer/placement.h"

namespace sconce::model {

/// One storage on its way.
struct StorageMove {
  std::uint32_t number = 0;  ///< in the document
  Storage from;              ///< cast and arranged as it will be; bytes still where they were
  Device to;
  std::optional<std::uint32_t>
      crc32;  ///< of all bytes, before a cast, where the file records it and they are read whole
  const StorageCast* cast = nullptr;  ///< of the plan's casts: `from` is that
};

/// Everything that a move will do. The document is as it was.
struct MovePlan {
  std::vector<StorageMove> loads;     ///< bytes are to be brought somewhere
  std::vector<StorageMove> relabels;  ///< bytes stay where they are
  std::vector<StorageMove> metas;     ///< bytes are given up
  CastPlan casts;
  FormatPlan formats;
  MoveReport report;  ///< all but what only doing it tells
};

/// Errors: those of Checkpoint::to() that are known before anything is read.
[[nodiscard]] MovePlan plan_move(const Checkpoint::State& state, const MoveOptions& options,
                                 transfer::DeviceFinder& finder);

/// Fills in what the move is expected to take: by what is in the page cache, and how fast the devices are.
void expect_times(MovePlan& plan, transfer::DeviceFinder& finder);

/// Casts and formats alone: the new storages read from the old ones when somebody asks.
void apply_without_moving(Checkpoint::State& state, const CastPlan& casts, const FormatPlan& formats);

/// What became of the numbers of these cast storages so far.
[[nodiscard]] CastCounts sum_of_counts(std::span<const Storage> casts);

/// Refuses where a device or the host has too little memory. Errors: `memory`, with what would fit.
void require_room(const MovePlan& plan);

}  // namespace sconce::model
