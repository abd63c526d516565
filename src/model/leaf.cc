#include "model/leaf.h"

#include <bit>

#include "tensor/shape.h"

namespace sconce {
inline namespace v0 {
Leaf::~Leaf() = default;
}

namespace model {

Tensor storage_as_tensor(const tree::Document& document, tree::NodeId node) {
  const tree::StorageSlice slice = document.storage_slice(node);
  const Storage& storage = document.storage_at(document.storage_number(node));
  const DType dtype = storage.dtype().value_or(DType::uint8);
  const std::uint64_t unit = element_size(dtype);
  // Where elements share a byte, the count of a storage is one of bytes.
  const DType shown = info(dtype).bits < 8 ? DType::uint8 : dtype;
  const std::int64_t shape[] = {static_cast<std::int64_t>(slice.nbytes / unit)};
  return Tensor::over(storage, shown, shape, tensor::contiguous_strides(shape),
                      static_cast<std::int64_t>(slice.offset / unit));
}

bool wanted(const WalkOptions& options, const tree::Document& document, const tree::Walker& walker, bool tensor) {
  if (tensor) return options.tensors && (options.parts || !walker.is_part());
  const Kind kind = document.kind(walker.node());
  return options.values && !tree::is_sequence(kind) && !tree::is_keyed(kind);
}

std::string_view TreeLeaf::name() const {
  if (!root_) return walker_.name();
  prefixed_ = std::to_string(*root_);
  if (!walker_.steps().empty()) (prefixed_ += '.') += walker_.name();
  return prefixed_;
}

Path TreeLeaf::path() const {
  Path path = walker_.path();
  if (root_)
    path.insert(path.begin(), {PathStep::How::index, std::to_string(*root_), static_cast<std::int64_t>(*root_)});
  return path;
}

Tensor TreeLeaf::tensor() const {
  if (kind() == Kind::storage) return storage_as_tensor(*document_, walker_.node());
  return value().as_tensor();
}

std::optional<std::uint64_t> TreeLeaf::storage_number() const {
  if (kind() == Kind::storage) return document_->storage_number(walker_.node());
  if (kind() != Kind::tensor) return std::nullopt;
  const tree::TensorRecord& record = document_->tensor_record(walker_.node());
  if (!record.has_storage() || record.numpy) return std::nullopt;
  return record.storage;
}

}  // namespace model
}  // namespace sconce
