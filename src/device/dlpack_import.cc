// DLPack's tensors as ours. Whoever made them may be wrong about anything but the memory itself.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sconce/dlpack.h>

#include "base/fail.h"
#include "device/dlpack_types.h"
#include "tensor/shape.h"
#include "tensor/storage_data.h"

namespace sconce {
inline namespace v0 {
namespace {

using namespace device::dlpack;

[[noreturn]] void contradicts(const std::string& why) {
  fail(ErrorCode::invalid_argument, "the DLPack tensor contradicts itself: " + why);
}
[[noreturn]] void not_ours(const std::string& what, std::string advice = {}) {
  fail(ErrorCode::unsupported, "the DLPack tensor has " + what, {}, std::move(advice));
}

/// A storage that remembers that its memory must not be written; everything else is the inner one's.
class ReadOnlyOrigin final : public StorageOrigin {
 public:
  explicit ReadOnlyOrigin(Storage inner) : inner_(std::move(inner)) {}
  [[nodiscard]] SourcePtr open(std::uint64_t handle, std::uint64_t nbytes) const override {
    return inner_.data()->origin->open(handle, nbytes);
  }
  [[nodiscard]] std::optional<DevicePlace> device_place(std::uint64_t handle) const override {
    return inner_.data()->origin->device_place(handle);
  }
  [[nodiscard]] bool in_memory(std::uint64_t handle, std::uint64_t nbytes) const override {
    return inner_.data()->origin->in_memory(handle, nbytes);
  }
  [[nodiscard]] bool views_last(std::uint64_t handle) const override {
    return inner_.data()->origin->views_last(handle);
  }

 private:
  const Storage inner_;
};

struct ReadOnlyStorage {
  explicit ReadOnlyStorage(const Storage& inner) : origin(inner), data(*inner.data()) { data.origin = &origin; }
  const ReadOnlyOrigin origin;  // holds what the pointers of `data` point into
  StorageData data;
};

Storage marked_read_only(const Storage& inner) {
  if (inner.nbytes() == 0) return inner;
  auto holder = std::make_shared<const ReadOnlyStorage>(inner);
  const StorageData* const data = &holder->data;
  return Storage(std::shared_ptr<const StorageData>(std::move(holder), data));
}

/// What was read and checked of the structure, which may change or go afterwards.
struct Facts {
  DType dtype = DType::float32;
  Device device;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
  std::uint64_t nbytes = 0;  // from the first element to the last
};

std::vector<std::int64_t> sizes_of(const View& view) {
  if (view.ndim < 0) contradicts("it has " + std::to_string(view.ndim) + " dimensions");
  const auto ndim = static_cast<std::size_t>(view.ndim);
  if (ndim > tensor::kMaxDims) not_ours(std::to_string(ndim) + " dimensions; 64 is the most");
  if (ndim != 0 && view.shape == nullptr) contradicts("it has dimensions, but no sizes");
  std::vector<std::int64_t> shape(view.shape, view.shape + ndim);
  if (!tensor::numel_of(shape)) contradicts("a size is negative, or their product overflows");
  return shape;
}

/// Bytes from the first element to the end of the last.
std::uint64_t extent_of(const Facts& facts) {
  if (*tensor::numel_of(facts.shape) == 0) return 0;
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < facts.shape.size(); ++i) {
    if (facts.shape[i] == 1) continue;  // its stride means nothing
    if (facts.strides[i] < 0)
      not_ours("a negative stride, which PyTorch's tensors cannot have either", "copy the tensor where it comes from");
    std::uint64_t reach = 0;
    if (__builtin_mul_overflow(static_cast<std::uint64_t>(facts.shape[i] - 1),
                               static_cast<std::uint64_t>(facts.strides[i]), &reach) ||
        __builtin_add_overflow(last, reach, &last))
      contradicts("sizes times strides overflow");
  }
  std::uint64_t bytes = 0;
  if (__builtin_add_overflow(last, 1U, &last) || __builtin_mul_overflow(last, element_size(facts.dtype), &bytes) ||
      bytes > INT64_MAX)
    contradicts("it would take more than 2^63 bytes");
  return bytes;
}

Facts facts_of(const View& view, bool padded) {
  Facts facts;
  const auto dtype = dtype_of_data(view.dtype);
  if (!dtype || (padded && view.dtype.bits < 8))
    not_ours("elements of type code " + std::to_string(view.dtype.code) + " with " + std::to_string(view.dtype.bits) +
                 " bits and " + std::to_string(view.dtype.lanes) + " lanes, which have no dtype in PyTorch",
             "cast it where it comes from");
  facts.dtype = *dtype;
  const auto device = device_from(view.device);
  if (!device)
    not_ours(
        "memory on a device of type " + std::to_string(view.device.type) + ", number " + std::to_string(view.device.id),
        "move it to the CPU, a CUDA or an OpenCL device where it comes from");
  facts.device = *device;
  facts.shape = sizes_of(view);
  if (view.strides == nullptr)
    facts.strides = tensor::contiguous_strides(facts.shape);
  else
    facts.strides.assign(view.strides, view.strides + facts.shape.size());
  facts.nbytes = extent_of(facts);
  // Strides of dimensions of one size, or of nothing, are as the producer left them; a Tensor's are never negative.
  for (std::int64_t& stride : facts.strides) stride = stride < 0 ? 1 : stride;
  if (facts.nbytes != 0 && view.data == nullptr) contradicts("it has elements, but its memory is null");
  return facts;
}

Tensor over(Storage storage, const Facts& facts, std::int64_t offset, bool read_only) {
  if (read_only) storage = marked_read_only(storage);
  return Tensor::over(std::move(storage), facts.dtype, facts.shape, facts.strides, offset);
}

Tensor import(const View& view, std::uint64_t flags, std::shared_ptr<const void> owner, const Devices& devices,
              void* stream) {
  const Facts facts = facts_of(view, (flags & kSubBytePadded) != 0);
  const bool read_only = (flags & kReadOnly) != 0;
  const auto address = reinterpret_cast<std::uintptr_t>(view.data);
  std::uint64_t end = 0;
  if (__builtin_add_overflow(view.byte_offset, facts.nbytes, &end) || end > INT64_MAX)
    contradicts("its byte offset overflows");
  if (facts.device.type == DeviceType::opencl) {
    const std::uint64_t size = element_size(facts.dtype);
    if (view.byte_offset % size != 0) not_ours("a byte offset that is no whole number of elements");
    const std::uint64_t first = facts.nbytes != 0 ? view.byte_offset / size : 0;
    return over(devices.view(facts.device, address, facts.nbytes != 0 ? end : 0, std::move(owner), stream), facts,
                static_cast<std::int64_t>(first), read_only);
  }
  if (end > UINTPTR_MAX - address) contradicts("its memory goes past the end of the address space");
  const std::uintptr_t first = address + static_cast<std::uintptr_t>(view.byte_offset);
  if (facts.device.type != DeviceType::cpu)
    return over(devices.view(facts.device, first, facts.nbytes, std::move(owner), stream), facts, 0, read_only);
  const std::span bytes(reinterpret_cast<const std::byte*>(first), static_cast<std::size_t>(facts.nbytes));
  return over(storage_over(memory_source(bytes, std::move(owner), "DLPack"), facts.dtype), facts, 0, read_only);
}

/// Takes it over: the deleter is called once, whatever happens.
template <typename Managed>
std::shared_ptr<const void> owner_of(Managed* tensor) {
  if (tensor == nullptr) fail(ErrorCode::invalid_argument, "the DLPack tensor is a null pointer");
  return std::shared_ptr<const void>(tensor, [](Managed* self) {
    if (self->deleter != nullptr) self->deleter(self);
  });
}

}  // namespace

Tensor from_dlpack(DLManagedTensorVersioned* tensor, const Devices& devices, void* stream) {
  auto owner = owner_of(tensor);
  // Of another major version nothing is known but the version itself and how to end it.
  if (tensor->version.major != kMajor)
    fail(ErrorCode::unsupported, "the DLPack tensor is of version " + std::to_string(tensor->version.major) + "." +
                                     std::to_string(tensor->version.minor) + "; version 1 is known");
  return import(tensor->dl_tensor, tensor->flags, std::move(owner), devices, stream);
}

Tensor from_dlpack(DLManagedTensor* tensor, const Devices& devices, void* stream) {
  auto owner = owner_of(tensor);
  return import(tensor->dl_tensor, 0, std::move(owner), devices, stream);
}

}  // namespace v0

namespace device::dlpack {

bool came_read_only(const Storage& storage) noexcept {
  return dynamic_cast<const ReadOnlyOrigin*>(storage.data()->origin) != nullptr;
}

}  // namespace device::dlpack
}  // namespace sconce
