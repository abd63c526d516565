// Sconce's tensors as libtorch's.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/_empty_affine_quantized.h>
#include <ATen/ops/_empty_per_channel_affine_quantized.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/sparse_compressed_tensor.h>
#include <ATen/ops/sparse_coo_tensor.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>

#include <sconce/error.h>
#include <sconce/libtorch/detail/storages.h>
#include <sconce/libtorch/dtype.h>
#include <sconce/make_tensor.h>
#include <sconce/tensor.h>

namespace sconce::inline v0::libtorch {

/// Whether to_tensor() copies.
enum class Sharing : std::uint8_t {
  /// No copy where a tensor without one may be written without harm: files by a private mapping, memory and devices as
  /// they are. The default. What cannot be shared (compressed records, another byte order, unaligned bytes, memory lent
  /// for reading, files that cannot be mapped) is copied.
  automatic,
  /// The same, but all that is read-only is shared as it is, files through Sconce's own mapping. To WRITE such a tensor
  /// ends the process (SIGSEGV): for what is only read.
  view,
  /// Always memory of its own, on the CPU.
  copy,
};

/// Makes libtorch's tensors of Sconce's. One maker keeps aliases: tensors that share a storage there share one here,
/// but for those that need its bytes turned around or moved differently. Keep it no longer than tensors are made: it
/// holds every storage that it made.
///
/// Thread rule: one thread at a time.
class TensorMaker {
 public:
  explicit TensorMaker(Sharing sharing = Sharing::automatic) : sharing_(sharing) {}

  /// The tensor with its shape, strides, offset, device, requires_grad, conj and neg bits, quantised and sparse ones
  /// too; of an undefined tensor, one. Errors: `unsupported` for dtypes, layouts (nested, mkldnn, wrappers) and devices
  /// that this libtorch lacks, and for what it refuses; those of reading bytes.
  [[nodiscard]] ::at::Tensor operator()(const Tensor& tensor) {
    if (!tensor.defined()) return {};
    return detail::in_libtorch([&] {
      ::at::Tensor made = tensor.parts().empty() || tensor.layout() == Layout::strided ? plain(tensor) : sparse(tensor);
      if (tensor.requires_grad() && (made.is_floating_point() || made.is_complex())) made.set_requires_grad(true);
      return made;
    });
  }

 private:
  ::at::Tensor plain(const Tensor& tensor) {
    const auto options = ::at::TensorOptions().dtype(to_scalar_type(tensor.dtype()));
    if (tensor.is_meta())
      return ::at::empty_strided(sizes(tensor.shape()), sizes(tensor.strides()), options.device(::at::kMeta));
    if (tensor.layout() != Layout::strided || !tensor.has_storage()) no_such_layout(tensor);
    const ::c10::Storage& bytes = storage(tensor);
    ::at::Tensor made = empty(tensor, options.device(bytes.device()));
    made.set_(bytes, tensor.storage_offset(), sizes(tensor.shape()), sizes(tensor.strides()));
    if (tensor.is_conj()) made._set_conj(true);
    if (tensor.is_neg()) made._set_neg(true);
    return made;
  }

  /// What set_() can turn into the tensor.
  ::at::Tensor empty(const Tensor& tensor, const ::at::TensorOptions& options) {
    switch (tensor.qscheme()) {
      case QScheme::none: break;
      case QScheme::per_tensor_affine:
        return ::at::_empty_affine_quantized({0}, options, tensor.q_scale(), tensor.q_zero_point());
      case QScheme::per_channel_affine:
        return ::at::_empty_per_channel_affine_quantized(sizes(tensor.shape()), (*this)(part(tensor, "scales")),
                                                         (*this)(part(tensor, "zero_points")), tensor.q_axis(),
                                                         options);
    }
    if (info(tensor.dtype()).is_quantized)
      throw Error(ErrorCode::unsupported, "a tensor of " + std::string(to_string(tensor.dtype())) +
                                              " that does not say how its integers stand for numbers");
    return ::at::empty({0}, options);
  }

  ::at::Tensor sparse(const Tensor& tensor) {
    const ::at::IntArrayRef shape = sizes(tensor.shape());
    const auto compressed = [&](const char* first, const char* second, ::at::Layout layout) {
      const ::at::Tensor values = (*this)(part(tensor, "values"));
      return ::at::sparse_compressed_tensor((*this)(part(tensor, first)), (*this)(part(tensor, second)), values, shape,
                                            values.options().layout(layout));
    };
    switch (tensor.layout()) {
      case Layout::sparse_coo: {
        const ::at::Tensor values = (*this)(part(tensor, "values"));
        const ::at::Tensor made = ::at::sparse_coo_tensor((*this)(part(tensor, "indices")), values, shape,
                                                          values.options().layout(::at::kSparse));
        if (tensor.is_coalesced()) made._coalesced_(true);
        return made;
      }
      case Layout::sparse_csr: return compressed("crow_indices", "col_indices", ::at::kSparseCsr);
      case Layout::sparse_csc: return compressed("ccol_indices", "row_indices", ::at::kSparseCsc);
      case Layout::sparse_bsr: return compressed("crow_indices", "col_indices", ::at::kSparseBsr);
      case Layout::sparse_bsc: return compressed("ccol_indices", "row_indices", ::at::kSparseBsc);
      default: no_such_layout(tensor);
    }
  }

  [[noreturn]] static void no_such_layout(const Tensor& tensor) {
    throw Error(ErrorCode::unsupported,
                "a tensor of layout " + std::string(to_string(tensor.layout())) + " is not made for libtorch", {},
                "take its parts() one by one");
  }

  static Tensor part(const Tensor& tensor, std::string_view name) {
    for (const TensorPart& part : tensor.parts())
      if (part.name == name) return part.tensor;
    throw Error(ErrorCode::damaged, "the tensor lacks its part " + std::string(name));
  }

  static ::at::IntArrayRef sizes(std::span<const std::int64_t> of) { return {of.data(), of.size()}; }

  const ::c10::Storage& storage(const Tensor& tensor) {
    const Storage& from = tensor.storage();
    const bool swapped = from.byte_order() != std::endian::native && info(tensor.dtype()).swap_unit != 1;
    Made& made = made_[{from.data().get(), swapped ? info(tensor.dtype()).swap_unit : std::uint8_t{1}}];
    if (!made.storage || !detail::is_aligned(made.storage.data(), tensor.dtype()))
      made = {from, swapped ? read_swapped(tensor) : share(from, tensor.dtype())};
    return made.storage;
  }

  ::c10::Storage share(const Storage& from, DType dtype) const {
    const ::c10::Device cpu(::c10::DeviceType::CPU);
    const auto read = [&](std::span<std::byte> into) { from.read(0, into); };
    if (from.nbytes() == 0 || sharing_ == Sharing::copy) return detail::filled_storage(from.nbytes(), read);
    if (from.device().type == DeviceType::cuda) {
      auto* const address = reinterpret_cast<void*>(from.device_address() + from.device_offset());
      const ::c10::Device device(::c10::DeviceType::CUDA, static_cast<::c10::DeviceIndex>(from.device().index));
      return detail::storage_over(address, from.nbytes(), from, device);
    }
    const std::span<const std::byte> bytes = from.view();
    if (bytes.empty() || !detail::is_aligned(bytes.data(), dtype)) return detail::filled_storage(from.nbytes(), read);
    if (sharing_ == Sharing::view || !is_read_only(from))
      return detail::storage_over(const_cast<std::byte*>(bytes.data()), from.nbytes(), from, cpu);
    if (auto mapped = map_private(from)) {
      std::byte* const first = mapped.get();
      return detail::storage_over(first, from.nbytes(), std::move(mapped), cpu);
    }
    return detail::filled_storage(from.nbytes(), read);
  }

  /// All elements of the storage, in this machine's byte order.
  static ::c10::Storage read_swapped(const Tensor& tensor) {
    const Storage& from = tensor.storage();
    const std::uint64_t size = element_size(tensor.dtype());
    const auto count = static_cast<std::int64_t>(from.nbytes() / size);
    const std::int64_t step = 1;
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

}  // namespace sconce::inline v0::libtorch
