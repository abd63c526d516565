// Exports of DLPack as their consumers see them, for tests.
#pragma once

#include <memory>

#include <sconce/dlpack.h>
#include <sconce/tensor.h>

#include "device/device_suite.h"
#include "device/dlpack_abi.h"
#include "device/dlpack_types.h"

namespace sconce {

inline const Devices& only_the_cpu() {
  static const Devices devices({.cuda = false, .opencl = false});
  return devices;
}

/// Ends an export as its consumer would.
struct EndExport {
  template <typename Managed>
  void operator()(Managed* self) const {
    self->deleter(self);
  }
};
using Exported = std::unique_ptr<DLManagedTensorVersioned, EndExport>;
using ExportedOld = std::unique_ptr<DLManagedTensor, EndExport>;

inline Tensor six_floats() { return Tensor::from(std::vector<float>{0, 1, 2, 3, 4, 5}, {2, 3}); }

}  // namespace sconce
