#include "formats/torch_common/known_names.h"

#include <algorithm>
#include <array>
#include <string>

#include <sconce/dtype.h>

#include "formats/torch_common/storage_classes.h"

namespace sconce::formats::torch_common {

namespace {

struct Row {
  std::string_view module;
  std::string_view name;
  Known known;
};

// Sources: torch/_utils.py, torch/_tensor.py, torch/serialization.py, torch/storage.py of 1.7 to 2.14; numpy 1 and 2;
// CPython's copyreg. docs/formats/pytorch.md says which release wrote which.
constexpr Row kRows[] = {
    {"collections", "OrderedDict", Known::ordered_dict},
    {"collections", "defaultdict", Known::default_dict},
    {"collections", "Counter", Known::counter},
    {"builtins", "set", Known::py_set},
    {"builtins", "frozenset", Known::py_frozenset},
    {"builtins", "bytearray", Known::py_bytearray},
    {"builtins", "bytes", Known::py_bytes},
    {"builtins", "complex", Known::py_complex},
    {"builtins", "slice", Known::py_slice},
    {"builtins", "range", Known::py_range},
    {"builtins", "getattr", Known::py_getattr},
    {"builtins", "int", Known::py_class},
    {"builtins", "float", Known::py_class},
    {"builtins", "bool", Known::py_class},
    {"builtins", "str", Known::py_class},
    {"builtins", "list", Known::py_class},
    {"builtins", "dict", Known::py_class},
    {"builtins", "tuple", Known::py_class},
    {"builtins", "object", Known::py_class},
    {"_codecs", "encode", Known::codecs_encode},
    {"copyreg", "_reconstructor", Known::reconstructor},
    {"torch", "Size", Known::torch_size},
    {"torch", "device", Known::torch_device},
    {"torch.serialization", "_get_layout", Known::get_layout},
    {"torch._utils", "torch", Known::torch_module},
    {"torch", "per_tensor_affine", Known::torch_qscheme},
    {"torch", "per_channel_affine", Known::torch_qscheme},
    {"torch", "per_tensor_symmetric", Known::torch_qscheme},
    {"torch", "per_channel_symmetric", Known::torch_qscheme},
    {"torch", "per_channel_affine_float_qparams", Known::torch_qscheme},
    {"torch", "Tensor", Known::tensor_class},
    {"torch.nn.parameter", "Parameter", Known::parameter},
    {"torch.autograd.variable", "Variable", Known::variable},
    {"torch._utils", "_rebuild_tensor", Known::rebuild_tensor},
    {"torch._utils", "_rebuild_tensor_v2", Known::rebuild_tensor_v2},
    {"torch._utils", "_rebuild_tensor_v3", Known::rebuild_tensor_v3},
    {"torch._utils", "_rebuild_parameter", Known::rebuild_parameter},
    {"torch._utils", "_rebuild_parameter_with_state", Known::rebuild_parameter_with_state},
    {"torch._utils", "_rebuild_qtensor", Known::rebuild_qtensor},
    {"torch._utils", "_rebuild_sparse_tensor", Known::rebuild_sparse_tensor},
    {"torch._utils", "_rebuild_sparse_csr_tensor", Known::rebuild_sparse_csr_tensor},
    {"torch._utils", "_rebuild_nested_tensor", Known::rebuild_nested_tensor},
    {"torch._utils", "_rebuild_meta_tensor_no_storage", Known::rebuild_meta_tensor},
    {"torch._utils", "_rebuild_wrapper_subclass", Known::rebuild_wrapper_subclass},
    {"torch._utils", "_rebuild_device_tensor_from_numpy", Known::rebuild_device_tensor_from_numpy},
    {"torch._utils", "_rebuild_xla_tensor", Known::rebuild_device_tensor_from_numpy},
    {"torch._utils", "_rebuild_device_tensor_from_cpu_tensor", Known::rebuild_device_tensor_from_cpu_tensor},
    {"torch._tensor", "_rebuild_from_type", Known::rebuild_from_type},
    {"torch.tensor", "_rebuild_from_type", Known::rebuild_from_type},
    {"torch._tensor", "_rebuild_from_type_v2", Known::rebuild_from_type_v2},
    {"torch.storage", "_load_from_bytes", Known::load_from_bytes},
    {"numpy.core.multiarray", "_reconstruct", Known::numpy_reconstruct},
    {"numpy._core.multiarray", "_reconstruct", Known::numpy_reconstruct},
    {"numpy", "ndarray", Known::numpy_ndarray},
    {"numpy", "dtype", Known::numpy_dtype},
    {"numpy.core.multiarray", "scalar", Known::numpy_scalar},
    {"numpy._core.multiarray", "scalar", Known::numpy_scalar},
    {"numpy.core.numeric", "_frombuffer", Known::numpy_frombuffer},
    {"numpy._core.numeric", "_frombuffer", Known::numpy_frombuffer},
};

/// torch.FloatTensor, torch.cuda.HalfTensor, torch.sparse.DoubleTensor …: classes of the years before dtypes.
bool is_tensor_class(std::string_view module, std::string_view name) noexcept {
  constexpr std::string_view kSuffix = "Tensor";
  if (!name.ends_with(kSuffix)) return false;
  if (module != "torch" && module != "torch.cuda" && module != "torch.sparse" && module != "torch.cuda.sparse")
    return false;
  constexpr std::array<std::string_view, 11> kTypes = {"Double", "Float", "Half", "BFloat16", "Long",        "Int",
                                                       "Short",  "Char",  "Byte", "Bool",     "ComplexFloat"};
  return std::ranges::find(kTypes, name.substr(0, name.size() - kSuffix.size())) != kTypes.end();
}

/// torch.float32 and its kind. float6 is not PyTorch's; the sub-byte integers have no tensors but are dtype objects.
bool is_dtype(std::string_view name) noexcept {
  if (dtype_from_string(name)) return !name.starts_with("float6");
  const bool is_unsigned = name.starts_with("uint");
  if (!is_unsigned && !name.starts_with("int")) return false;
  const std::string_view width = name.substr(is_unsigned ? 4 : 3);
  return width.size() == 1 && width.front() >= '1' && width.front() <= '7';
}

}  // namespace

Known known_name(std::string_view module, std::string_view name) noexcept {
  for (const Row& row : kRows)
    if (row.name == name && row.module == module) return row.known;
  if (const auto storage = storage_class(name))
    return storage->dtype ? Known::storage_class : Known::untyped_storage_class;
  if (module == "torch" && is_dtype(name)) return Known::torch_dtype;
  if (is_tensor_class(module, name)) return Known::tensor_class;
  return Known::unknown;
}

bool is_memory_format(std::string_view name) noexcept {
  return name == "contiguous_format" || name == "preserve_format" || name == "channels_last" ||
         name == "channels_last_3d";
}

bool only_builds(Known known) noexcept {
  switch (known) {
    case Known::unknown:
    case Known::py_getattr:
    case Known::reconstructor:
    case Known::torch_module: return false;
    default: return true;
  }
}

}  // namespace sconce::formats::torch_common
