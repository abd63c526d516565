// What the PyTorch that is to open the file can read: only as much of it as decides what is written instead. The whole
// table of facts is in src/model/compatibility; docs/rewriting.md and docs/formats/pytorch.md have the sources.
#pragma once

#include <string>

#include <sconce/check.h>
#include <sconce/dtype.h>
#include <sconce/tensor.h>

#include "tree/document.h"

namespace sconce::model::rewrite {

struct Target {
  TorchVersion version;
  bool weights_only = false;

  [[nodiscard]] bool is_at_least(int major, int minor) const noexcept { return version >= TorchVersion{major, minor}; }
  /// From one release on, and with weights_only from another.
  [[nodiscard]] bool has(TorchVersion plain, TorchVersion restricted) const noexcept {
    return version >= (weights_only ? restricted : plain);
  }
  /// "PyTorch 1.13 with weights_only".
  [[nodiscard]] std::string name() const;

  // Containers.
  /// torch.load reads zip archives (torch/serialization.py of 1.6; opt-in and unfinished in 1.4 and 1.5).
  [[nodiscard]] bool zip() const noexcept { return is_at_least(1, 6); }

  // Tensors: torch/_utils.py, torch/_weights_only_unpickler.py.
  [[nodiscard]] bool dtype(DType dtype) const noexcept;
  /// _rebuild_tensor_v3 over an untyped storage.
  [[nodiscard]] bool untyped_tensors() const noexcept { return zip() && has({2, 1}, {2, 6}); }
  /// A bare UntypedStorage as a value.
  [[nodiscard]] bool untyped_storages() const noexcept { return is_at_least(2, 0); }
  /// The dict with the conjugate and negative bits, the last argument of _rebuild_tensor_v2.
  [[nodiscard]] bool lazy_bits() const noexcept { return is_at_least(2, 0); }
  [[nodiscard]] bool parameters() const noexcept { return is_at_least(1, 0); }
  /// _rebuild_parameter_with_state.
  [[nodiscard]] bool parameter_attributes() const noexcept { return has({2, 0}, {2, 4}); }
  /// _rebuild_from_type_v2 for a subclass of Tensor.
  [[nodiscard]] bool subclasses() const noexcept { return has({1, 10}, {2, 0}); }
  /// A subclass without a state: 1.10 to 1.13 ask the state for its items.
  [[nodiscard]] bool subclass_without_state() const noexcept { return is_at_least(2, 0); }
  /// Python attributes of a plain tensor: 1.10 to 1.13 read them and forget them.
  [[nodiscard]] bool tensor_attributes() const noexcept { return is_at_least(2, 0); }
  [[nodiscard]] bool quantized(DType dtype) const noexcept;
  [[nodiscard]] bool coo() const noexcept { return is_at_least(1, 4); }
  /// The fourth item of a COO tensor: whether it is coalesced.
  [[nodiscard]] bool coalesced_flag() const noexcept { return is_at_least(2, 1); }
  /// CSR by _rebuild_sparse_csr_tensor, which was there before and is not any more.
  [[nodiscard]] bool old_csr() const noexcept { return is_at_least(1, 11) && !is_at_least(2, 0); }
  [[nodiscard]] bool compressed(Layout layout) const noexcept {
    return is_at_least(2, 0) || (old_csr() && layout == Layout::sparse_csr);
  }
  [[nodiscard]] bool nested() const noexcept { return has({2, 1}, {2, 6}); }
  [[nodiscard]] bool meta() const noexcept { return has({1, 10}, {1, 13}); }

  // Values that only weights_only is particular about.
  [[nodiscard]] bool floats() const noexcept { return !weights_only || is_at_least(2, 1); }
  /// bytes, bytearray, set, complex, Counter, torch.device, quantisation schemes.
  [[nodiscard]] bool small_values() const noexcept { return !weights_only || is_at_least(2, 6); }
  /// A dtype as a value, not of a tensor.
  [[nodiscard]] bool dtype_value(DType dtype) const noexcept;
  /// NumPy's objects, defaultdict, frozenset, slice, range, classes by their names.
  [[nodiscard]] bool any_class() const noexcept { return !weights_only; }
};

}  // namespace sconce::model::rewrite
