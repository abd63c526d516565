// Tensors of devices whose memory PyTorch cannot save (XLA, HPU …): written as a NumPy array or a CPU tensor with a
// tag.
#pragma once

#include <string>

#include "formats/torch_common/arguments.h"
#include "formats/torch_common/known_names.h"

namespace sconce::formats::torch_common {

/// _rebuild_device_tensor_from_numpy(array, dtype, device, requires_grad) and its relatives.
[[nodiscard]] NodeId device_tensor(Document& document, Known what, const Arguments& arguments);

/// A tensor over bytes (little-endian, row-major) that it owns.
[[nodiscard]] Tensor bytes_tensor(std::string bytes, DType dtype, std::span<const std::int64_t> shape);

}  // namespace sconce::formats::torch_common
