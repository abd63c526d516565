// The names in PyTorch's pickles that become typed values. Every other name is data.
#pragma once

#include <cstdint>
#include <string_view>

namespace sconce::formats::torch_common {

/// What a global stands for, by its Python 3 name.
enum class Known : std::uint8_t {
  unknown,
  // containers and values of Python
  ordered_dict,
  default_dict,
  counter,
  py_set,
  py_frozenset,
  py_bytearray,
  py_bytes,
  py_complex,
  py_slice,
  py_range,
  py_getattr,
  codecs_encode,
  reconstructor,
  py_class,  ///< a builtin class that is met as a value: int, dict, list, object …
  // small values of torch
  torch_size,
  torch_device,
  torch_dtype,
  torch_qscheme,
  get_layout,
  torch_module,
  // storages and tensors
  storage_class,
  untyped_storage_class,
  tensor_class,
  parameter,
  variable,
  rebuild_tensor,
  rebuild_tensor_v2,
  rebuild_tensor_v3,
  rebuild_parameter,
  rebuild_parameter_with_state,
  rebuild_qtensor,
  rebuild_sparse_tensor,
  rebuild_sparse_csr_tensor,
  rebuild_nested_tensor,
  rebuild_meta_tensor,
  rebuild_wrapper_subclass,
  rebuild_device_tensor_from_numpy,
  rebuild_device_tensor_from_cpu_tensor,
  rebuild_from_type,
  rebuild_from_type_v2,
  load_from_bytes,
  // NumPy
  numpy_reconstruct,
  numpy_ndarray,
  numpy_dtype,
  numpy_scalar,
  numpy_frombuffer,
};

/// What is known of a dotted Python 3 name. torch.load takes every global whose last component names a storage class
/// for that class, whatever its module; so does this.
[[nodiscard]] Known known_name(std::string_view module, std::string_view name) noexcept;

/// Whether torch has a memory format of this name.
[[nodiscard]] bool is_memory_format(std::string_view name) noexcept;

/// Whether a call of it only builds a value of the tree.
[[nodiscard]] bool only_builds(Known known) noexcept;

}  // namespace sconce::formats::torch_common
