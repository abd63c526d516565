// What tests/device/dlpack_python calls: tensors of ours as addresses for capsules, and theirs as ours. Test only.
#include <array>
#include <cstdio>
#include <string>

#include <sconce/dlpack.h>
#include <sconce/error.h>

#include "device/dlpack_abi.h"
#include "tensor/storage_data.h"

#define SCONCE_BRIDGE extern "C" __attribute__((visibility("default")))

namespace {

using namespace sconce;

/// Owners that are alive.
int alive = 0;
struct Owner {
  std::vector<std::byte> bytes;
  explicit Owner(std::size_t size) : bytes(size) { ++alive; }
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  ~Owner() { --alive; }
};

/// [2, 3] of column-major order, from the second element on; every element's bytes are its position in memory, so that
/// they are true bools where they must be.
Tensor sample(DType dtype) {
  const std::size_t size = element_size(dtype);
  auto owner = std::make_shared<Owner>(7 * size);
  for (std::size_t i = 0; i < 7; ++i)
    owner->bytes[i * size] = static_cast<std::byte>(dtype == DType::boolean ? i % 2 : i);
  const std::span<const std::byte> bytes(owner->bytes);
  Storage storage = storage_over(memory_source(bytes, std::move(owner)), dtype);
  const std::array<std::int64_t, 2> shape{2, 3};
  const std::array<std::int64_t, 2> strides{1, 2};
  return Tensor::over(std::move(storage), dtype, shape, strides, 1);
}

std::string listed(std::span<const std::int64_t> numbers) {
  std::string text;
  for (const std::int64_t number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
  return text;
}

template <typename Managed>
Tensor* import(void* managed, char* text, std::size_t size) {
  try {
    auto tensor = std::make_unique<Tensor>(
        from_dlpack(static_cast<Managed*>(managed), Devices({.cuda = false, .opencl = false})));
    const auto address = reinterpret_cast<std::uintptr_t>(tensor->storage().view().data());
    std::snprintf(text, size, "%s %s %s %ju %s", std::string(to_string(tensor->dtype())).c_str(),
                  listed(tensor->shape()).c_str(), listed(tensor->strides()).c_str(),
                  static_cast<std::uintmax_t>(address), tensor->sha256().c_str());
    return tensor.release();
  } catch (const Error& error) {
    std::snprintf(text, size, "%s", error.what());
    return nullptr;
  }
}

}  // namespace

/// `address`: where the first element is.
SCONCE_BRIDGE void* bridge_export(const char* dtype, int versioned, int read_only, const void** address) {
  const Tensor tensor = sample(*dtype_from_string(dtype));
  *address = tensor.storage().view().data() + element_size(tensor.dtype());
  if (versioned == 0) return to_dlpack_unversioned(tensor);
  DLManagedTensorVersioned* const out = to_dlpack(tensor);
  if (read_only != 0) out->flags |= device::dlpack::kReadOnly;
  return out;
}
SCONCE_BRIDGE int bridge_alive() { return alive; }
SCONCE_BRIDGE void* bridge_import(void* managed, int versioned, char* text, std::size_t size) {
  return versioned != 0 ? import <DLManagedTensorVersioned>(managed, text, size)
                        : import <DLManagedTensor>(managed, text, size);
}
SCONCE_BRIDGE void bridge_release(void* tensor) { delete static_cast<Tensor*>(tensor); }
