// libtorch's tensors as Sconce's.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <sconce/device.h>
#include <sconce/error.h>
#include <sconce/libtorch/detail/storages.h>
#include <sconce/libtorch/dtype.h>
#include <sconce/make_tensor.h>
#include <sconce/tensor.h>

namespace sconce::inline v0::libtorch {

/// Makes Sconce's tensors of libtorch's. One reader keeps aliases. The memory is shared, and stays for as long as the
/// tensor here: who writes it in libtorch changes it here. Keep a reader no longer than tensors are read: it holds
/// every storage that it met.
///
/// Tensors on CUDA devices stay there, where Sconce finds the device; what was queued on libtorch's current stream is
/// waited for. Those on other devices are copied to the CPU.
///
/// Thread rule: one thread at a time.
class TensorReader {
 public:
  /// The tensor with its shape, strides, offset, requires_grad, conj and neg bits, over all of its storage, quantised
  /// and sparse ones too; of an undefined tensor, one. Errors: `unsupported` for dtypes and layouts that Sconce cannot
  /// make (nested, mkldnn, meta), and for what libtorch refuses.
  [[nodiscard]] Tensor operator()(const ::at::Tensor& given) {
    if (!given.defined()) return {};
    return detail::in_libtorch([&] {
      if (given.layout() != ::at::kStrided) return sparse(given);
      if (given.is_meta() || !given.has_storage())
        throw Error(ErrorCode::unsupported, "a tensor without elements (meta) cannot be taken from libtorch");
      return strided(given.is_cpu() || stays(given) ? given : given.cpu());
    });
  }

 private:
  static std::span<const std::int64_t> span(::at::IntArrayRef of) { return {of.data(), of.size()}; }

  Tensor strided(const ::at::Tensor& given) {
    const DType dtype = to_dtype(given.scalar_type());
    const Tensor view =
        Tensor::over(storage(given, dtype), dtype, span(given.sizes()), span(given.strides()), given.storage_offset());
    TensorTraits traits;
    traits.requires_grad = given.requires_grad();
    traits.conj = given.is_conj();
    traits.neg = given.is_neg();
    if (given.is_quantized()) add_quantizer(given, traits);
    const bool plain = !traits.requires_grad && !traits.conj && !traits.neg && !given.is_quantized();
    return plain ? view : with_traits(view, traits);
  }

  void add_quantizer(const ::at::Tensor& given, TensorTraits& traits) {
    if (given.qscheme() == ::at::kPerTensorAffine) {
      traits.qscheme = QScheme::per_tensor_affine;
      traits.q_scale = given.q_scale();
      traits.q_zero_point = given.q_zero_point();
    } else if (given.qscheme() == ::at::kPerChannelAffine) {
      traits.qscheme = QScheme::per_channel_affine;
      traits.q_axis = given.q_per_channel_axis();
      traits.q_scales = (*this)(given.q_per_channel_scales().to(::at::kDouble));
      traits.q_zero_points = (*this)(given.q_per_channel_zero_points().to(::at::kLong));
    } else {
      throw Error(ErrorCode::unsupported,
                  "a quantised tensor of a scheme that is neither per tensor nor per channel affine");
    }
  }

  Tensor sparse(const ::at::Tensor& given) {
    const auto made = [&](Layout layout, const char* first, const ::at::Tensor& compressed, const char* second,
                          const ::at::Tensor& plain) {
      return sparse_tensor(
          layout, span(given.sizes()),
          {{first, (*this)(compressed)}, {second, (*this)(plain)}, {"values", (*this)(given.values())}});
    };
    switch (given.layout()) {
      case ::at::kSparse:
        return sparse_tensor(Layout::sparse_coo, span(given.sizes()),
                             {{"indices", (*this)(given._indices())}, {"values", (*this)(given._values())}},
                             given.is_coalesced());
      case ::at::kSparseCsr:
        return made(Layout::sparse_csr, "crow_indices", given.crow_indices(), "col_indices", given.col_indices());
      case ::at::kSparseBsr:
        return made(Layout::sparse_bsr, "crow_indices", given.crow_indices(), "col_indices", given.col_indices());
      case ::at::kSparseCsc:
        return made(Layout::sparse_csc, "ccol_indices", given.ccol_indices(), "row_indices", given.row_indices());
      case ::at::kSparseBsc:
        return made(Layout::sparse_bsc, "ccol_indices", given.ccol_indices(), "row_indices", given.row_indices());
      default:
        throw Error(ErrorCode::unsupported, "a tensor of this layout cannot be taken from libtorch", {},
                    "convert it with to_dense()");
    }
  }

  /// Whether a tensor on a device can be shared where it is.
  bool stays(const ::at::Tensor& given) {
    if (!given.is_cuda()) return false;
    if (!devices_) devices_.emplace();
    return devices_->has({DeviceType::cuda, static_cast<std::uint32_t>(given.get_device())});
  }

  const Storage& storage(const ::at::Tensor& tensor, DType dtype) {
    const ::c10::Storage& from = tensor.storage();
    Read& read = read_[from.unsafeGetStorageImpl()];
    if (!read.from) read = {from, from.device().is_cpu() ? view(from, dtype) : view_on_device(from)};
    return read.storage;
  }

  static Storage view(const ::c10::Storage& from, DType dtype) {
    const std::span bytes(static_cast<const std::byte*>(static_cast<const void*>(from.data())), from.nbytes());
    if (bytes.size() % element_size(dtype) != 0 || info(dtype).bits < 8) dtype = DType::uint8;
    const auto count = static_cast<std::int64_t>(bytes.size() / element_size(dtype));
    auto owner = std::make_shared<const ::c10::Storage>(from);
    return Tensor::view(dtype, bytes, std::span(&count, 1), std::move(owner)).storage();
  }

  Storage view_on_device(const ::c10::Storage& from) {
    ::c10::impl::VirtualGuardImpl(from.device().type()).getStream(from.device()).synchronize();
    const Device device{DeviceType::cuda, static_cast<std::uint32_t>(from.device().index())};
    return devices_->view(device, reinterpret_cast<std::uintptr_t>(static_cast<const void*>(from.data())),
                          from.nbytes(), std::make_shared<const ::c10::Storage>(from));
  }

  struct Read {
    ::c10::Storage from;  // held, so that its address stays its own
    Storage storage;
  };
  std::map<const ::c10::StorageImpl*, Read> read_;
  std::optional<Devices> devices_;
};

/// One tensor alone; for several that may share storages, keep a TensorReader. Errors: as there.
[[nodiscard]] inline Tensor from_tensor(const ::at::Tensor& tensor) { return TensorReader()(tensor); }

}  // namespace sconce::inline v0::libtorch
