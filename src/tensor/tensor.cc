#include <sconce/tensor.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/fail.h"
#include "base/hash.h"
#include "tensor/elements.h"
#include "tensor/shape.h"
#include "tensor/storage_data.h"
#include "tensor/swap.h"
#include "tensor/tensor_data.h"

namespace sconce {
inline namespace v0 {
namespace {

constexpr std::size_t kHashWindow = std::size_t{1} << 20;

std::shared_ptr<TensorData> data_over(Storage storage, DType dtype, std::span<const std::int64_t> shape,
                                      std::span<const std::int64_t> strides, std::int64_t offset) {
  auto data = std::make_shared<TensorData>();
  data->dtype = dtype;
  data->offset = offset;
  data->ndim = static_cast<std::uint32_t>(shape.size());
  data->dims.assign(shape.begin(), shape.end());
  data->dims.insert(data->dims.end(), strides.begin(), strides.end());
  data->storage = std::move(storage);
  return data;
}

/// Refuses a shape that does not say exactly how `bytes` bytes are arranged.
void check_shape(DType dtype, std::span<const std::int64_t> shape, std::uint64_t bytes) {
  const auto numel = tensor::numel_of(shape);
  if (!numel || shape.size() > tensor::kMaxDims)
    fail(ErrorCode::invalid_argument, "a shape is at most 64 sizes, none negative, of at most 2^63 - 1 elements");
  const auto needed = bytes_of(dtype, *numel);
  if (needed && *needed == bytes) return;
  fail(ErrorCode::invalid_argument, "this shape has " + std::to_string(*numel) + " elements of " +
                                        std::string(to_string(dtype)) + ", but " + std::to_string(bytes) +
                                        " bytes were given");
}

/// Bool tensors of other writers may hold any byte; true is 1 here.
void normalise_bools(std::span<std::byte> elements) noexcept {
  for (std::byte& element : elements) element = element == std::byte{0} ? std::byte{0} : std::byte{1};
}

}  // namespace

std::string_view to_string(Layout layout) noexcept {
  switch (layout) {
    case Layout::strided: return "strided";
    case Layout::sparse_coo: return "sparse_coo";
    case Layout::sparse_csr: return "sparse_csr";
    case Layout::sparse_csc: return "sparse_csc";
    case Layout::sparse_bsr: return "sparse_bsr";
    case Layout::sparse_bsc: return "sparse_bsc";
    case Layout::nested: return "nested";
    case Layout::mkldnn: return "mkldnn";
    case Layout::wrapper: return "wrapper";
  }
  return "strided";
}

Tensor Tensor::copy_of(DType dtype, std::span<const std::byte> bytes, std::span<const std::int64_t> shape) {
  auto owner = std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end());
  const std::span<const std::byte> kept(*owner);
  return view(dtype, kept, shape, std::move(owner));
}

Tensor Tensor::view(DType dtype, std::span<const std::byte> bytes, std::span<const std::int64_t> shape,
                    std::shared_ptr<const void> owner) {
  check_shape(dtype, shape, bytes.size());
  Storage storage = storage_over(memory_source(bytes, std::move(owner)), dtype);
  return Tensor(data_over(std::move(storage), dtype, shape, tensor::contiguous_strides(shape), 0));
}

Tensor Tensor::over(Storage storage, DType dtype, std::span<const std::int64_t> shape,
                    std::span<const std::int64_t> strides, std::int64_t storage_offset) {
  if (auto why = tensor::why_not_inside(dtype, shape, strides, storage_offset, storage.nbytes()))
    fail(ErrorCode::invalid_argument, std::move(*why));
  return Tensor(data_over(std::move(storage), dtype, shape, strides, storage_offset));
}

const TensorData& Tensor::get() const {
  if (data_ == nullptr) fail(ErrorCode::invalid_argument, "the tensor is undefined", {}, "ask defined() first");
  return *data_;
}

DType Tensor::dtype() const { return get().dtype; }
Layout Tensor::layout() const { return get().layout; }
std::span<const std::int64_t> Tensor::shape() const { return get().shape(); }
std::span<const std::int64_t> Tensor::strides() const { return get().strides(); }
std::int64_t Tensor::storage_offset() const { return get().offset; }

std::uint64_t Tensor::numel() const {
  // A nested tensor's ragged sizes are -1; its elements are those of its buffer.
  if (layout() == Layout::nested && !parts().empty()) return parts().front().tensor.numel();
  return tensor::numel_of(shape()).value_or(0);
}

std::uint64_t Tensor::nbytes() const {
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(numel(), element_size(dtype()), &bytes))
    fail(ErrorCode::limit, "the elements of this tensor take more than 2^64 bytes");
  return bytes;
}

const std::string& Tensor::device() const {
  const TensorData& data = get();
  // A tensor of a device whose memory PyTorch cannot save has its bytes in a storage on the CPU.
  if (data.extras != nullptr && !data.extras->device.empty()) return data.extras->device;
  return data.has_storage || data.extras == nullptr ? data.storage.location() : data.extras->device;
}

bool Tensor::has_storage() const { return get().has_storage; }

const Storage& Tensor::storage() const {
  if (has_storage()) return data_->storage;
  fail(ErrorCode::wrong_type, "this tensor has no storage of its own", {},
       "has_storage() tells; parts() may have some");
}

bool Tensor::requires_grad() const { return get().requires_grad; }
bool Tensor::is_parameter() const { return get().parameter; }
bool Tensor::is_conj() const { return get().conj; }
bool Tensor::is_neg() const { return get().neg; }
bool Tensor::is_numpy() const { return get().numpy; }
bool Tensor::is_meta() const { return get().meta; }
bool Tensor::is_contiguous() const { return tensor::is_contiguous(shape(), strides()); }
bool Tensor::is_coalesced() const { return get().extras != nullptr && data_->extras->coalesced; }
QScheme Tensor::qscheme() const { return get().extras != nullptr ? data_->extras->qscheme : QScheme::none; }

double Tensor::q_scale() const {
  if (qscheme() == QScheme::per_tensor_affine) return data_->extras->scale;
  fail(ErrorCode::wrong_type, "only a tensor that is quantised per tensor has one scale", {}, "look at qscheme()");
}
std::int64_t Tensor::q_zero_point() const {
  if (qscheme() == QScheme::per_tensor_affine) return data_->extras->zero_point;
  fail(ErrorCode::wrong_type, "only a tensor that is quantised per tensor has one zero point", {}, "look at qscheme()");
}
std::int64_t Tensor::q_axis() const {
  if (qscheme() == QScheme::per_channel_affine) return data_->extras->axis;
  fail(ErrorCode::wrong_type, "only a tensor that is quantised per channel has an axis", {}, "look at qscheme()");
}

std::span<const TensorPart> Tensor::parts() const {
  return get().extras != nullptr ? std::span(data_->extras->parts) : std::span<const TensorPart>();
}

void Tensor::check_dtype(DType dtype) const {
  if (this->dtype() == dtype) return;
  fail(ErrorCode::wrong_type,
       "the tensor's elements are " + std::string(to_string(this->dtype())) + ", not " + std::string(to_string(dtype)),
       {}, "ask dtype() first, or take data<std::byte>()");
}

void Tensor::check_single() const {
  if (numel() != 1)
    fail(ErrorCode::wrong_type, "item() needs a tensor of one element; this one has " + std::to_string(numel()), {},
         "use to_vector()");
}

namespace {

/// Why the elements cannot be viewed in place; null where they can.
const char* why_no_view(const TensorData& data) {
  if (!data.has_storage) return "the tensor has no elements of its own";
  if (data.conj || data.neg) return "the tensor has a conj or neg bit, so its elements are not the stored ones";
  if (data.storage.byte_order() != std::endian::native && info(data.dtype).swap_unit != 1)
    return "the elements are stored in the other byte order";
  if (!tensor::is_contiguous(data.shape(), data.strides())) return "the elements do not lie in row-major order";
  if (static_cast<std::uint64_t>(data.offset) % 8 * info(data.dtype).bits % 8 != 0)
    return "the first element begins in the middle of a byte";
  return nullptr;
}

[[noreturn]] void no_view(std::string why) {
  fail(ErrorCode::wrong_type, std::move(why), {},
       "contiguous() makes a copy that can be viewed; copy_to() fills your memory");
}

std::span<const std::byte> view_elements(const TensorData& data, std::size_t alignment) {
  if (const char* why = why_no_view(data)) no_view(why);
  const std::uint64_t size = tensor::elements_nbytes(data);
  if (size == 0) return {};
  const std::span<const std::byte> bytes = data.storage.view();
  if (bytes.empty()) no_view("the bytes are not in memory (not mapped, or compressed in the file)");
  const std::span<const std::byte> elements =
      bytes.subspan(static_cast<std::size_t>(tensor::byte_offset(data)), static_cast<std::size_t>(size));
  if (reinterpret_cast<std::uintptr_t>(elements.data()) % alignment != 0)
    no_view("the bytes lie unaligned in the file");
  return elements;
}

}  // namespace

std::span<const std::byte> Tensor::checked_bytes(DType dtype, std::size_t, std::size_t alignment) const {
  check_dtype(dtype);
  return view_elements(get(), alignment);
}

template <>
std::span<const std::byte> Tensor::data<std::byte>() const {
  return view_elements(get(), 1);
}

template <>
std::span<const bool> Tensor::data<bool>() const {
  const std::span<const std::byte> bytes = checked_bytes(DType::boolean, 1, 1);
  if (std::ranges::any_of(bytes, [](std::byte byte) { return byte > std::byte{1}; }))
    no_view("some elements of the bool tensor are neither 0 nor 1");
  return {reinterpret_cast<const bool*>(bytes.data()), bytes.size()};
}

void Tensor::copy_to(std::span<std::byte> into) const {
  const SourcePtr elements = tensor::element_source(*this);
  if (into.size() != elements->size())
    fail(ErrorCode::invalid_argument, "the elements take " + std::to_string(elements->size()) +
                                          " bytes, but there is room for " + std::to_string(into.size()));
  elements->read_at(0, into);
  if constexpr (std::endian::native == std::endian::big) tensor::swap_in_place(into, info(dtype()).swap_unit);
  if (dtype() == DType::boolean) normalise_bools(into);
}

Tensor Tensor::contiguous() const {
  const TensorData& data = get();
  const bool viewable = why_no_view(data) == nullptr && (data.storage.nbytes() == 0 || !data.storage.view().empty());
  const std::size_t alignment = std::min<std::size_t>(element_size(data.dtype), alignof(double));
  if (viewable && data.dtype != DType::boolean &&
      reinterpret_cast<std::uintptr_t>(view_elements(data, 1).data()) % alignment == 0)
    return *this;
  tensor::check_expansion(data, Limits());
  auto bytes = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(tensor::elements_nbytes(data)));
  copy_to(*bytes);
  const std::span<const std::byte> kept(*bytes);
  Storage storage =
      storage_over(memory_source(kept, std::move(bytes)), data.dtype, std::endian::native, data.storage.location());
  auto copy = data_over(std::move(storage), data.dtype, data.shape(), tensor::contiguous_strides(data.shape()), 0);
  copy->requires_grad = data.requires_grad;
  copy->parameter = data.parameter;
  copy->numpy = data.numpy;
  copy->extras = data.extras;
  return Tensor(std::move(copy));
}

std::string Tensor::sha256() const {
  const SourcePtr elements = tensor::element_source(*this);
  tensor::check_expansion(get(), Limits());
  Sha256 hash;
  std::vector<std::byte> window(static_cast<std::size_t>(std::min<std::uint64_t>(kHashWindow, elements->size())));
  for (std::uint64_t done = 0; done < elements->size();) {
    const auto part = std::span(window).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(window.size(), elements->size() - done)));
    elements->read_at(done, part);
    hash.update(part);
    done += part.size();
  }
  return hash.finish();
}

}  // namespace v0
}  // namespace sconce
