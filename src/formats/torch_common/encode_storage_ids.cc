// Persistent ids of storages: ('storage', class, key, location, numel[, view]).
#include "formats/torch_common/encoder.h"
#include "formats/torch_common/storage_classes.h"

namespace sconce::formats::torch_common {

using pickle::Op;

void TorchEncoder::bare_storage(Writer& writer, NodeId node) {
  const std::uint32_t number = document_.storage_number(node);
  const tree::StorageSlice part = document_.storage_slice(node);
  const bool is_part = part.offset != 0 || part.nbytes != document_.storage_at(number).nbytes();
  if (is_part && !options_.legacy)
    notes_.emplace_back("a part of a storage stands alone, so its bytes are written a second time");
  if (options_.legacy && !uses_.written_dtype(number))
    notes_.emplace_back("an untyped storage becomes one of bytes (torch.ByteStorage): streams know no untyped ones");
  storage_id(writer, number, part, is_part);
}

std::uint32_t TorchEncoder::key_of(std::uint32_t storage, const tree::StorageSlice& part, bool is_part) {
  const auto next = static_cast<std::uint32_t>(storages_.size());
  std::uint32_t* key = &key_of_storage_[storage];
  if (is_part) {
    key = &key_of_part_.try_emplace({storage, part.offset, part.nbytes}, 0xFFFFFFFF).first->second;
  }
  if (*key != 0xFFFFFFFF) return *key;
  *key = next;
  EncodedStorage encoded;
  encoded.storage = storage;
  encoded.offset = part.offset;
  encoded.nbytes = part.nbytes;
  encoded.swap_unit = uses_.swap_unit(storage).value_or(1);
  const auto dtype = uses_.written_dtype(storage);
  encoded.numel = part.nbytes / (dtype ? element_size(*dtype) : 1);
  storages_.push_back(encoded);
  return next;
}

void TorchEncoder::storage_class(Writer& writer, std::optional<DType> dtype) {
  // A stream knows no untyped storages: PyTorch asks their class for a dtype and fails. Bytes are the nearest.
  if (!dtype && options_.legacy) dtype = DType::uint8;
  const std::size_t slot = dtype ? static_cast<std::size_t>(*dtype) : kDTypeCount;
  writer.emit().once(storage_classes_[slot], [&] {
    // Only this name of the untyped class loads with weights_only.
    writer.emit().global(dtype ? "torch" : "torch.storage", dtype ? storage_class_name(*dtype) : "UntypedStorage");
  });
}

void TorchEncoder::location(Writer& writer, const std::string& tag) {
  // PyTorch has no name for our OpenCL devices that it could load from.
  const auto device = options_.keep_device ? Device::find(tag) : std::nullopt;
  const bool unknown = device && device->type == DeviceType::opencl;
  if (unknown) notes_.push_back("PyTorch knows no device " + tag + ": \"cpu\" is written in its place");
  if (!options_.keep_device || unknown || tag == "cpu")
    return writer.emit().once(cpu_, [&] { writer.emit().unicode("cpu"); });
  pickle::Memo& memo = locations_.try_emplace(tag, pickle::kNoMemo).first->second;
  writer.emit().once(memo, [&] { writer.emit().unicode(tag); });
}

void TorchEncoder::storage_id(Writer& writer, std::uint32_t number, const tree::StorageSlice& part, bool is_part) {
  pickle::Emitter& emit = writer.emit();
  const Storage& storage = document_.storage_at(number);
  const auto dtype = uses_.written_dtype(number);
  const std::uint64_t unit = dtype ? element_size(*dtype) : 1;
  // A stream names the whole storage and the part of it; an archive knows no parts.
  const bool as_view = is_part && options_.legacy;
  const tree::StorageSlice whole{0, storage.nbytes()};
  const std::uint32_t key = as_view ? key_of(number, whole, false) : key_of(number, part, is_part);
  emit.op(Op::mark);
  emit.once(storage_text_, [&] { emit.unicode("storage"); });
  storage_class(writer, dtype);
  emit.unicode(std::to_string(key));
  location(writer, storage.location());
  emit.integer(static_cast<std::int64_t>(storages_[key].numel));
  if (as_view) {
    emit.unicode(std::to_string(key) + "/" + std::to_string(part.offset) + "/" + std::to_string(part.nbytes));
    emit.integer(static_cast<std::int64_t>(part.offset / unit));
    emit.integer(static_cast<std::int64_t>(part.nbytes / unit));
    emit.tuple_of(3);
  } else if (options_.legacy) {
    emit.none();
  }
  emit.op(Op::tuple);
  emit.op(Op::binpersid);
}

}  // namespace sconce::formats::torch_common
