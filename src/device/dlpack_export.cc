// Our tensors as DLPack's.
#include <memory>
#include <string>
#include <vector>

#include <sconce/dlpack.h>
#include <sconce/make_tensor.h>

#include "base/fail.h"
#include "device/dlpack_types.h"
#include "tensor/elements.h"
#include "tensor/tensor_data.h"

namespace sconce {
inline namespace v0 {
namespace {

using namespace device::dlpack;

[[noreturn]] void not_as_it_is(std::string why, std::string advice = "contiguous() makes a copy that can be given") {
  fail(ErrorCode::wrong_type, std::move(why), {}, std::move(advice));
}

DataType type_for(const Tensor& tensor) {
  if (tensor.layout() != Layout::strided)
    not_as_it_is("DLPack describes strided tensors; this one is " + std::string(to_string(tensor.layout())),
                 "give its parts() one by one");
  if (tensor.is_meta()) not_as_it_is("a meta tensor has no bytes to share", "make a tensor with bytes first");
  if (!tensor.has_storage()) not_as_it_is("the tensor has no storage of its own", "give its parts() one by one");
  const auto type = data_type_of(tensor.dtype());
  if (type && tensor.qscheme() == QScheme::none) return *type;
  fail(ErrorCode::unsupported, "DLPack 1.1 has no type for " + std::string(to_string(tensor.dtype())), {},
       "give the bytes as uint8: Tensor::over(storage(), DType::uint8, …); contiguous() alone does not help");
}

void check_elements(const Tensor& tensor) {
  if (tensor.is_conj() || tensor.is_neg())
    not_as_it_is("the tensor has a conj or neg bit, so its elements are not the stored ones");
  if (tensor.storage().byte_order() != std::endian::native && info(tensor.dtype()).swap_unit != 1)
    not_as_it_is("the elements are stored in the other byte order");
}

/// The first element in this process's memory; null where there are no elements.
const std::byte* host_address(const Tensor& tensor) {
  if (tensor.numel() == 0) return nullptr;
  const std::span<const std::byte> bytes = tensor.storage().view();
  if (bytes.empty()) not_as_it_is("the bytes are not in memory (not mapped, or compressed in the file)");
  const std::byte* const first = bytes.data() + tensor::byte_offset(*tensor.data_handle());
  if (reinterpret_cast<std::uintptr_t>(first) % info(tensor.dtype()).swap_unit != 0)
    not_as_it_is("the bytes lie unaligned in the file");
  return first;
}

/// Where the first element is. DLPack calls all of it writable memory; the flag says otherwise.
void set_place(View& view, const Tensor& tensor) {
  const Storage& storage = tensor.storage();
  const Device device = storage.device();
  view.device = device_to(device);
  view.byte_offset = 0;
  if (device.type == DeviceType::cpu) {
    view.data = const_cast<std::byte*>(host_address(tensor));
    return;
  }
  const std::uint64_t offset = storage.device_offset() + tensor::byte_offset(*tensor.data_handle());
  // A cl_mem is no number that one could add to.
  const bool is_number = device.type != DeviceType::opencl;
  view.data = reinterpret_cast<void*>(storage.device_address() + (is_number ? offset : 0));
  view.byte_offset = is_number ? 0 : offset;
}

/// What lives until the consumer is done.
template <typename Managed>
struct Export {
  Tensor tensor;
  std::vector<std::int64_t> dims;  // shape and strides
  Managed managed{};

  static void release(Managed* self) { delete static_cast<Export*>(self->manager_ctx); }
};

template <typename Managed>
std::unique_ptr<Export<Managed>> make_export(const Tensor& tensor) {
  const DataType type = type_for(tensor);
  check_elements(tensor);
  auto made = std::make_unique<Export<Managed>>();
  const auto shape = tensor.shape();
  const auto strides = tensor.strides();
  made->dims.assign(shape.begin(), shape.end());
  made->dims.insert(made->dims.end(), strides.begin(), strides.end());
  View& view = made->managed.dl_tensor;
  set_place(view, tensor);
  view.ndim = static_cast<std::int32_t>(shape.size());
  view.dtype = type;
  view.shape = made->dims.data();
  view.strides = made->dims.data() + shape.size();
  made->tensor = tensor;
  made->managed.manager_ctx = made.get();
  made->managed.deleter = Export<Managed>::release;
  return made;
}

}  // namespace

bool is_read_only(const Storage& storage) { return storage.file_offset().has_value() || came_read_only(storage); }

DLManagedTensorVersioned* to_dlpack(const Tensor& tensor) {
  auto made = make_export<DLManagedTensorVersioned>(tensor);
  made->managed.version = {kMajor, kMinor};
  made->managed.flags = is_read_only(tensor.storage()) ? kReadOnly : 0;
  return &made.release()->managed;
}

DLManagedTensor* to_dlpack_unversioned(const Tensor& tensor, DlpackReadOnly read_only) {
  auto made = make_export<DLManagedTensor>(tensor);
  if (read_only == DlpackReadOnly::refuse && is_read_only(tensor.storage()))
    fail(ErrorCode::unsupported, "the memory must not be written, which this structure of DLPack cannot say", {},
         "use to_dlpack(), or copy the tensor first (contiguous() does not copy what is mapped), or give it with "
         "DlpackReadOnly::trust to somebody who only reads");
  return &made.release()->managed;
}

}  // namespace v0
}  // namespace sconce
