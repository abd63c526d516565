// Storage classes of PyTorch and the dtypes they stand for.
#pragma once

#include <optional>
#include <string_view>

#include <sconce/dtype.h>

namespace sconce::formats::torch_common {

struct StorageClass {
  std::string_view name;       ///< "FloatStorage"
  std::optional<DType> dtype;  ///< nothing: UntypedStorage, counted in bytes
};

/// The class of that name, whatever module it is said to be in. Also the names that only TorchScript writes
/// (`Float8_e5m2Storage` …). Nothing where there is none.
[[nodiscard]] std::optional<StorageClass> storage_class(std::string_view name) noexcept;

/// The class that torch.save names for a storage of this dtype; "UntypedStorage" for dtypes that travel untyped and are
/// rebuilt by _rebuild_tensor_v3.
[[nodiscard]] std::string_view storage_class_name(DType dtype) noexcept;
[[nodiscard]] bool travels_untyped(DType dtype) noexcept;

/// Bytes of `numel` elements as the persistent id counts them: of the dtype; for quint4x2 and quint2x4 the count is of
/// bytes already. Nothing where it overflows.
[[nodiscard]] std::optional<std::uint64_t> storage_nbytes(const StorageClass& cls, std::uint64_t numel) noexcept;

}  // namespace sconce::formats::torch_common
