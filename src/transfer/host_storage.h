// Storages over bytes that the engine brought into memory.
#pragma once

#include <bit>
#include <optional>

#include <sconce/tensor.h>

#include "transfer/region.h"

namespace sconce::transfer {

/// A storage on the CPU; nothing for `dtype` means untyped. It holds its block, and so do the tensors over it.
[[nodiscard]] Storage host_storage(HostBytes bytes, std::optional<DType> dtype, std::endian byte_order);

}  // namespace sconce::transfer
