// Tensors for those who bring them from another library, and memory for those who take them there: what the bridges
// need beyond tensor.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <sconce/export.h>
#include <sconce/tensor.h>

namespace sconce {
inline namespace v0 SCONCE_API {

/// What a strided tensor is besides a view of its storage.
struct TensorTraits {
  bool requires_grad = false;       ///< of floating-point and complex tensors
  bool parameter = false;           ///< a torch.nn.Parameter
  bool conj = false;                ///< elements are to be conjugated when read
  bool neg = false;                 ///< elements are to be negated when read
  QScheme qscheme = QScheme::none;  ///< of quantised dtypes
  double q_scale = 1;               ///< per_tensor_affine
  std::int64_t q_zero_point = 0;    ///< per_tensor_affine
  std::int64_t q_axis = 0;          ///< per_channel_affine: the dimension of the channels
  Tensor q_scales, q_zero_points;   ///< per_channel_affine: float64 and int64, one for each channel
};

/// The same view with other traits. Errors: `invalid_argument` for those that its dtype or shape cannot have.
[[nodiscard]] Tensor with_traits(const Tensor& tensor, const TensorTraits& traits);

/// A sparse tensor of its parts: "indices" and "values" of sparse_coo; "crow_indices", "col_indices" and "values" of
/// sparse_csr and sparse_bsr; "ccol_indices", "row_indices" and "values" of sparse_csc and sparse_bsc. Errors:
/// `invalid_argument` for other layouts and parts; whether indices lie inside the shape is not looked at.
[[nodiscard]] Tensor sparse_tensor(Layout layout, std::span<const std::int64_t> shape, std::vector<TensorPart> parts,
                                   bool coalesced = false);

/// All bytes of a storage in memory that may be written without anybody seeing it, the file included: a copy-on-write
/// mapping of their own. Null where they do not lie in a file that is mapped (memory, compressed records, owned access,
/// network file systems). What is written takes memory until the pointer goes; Storage::view() stays as it is. Errors:
/// those of opening; `truncated` where the file no longer has the bytes.
[[nodiscard]] std::shared_ptr<std::byte> map_private(const Storage& storage);

/// Whether the bytes that view() shows must not be written: those of a mapped file, and memory that was lent for
/// reading only (DLPack).
[[nodiscard]] bool is_read_only(const Storage& storage);

}  // namespace SCONCE_API
}  // namespace sconce
