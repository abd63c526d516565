#include "model/rewrite/derived_storage.h"

#include <memory>
#include <utility>

#include "base/slice.h"
#include "tensor/elements.h"
#include "tensor/storage_data.h"

namespace sconce::model::rewrite {

namespace {

/// The first bytes of a storage.
class BeginningOrigin final : public StorageOrigin {
 public:
  explicit BeginningOrigin(Storage whole) : whole_(std::move(whole)) {}
  [[nodiscard]] SourcePtr open(std::uint64_t, std::uint64_t nbytes) const override {
    return slice(open_storage(*whole_.data()), 0, nbytes);
  }
  [[nodiscard]] std::string record(std::uint64_t) const override { return whole_.record(); }
  [[nodiscard]] bool views_last(std::uint64_t) const override {
    return whole_.data()->origin->views_last(whole_.data()->handle);
  }

 private:
  Storage whole_;
};

class ElementsOrigin final : public StorageOrigin {
 public:
  explicit ElementsOrigin(Tensor tensor) : tensor_(std::move(tensor)) {}
  [[nodiscard]] SourcePtr open(std::uint64_t, std::uint64_t) const override { return tensor::element_source(tensor_); }
  [[nodiscard]] std::string record(std::uint64_t) const override { return tensor_.storage().record(); }

 private:
  Tensor tensor_;
};

}  // namespace

std::uint32_t storage_as(tree::Document& document, std::uint32_t number, DType dtype) {
  const Storage whole = document.storage_at(number);
  StorageData data = *whole.data();
  data.dtype = dtype;
  data.typed = true;
  // Where nothing is left out it is the same run of bytes, with the checksum that is recorded for it.
  const std::uint64_t nbytes = data.nbytes - data.nbytes % element_size(dtype);
  if (nbytes != data.nbytes) {
    data.nbytes = nbytes;
    data.handle = 0;
    data.origin = nbytes == 0 ? nullptr : document.keep_origin(std::make_shared<BeginningOrigin>(whole));
  }
  return document.new_storage(data);
}

std::uint32_t storage_of_elements(tree::Document& document, const Tensor& tensor) {
  StorageData data;
  data.nbytes = tensor::elements_nbytes(*tensor.data_handle());
  if (data.nbytes != 0) data.origin = document.keep_origin(std::make_shared<ElementsOrigin>(tensor));
  data.location = document.location(tensor.storage().location());
  data.dtype = tensor.dtype();
  data.typed = true;
  data.byte_order = std::endian::little;
  return document.new_storage(data);
}

}  // namespace sconce::model::rewrite
