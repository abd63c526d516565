#include "transfer/host_storage.h"

#include <memory>
#include <utility>

#include "tensor/storage_data.h"

namespace sconce::transfer {
namespace {

/// Data and origin in one, as there can be very many.
class HostHolder final : public StorageOrigin {
 public:
  HostHolder(HostBytes bytes, std::optional<DType> dtype, std::endian byte_order) : bytes_(std::move(bytes)) {
    data.origin = this;
    data.nbytes = bytes_.bytes.size();
    data.dtype = dtype.value_or(DType::uint8);
    data.typed = dtype.has_value();
    data.byte_order = byte_order;
  }

  [[nodiscard]] SourcePtr open(std::uint64_t handle, std::uint64_t nbytes) const override {
    return memory_source(bytes_.bytes.subspan(handle, nbytes), bytes_.owner);
  }
  [[nodiscard]] bool in_memory(std::uint64_t, std::uint64_t) const override { return true; }

  StorageData data;

 private:
  HostBytes bytes_;
};

}  // namespace

Storage host_storage(HostBytes bytes, std::optional<DType> dtype, std::endian byte_order) {
  const auto holder = std::make_shared<HostHolder>(std::move(bytes), dtype, byte_order);
  return Storage(std::shared_ptr<const StorageData>(holder, &holder->data));
}

}  // namespace sconce::transfer
