#include "formats/torch_common/encode_storages.h"

#include <bit>

#include "formats/torch_common/storage_classes.h"

namespace sconce::formats::torch_common {

using tree::NodeId;

StorageUses::StorageUses(const tree::Document& document) : document_(document), uses_(document.storage_count()) {
  for (NodeId node = 0; node < document.node_count(); ++node) {
    if (document.kind(node) != Kind::tensor) continue;
    const tree::TensorRecord& record = document.tensor_record(node);
    if (!record.has_storage()) continue;
    Use& use = uses_[record.storage];
    const std::uint8_t unit = info(record.dtype).swap_unit;
    use.mixed = use.mixed || (use.viewed && use.dtype != record.dtype);
    use.mixed_units = use.mixed_units || (use.viewed && use.unit != unit);
    use.dtype = record.dtype;
    use.unit = unit;
    use.viewed = true;
  }
}

std::optional<DType> StorageUses::written_dtype(std::uint32_t number) const noexcept {
  const Use& use = uses_[number];
  const Storage& storage = document_.storage_at(number);
  if (use.mixed) return std::nullopt;
  const std::optional<DType> dtype = use.viewed ? std::optional(use.dtype) : storage.dtype();
  if (!dtype || travels_untyped(*dtype) || storage.nbytes() % element_size(*dtype) != 0) return std::nullopt;
  return dtype;
}

std::optional<std::size_t> StorageUses::swap_unit(std::uint32_t number) const noexcept {
  const Storage& storage = document_.storage_at(number);
  if (storage.byte_order() == std::endian::little) return 1;
  const Use& use = uses_[number];
  if (use.mixed_units) return std::nullopt;
  if (use.viewed) return use.unit;
  return storage.dtype() ? std::size_t{info(*storage.dtype()).swap_unit} : 1;
}

}  // namespace sconce::formats::torch_common
