// Tensors into memory of the caller: everything is read and compared first, and written then.
#include <sconce/copy_into.h>

#include <bit>
#include <chrono>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "model/watched_files.h"
#include "tensor/cast.h"
#include "tensor/elements.h"
#include "tensor/storage_data.h"
#include "tensor/swap.h"
#include "tensor/tensor_data.h"
#include "transfer/region.h"

namespace sconce {
inline namespace v0 {
namespace {

void add_target(Error& error, const CopyTarget& target) {
  ErrorPlace place;
  place.key = target.name;
  if (target.tensor.defined() && target.tensor.has_storage()) place.record = target.tensor.storage().record();
  error.add_place(place);
}

template <typename Body>
void explained(const CopyTarget& target, Body&& body) {
  try {
    std::forward<Body>(body)();
  } catch (Error& error) {
    add_target(error, target);
    throw;
  }
}

void check(const CopyTarget& target) {
  if (!target.tensor.defined() || target.tensor.layout() != Layout::strided || !target.tensor.has_storage())
    fail(ErrorCode::wrong_type, "the tensor has no elements of its own (sparse, meta, undefined)", {},
         "copy its parts() one by one");
  tensor::check_expansion(*target.tensor.data_handle(), Limits());
  if (target.tensor.dtype() != target.dtype) tensor::check_cast(target.tensor.dtype(), target.dtype);
  const auto wanted = bytes_of(target.dtype, target.tensor.numel());
  if (wanted && *wanted == target.into.size()) return;
  fail(ErrorCode::invalid_argument, std::to_string(target.tensor.numel()) + " elements of " +
                                        std::string(to_string(target.dtype)) + " do not take the " +
                                        std::to_string(target.into.size()) + " bytes that are there for them");
}

bool is_there_already(const CopyTarget& target) {
  const TensorData& data = *target.tensor.data_handle();
  if (target.tensor.dtype() != target.dtype || !tensor::is_plain(data)) return false;
  const std::span<const std::byte> bytes = data.storage.view();
  return !bytes.empty() && bytes.data() + tensor::byte_offset(data) == target.into.data();
}

/// Whole storages, each once: a checksum is of all bytes.
std::vector<transfer::Region> storages_of(std::span<const CopyTarget> targets) {
  std::vector<transfer::Region> regions;
  std::unordered_set<const StorageData*> met;
  for (const CopyTarget& target : targets) {
    const Storage& storage = target.tensor.storage();
    const bool plain = storage.device().type == DeviceType::cpu && storage.nbytes() != 0;
    if (!plain || !met.insert(storage.data().get()).second) continue;
    if (storage.data()->origin->in_memory(storage.data()->handle, storage.nbytes())) continue;
    transfer::Region region;
    region.open = [data = storage.data()] { return open_storage(*data); };
    region.size = storage.nbytes();
    if (const auto checksum = storage.checksum(); checksum && checksum->crc32 != 0) region.crc32 = checksum->crc32;
    region.explain = [&target](Error& error) { add_target(error, target); };
    regions.push_back(std::move(region));
  }
  return regions;
}

transfer::Region region_of(const CopyTarget& target) {
  transfer::Region region;
  region.open = [&target] { return tensor::element_source(target.tensor); };
  region.size = target.into.size();
  if (target.tensor.dtype() != target.dtype) {
    transfer::Cast cast;
    cast.from = target.tensor.dtype();
    cast.to = target.dtype;
    cast.order = std::endian::little;
    cast.size = tensor::elements_nbytes(*target.tensor.data_handle());
    region.cast = std::move(cast);
  }
  region.explain = [&target](Error& error) { add_target(error, target); };
  return region;
}

/// What element_source() leaves: its elements are little-endian, and bools may be any byte.
void finish(const CopyTarget& target) {
  if (target.tensor.dtype() != target.dtype) return;
  if constexpr (std::endian::native == std::endian::big)
    tensor::swap_in_place(target.into, info(target.dtype).swap_unit);
  if (target.dtype != DType::boolean) return;
  for (std::byte& element : target.into) element = element == std::byte{0} ? std::byte{0} : std::byte{1};
}

class Copy {
 public:
  Copy(std::span<const CopyTarget> targets, const CopyIntoOptions& options) : targets_(targets) {
    engine_.threads = options.threads;
    engine_.progress = options.progress;
    engine_.cancel = options.cancel;
    for (const CopyTarget& target : targets_) explained(target, [&] { check(target); });
    verify_ = options.checksums == Checksums::verify;
    // The engine looks after files that it reads itself, and not after those below views and other byte orders.
    for (const CopyTarget& target : targets_)
      if (!tensor::is_plain(*target.tensor.data_handle()))
        explained(target, [&] { files_.add(target.tensor.storage()); });
  }

  MoveReport run() {
    const auto begun = std::chrono::steady_clock::now();
    transfer::EngineReport checked;
    if (verify_) transfer::check_regions(storages_of(targets_), engine_, checked);
    const transfer::EngineReport copied = copy();
    MoveReport report;
    report.bytes_read = copied.bytes_read;
    report.bytes_moved = moved_;
    report.checksums = checked.checksums;
    report.cached = verify_ ? checked.cached : copied.cached;
    report.ways = copied.ways;
    report.stages = {{"check", checked.read_seconds}, {"read", copied.read_seconds}};
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return report;
  }

 private:
  transfer::EngineReport copy() {
    std::vector<transfer::Region> regions;
    std::vector<std::byte*> addresses;
    for (const CopyTarget& target : targets_) {
      if (target.into.empty() || is_there_already(target)) continue;
      regions.push_back(region_of(target));
      addresses.push_back(target.into.data());
      moved_ += target.into.size();
    }
    if (engine_.cancel.stop_requested()) fail(ErrorCode::cancelled, "cancelled");
    transfer::EngineOptions engine = engine_;
    engine.cancel = {};  // from here on it is done to its end
    transfer::EngineReport report;
    try {
      transfer::copy_to_host(regions, addresses, engine, report);
      files_.check_unchanged();
    } catch (Error& error) {
      error.add_advice("some of the targets may have new elements already, and some the old ones: copy again");
      throw;
    }
    for (const CopyTarget& target : targets_) finish(target);
    return report;
  }

  std::span<const CopyTarget> targets_;
  transfer::EngineOptions engine_;
  model::WatchedFiles files_;
  bool verify_ = true;
  std::uint64_t moved_ = 0;
};

}  // namespace

MoveReport copy_into(std::span<const CopyTarget> targets, const CopyIntoOptions& options) {
  return Copy(targets, options).run();
}

}  // namespace v0
}  // namespace sconce
