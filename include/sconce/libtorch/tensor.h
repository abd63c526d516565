// Tensors of Sconce as libtorch's, and back: without a copy wherever that is safe.
//
// What lies in a file is mapped for libtorch by a private mapping, copy-on-write: it may be written like any other
// tensor, the file and Sconce's own tensors never see it. Memory is shared both ways, as torch.from_numpy shares it.
// Whatever is shared stays for as long as the last tensor over it, on either side.
//
// Needs libtorch's ATen/core/Tensor.h and single operators, no more.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/Storage.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <sconce/error.h>
#include <sconce/libtorch/dtype.h>
#include <sconce/tensor.h>

namespace sconce::inline v0::libtorch {

/// Whether to_tensor() copies.
enum class Sharing : std::uint8_t {
  /// No copy where a tensor without one may be written without harm: files by a private mapping, memory as it is. The
  /// default. What cannot be shared (compressed records, another byte order, unaligned bytes, files that cannot be
  /// mapped) is copied.
  automatic,
  /// The same, but files through Sconce's own read-only mapping: no page is ever doubled. To WRITE such a tensor ends
  /// the process (SIGSEGV): for sources of copies only.
  view,
  /// Always memory of its own.
  copy,
};

namespace detail {

inline std::size_t alignment_of(DType dtype) noexcept { return info(dtype).swap_unit; }

inline bool is_aligned(const void* bytes, std::size_t alignment) noexcept {
  return reinterpret_cast<std::uintptr_t>(bytes) % alignment == 0;
}

/// libtorch's pointer to bytes that `owner` keeps.
template <typename Owner>
::c10::DataPtr lend(void* bytes, Owner owner, ::c10::Device device) {
  auto held = std::make_unique<Owner>(std::move(owner));
  void* const context = held.release();
  return {bytes, context, [](void* gone) { delete static_cast<Owner*>(gone); }, device};
}

inline ::c10::Storage storage_over(::c10::DataPtr bytes, std::uint64_t nbytes) {
  return ::c10::make_intrusive<::c10::StorageImpl>(::c10::StorageImpl::use_byte_size_t(),
                                                   static_cast<std::size_t>(nbytes), std::move(bytes), nullptr, false);
}

/// Memory of libtorch's own, filled by `fill(span)`.
template <typename Fill>
::c10::Storage filled_storage(std::uint64_t nbytes, const Fill& fill) {
  ::c10::Allocator* const allocator = ::c10::GetCPUAllocator();
  ::c10::Storage storage = ::c10::make_intrusive<::c10::StorageImpl>(::c10::StorageImpl::use_byte_size_t(),
                                                                     static_cast<std::size_t>(nbytes), allocator, true);
  // const_cast: `data()` gives const void* from 2.1 on.
  if (nbytes != 0)
    fill(std::span(static_cast<std::byte*>(const_cast<void*>(static_cast<const void*>(storage.data()))),
                   static_cast<std::size_t>(nbytes)));
  return storage;
}

}  // namespace detail

/// Makes libtorch's tensors of Sconce's. One maker keeps aliases: tensors that share a storage there share one here.
/// Keep it no longer than tensors are made, since it holds every storage that it made.
///
/// Thread rule: one thread at a time.
class TensorMaker {
 public:
  explicit TensorMaker(Sharing sharing = Sharing::automatic) : sharing_(sharing) {}

  /// The tensor with its shape, strides, offset, requires_grad, conj and neg bits. An undefined tensor gives one.
  /// Errors: `unsupported` for a dtype or layout that this libtorch lacks, and those of reading the bytes.
  [[nodiscard]] ::at::Tensor operator()(const Tensor& tensor) {
    if (!tensor.defined()) return {};
    ::at::Tensor made = strided(tensor);
    if (tensor.requires_grad()) made.set_requires_grad(true);
    return made;
  }

 private:
  ::at::Tensor strided(const Tensor& tensor) {
    if (tensor.layout() != Layout::strided || !tensor.has_storage())
      throw Error(
          ErrorCode::unsupported,
          "a tensor of layout " + std::string(to_string(tensor.layout())) + " cannot be handed to libtorch as one", {},
          "give its parts() one by one");
    const auto type = to_scalar_type(tensor.dtype());
    ::at::Tensor made = ::at::empty({0}, ::at::TensorOptions().dtype(type));
    made.set_(storage(tensor), tensor.storage_offset(), sizes(tensor.shape()), sizes(tensor.strides()));
    if (tensor.is_conj()) made._set_conj(true);
    if (tensor.is_neg()) made._set_neg(true);
    return made;
  }

  static ::at::IntArrayRef sizes(std::span<const std::int64_t> of) { return {of.data(), of.size()}; }

  /// One storage for all tensors that can share it: those that need its bytes turned around differently cannot.
  const ::c10::Storage& storage(const Tensor& tensor) {
    const Storage& from = tensor.storage();
    const bool swapped = from.byte_order() != std::endian::native && info(tensor.dtype()).swap_unit != 1;
    const auto unit = swapped ? info(tensor.dtype()).swap_unit : std::uint8_t{1};
    auto& made = made_[{from.data().get(), unit}];
    if (!made.storage || !detail::is_aligned(made.storage.data(), detail::alignment_of(tensor.dtype())))
      made = {from, swapped ? read_swapped(tensor) : share(from, tensor.dtype())};
    return made.storage;
  }

  ::c10::Storage share(const Storage& from, DType dtype) const {
    const std::span<const std::byte> bytes = from.nbytes() == 0 ? std::span<const std::byte>() : from.view();
    const bool can = sharing_ != Sharing::copy && !bytes.empty() &&
                     detail::is_aligned(bytes.data(), detail::alignment_of(dtype)) &&
                     (sharing_ == Sharing::view || !from.file_offset());
    if (!can) return detail::filled_storage(from.nbytes(), [&](std::span<std::byte> into) { from.read(0, into); });
    return detail::storage_over(
        detail::lend(const_cast<std::byte*>(bytes.data()), from, ::c10::Device(::c10::DeviceType::CPU)), from.nbytes());
  }

  /// All elements of the storage, in this machine's byte order.
  static ::c10::Storage read_swapped(const Tensor& tensor) {
    const Storage& from = tensor.storage();
    const std::uint64_t size = element_size(tensor.dtype());
    const std::int64_t count = static_cast<std::int64_t>(from.nbytes() / size), step = 1;
    const Tensor all = Tensor::over(from, tensor.dtype(), std::span(&count, 1), std::span(&step, 1), 0);
    return detail::filled_storage(from.nbytes() / size * size, [&](std::span<std::byte> into) { all.copy_to(into); });
  }

  struct Made {
    Storage from;  // held, so that its address stays its own
    ::c10::Storage storage;
  };
  Sharing sharing_;
  std::map<std::pair<const StorageData*, std::uint8_t>, Made> made_;
};

/// One tensor alone; for several that may share storages, keep a TensorMaker. Errors: as there.
[[nodiscard]] inline ::at::Tensor to_tensor(const Tensor& tensor, Sharing sharing = Sharing::automatic) {
  return TensorMaker(sharing)(tensor);
}

/// Makes Sconce's tensors of libtorch's. One reader keeps aliases. The memory is shared: who writes the tensor in
/// libtorch changes it here. Keep it no longer than tensors are read.
///
/// Thread rule: one thread at a time.
class TensorReader {
 public:
  /// The tensor with its shape, strides and offset, over all of its storage. An undefined tensor gives one. Errors:
  /// `unsupported` for dtypes and layouts that Sconce does not know.
  [[nodiscard]] Tensor operator()(const ::at::Tensor& given) {
    if (!given.defined()) return {};
    if (given.layout() != ::at::kStrided || given.is_quantized())
      throw Error(ErrorCode::unsupported, "only strided tensors can be taken from libtorch", {},
                  "convert it with to_dense()");
    const ::at::Tensor tensor = (given.is_cpu() ? given : given.cpu()).resolve_conj().resolve_neg();
    const DType dtype = to_dtype(tensor.scalar_type());
    return Tensor::over(storage(tensor.storage(), dtype), dtype, span(tensor.sizes()), span(tensor.strides()),
                        tensor.storage_offset());
  }

 private:
  static std::span<const std::int64_t> span(::at::IntArrayRef of) { return {of.data(), of.size()}; }

  const Storage& storage(const ::c10::Storage& from, DType dtype) {
    Read& read = read_[from.unsafeGetStorageImpl()];
    if (!read.from) read = {from, view(from, dtype)};
    return read.storage;
  }

  static Storage view(const ::c10::Storage& from, DType dtype) {
    const std::span bytes(static_cast<const std::byte*>(static_cast<const void*>(from.data())), from.nbytes());
    if (bytes.size() % element_size(dtype) != 0) dtype = DType::uint8;
    const auto count = static_cast<std::int64_t>(bytes.size() / element_size(dtype));
    auto owner = std::make_shared<const ::c10::Storage>(from);
    return Tensor::view(dtype, bytes, std::span(&count, 1), std::move(owner)).storage();
  }

  struct Read {
    ::c10::Storage from;
    Storage storage;
  };
  std::map<const ::c10::StorageImpl*, Read> read_;
};

/// One tensor alone; for several that may share storages, keep a TensorReader. Errors: as there.
[[nodiscard]] inline Tensor from_tensor(const ::at::Tensor& tensor) { return TensorReader()(tensor); }

}  // namespace sconce::inline v0::libtorch
