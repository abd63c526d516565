// What a Tensor handle points at.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sconce/tensor.h>

namespace sconce {
inline namespace v0 {

/// What only few tensors have.
struct TensorExtras {
  QScheme qscheme = QScheme::none;
  double scale = 1;
  std::int64_t zero_point = 0;
  std::int64_t axis = 0;
  bool coalesced = false;
  std::string device;              ///< of a tensor without a storage
  std::vector<TensorPart> parts;
};

/// A tensor that was proven to lie inside its storage. Immutable once it is shared.
struct TensorData {
  DType dtype = DType::float32;
  Layout layout = Layout::strided;
  bool has_storage = true;
  bool requires_grad = false;
  bool parameter = false;
  bool conj = false;
  bool neg = false;
  bool numpy = false;
  bool meta = false;
  std::int64_t offset = 0;                       ///< in elements
  std::vector<std::int64_t> dims;                ///< shape, then (where strided) strides
  std::uint32_t ndim = 0;
  Storage storage;
  std::shared_ptr<const TensorExtras> extras;    ///< null for a plain tensor

  [[nodiscard]] std::span<const std::int64_t> shape() const noexcept { return {dims.data(), ndim}; }
  [[nodiscard]] std::span<const std::int64_t> strides() const noexcept {
    return dims.size() == 2 * std::size_t{ndim} ? std::span(dims).subspan(ndim) : std::span<const std::int64_t>();
  }
};

}  // namespace v0
}  // namespace sconce
