#include <cstring>
#include <utility>

#include "base/fail.h"
#include "base/slice.h"
#include "tensor/storage_data.h"

namespace sconce {
inline namespace v0 {
namespace {

/// A storage that belongs to no document.
struct StorageHolder {
  explicit StorageHolder(SourcePtr source, std::string tag) : origin(std::move(source)), location(std::move(tag)) {}
  SourceOrigin origin;
  std::string location;
  StorageData data;
};

const std::string& cpu() noexcept {
  static const std::string tag = "cpu";
  return tag;
}

}  // namespace

SourcePtr SourceOrigin::open(std::uint64_t handle, std::uint64_t nbytes) const {
  return slice(source_, handle, nbytes);
}

bool SourceOrigin::in_memory(std::uint64_t handle, std::uint64_t nbytes) const {
  return !source_->extent(handle, nbytes) && source_->view(handle, nbytes) != nullptr;
}

Storage storage_over(SourcePtr source, DType dtype, std::endian byte_order, std::string location) {
  const std::uint64_t nbytes = source->size();
  const auto holder = std::make_shared<StorageHolder>(std::move(source), std::move(location));
  holder->data = {
      .origin = &holder->origin,
      .handle = 0,
      .nbytes = nbytes,
      .location = &holder->location,
      .dtype = dtype,
      .typed = true,
      .byte_order = byte_order,
  };
  return Storage(std::shared_ptr<const StorageData>(holder, &holder->data));
}

SourcePtr open_storage(const StorageData& data) {
  if (data.nbytes == 0) return memory_source({});
  return data.origin->open(data.handle, data.nbytes);
}

Storage::Storage() : data_(std::make_shared<StorageData>()) {}

std::uint64_t Storage::nbytes() const noexcept { return data_->nbytes; }
std::optional<DType> Storage::dtype() const noexcept {
  return data_->typed ? std::optional(data_->dtype) : std::nullopt;
}
std::endian Storage::byte_order() const noexcept { return data_->byte_order; }
const std::string& Storage::location() const noexcept { return data_->location != nullptr ? *data_->location : cpu(); }
Device Storage::device() const noexcept {
  const auto place = data_->origin != nullptr ? data_->origin->device_place(data_->handle) : std::nullopt;
  return place ? place->device : Device{};
}
std::uintptr_t Storage::device_address() const noexcept {
  const auto place = data_->origin != nullptr ? data_->origin->device_place(data_->handle) : std::nullopt;
  return place ? place->address : 0;
}
std::uint64_t Storage::device_offset() const noexcept {
  const auto place = data_->origin != nullptr ? data_->origin->device_place(data_->handle) : std::nullopt;
  return place ? place->offset : 0;
}
std::string Storage::record() const { return data_->origin != nullptr ? data_->origin->record(data_->handle) : ""; }

std::optional<std::uint64_t> Storage::file_offset() const {
  if (data_->nbytes == 0) return std::nullopt;
  const auto extent = open_storage(*data_)->extent(0, data_->nbytes);
  return extent ? std::optional(extent->offset) : std::nullopt;
}

std::optional<RecordedChecksum> Storage::checksum() const noexcept {
  return data_->origin != nullptr ? data_->origin->checksum(data_->handle) : std::nullopt;
}

void Storage::read(std::uint64_t offset, std::span<std::byte> into) const {
  open_storage(*data_)->read_at(offset, into);
}

std::span<const std::byte> Storage::view() const {
  if (data_->nbytes == 0 || !data_->origin->views_last(data_->handle)) return {};
  const std::byte* bytes = open_storage(*data_)->view(0, data_->nbytes);
  return bytes != nullptr ? std::span(bytes, static_cast<std::size_t>(data_->nbytes)) : std::span<const std::byte>();
}

}  // namespace v0
}  // namespace sconce
