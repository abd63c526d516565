// Dtypes and devices as DLPack numbers them.
#pragma once

#include <optional>

#include <sconce/dtype.h>
#include <sconce/tensor.h>

#include "device/dlpack_abi.h"

namespace sconce::device::dlpack {

/// Nothing for what DLPack 1.1 does not have.
[[nodiscard]] std::optional<DataType> data_type_of(DType dtype) noexcept;
[[nodiscard]] std::optional<DType> dtype_of_data(const DataType& type) noexcept;
/// Nothing for kinds of devices that we do not have. Pinned host memory is the CPU's.
[[nodiscard]] std::optional<Device> device_from(const DeviceOf& device) noexcept;
[[nodiscard]] DeviceOf device_to(Device device) noexcept;

/// Whether somebody who marked this memory read-only gave it to us.
[[nodiscard]] bool came_read_only(const Storage& storage) noexcept;

}  // namespace sconce::device::dlpack
