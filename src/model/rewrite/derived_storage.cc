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

/// A storage that owns what it reads from. It is not the document's own: its origin holds a storage of the document's,
/// and with that all of them.
template <typename Origin>
struct Derived {
  template <typename From>
  explicit Derived(const From& from) : origin(from) {}
  Origin origin;
  StorageData data;
};

template <typename Origin, typename From>
std::uint32_t add_derived(tree::Document& document, const From& from, StorageData data) {
  const auto holder = std::make_shared<Derived<Origin>>(from);
  data.origin = &holder->origin;
  data.handle = 0;
  holder->data = data;
  return document.add_storage(Storage(std::shared_ptr<const StorageData>(holder, &holder->data)));
}

}  // namespace

std::uint32_t storage_as(tree::Document& document, std::uint32_t number, DType dtype) {
  const Storage whole = document.storage_at(number);
  StorageData data = *whole.data();
  data.dtype = dtype;
  data.typed = true;
  // Where nothing is left out it is the same run of bytes, with the checksum that is recorded for it.
  const std::uint64_t nbytes = data.nbytes - data.nbytes % element_size(dtype);
  if (nbytes == data.nbytes) return document.new_storage(data);
  data.nbytes = nbytes;
  if (nbytes != 0) return add_derived<BeginningOrigin>(document, whole, data);
  data.handle = 0;
  data.origin = nullptr;
  return document.new_storage(data);
}

std::uint32_t storage_of_elements(tree::Document& document, const Tensor& tensor) {
  StorageData data;
  data.nbytes = tensor::elements_nbytes(*tensor.data_handle());
  data.location = document.location(tensor.storage().location());
  data.dtype = tensor.dtype();
  data.typed = true;
  data.byte_order = std::endian::little;
  return data.nbytes == 0 ? document.new_storage(data) : add_derived<ElementsOrigin>(document, tensor, data);
}

}  // namespace sconce::model::rewrite
