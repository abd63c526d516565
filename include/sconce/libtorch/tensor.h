// Tensors of Sconce as libtorch's, and back: without a copy wherever that is safe.
//
//     at::Tensor weight = sconce::libtorch::to_tensor(checkpoint.tensor("conv1.weight"));
//     fresh["weight"] = sconce::libtorch::from_tensor(weight);
//
// What lies in a file is mapped for libtorch by a private mapping, copy-on-write: it may be written like any other
// tensor, and neither the file nor Sconce's own tensors see it. Memory is shared both ways, as torch.from_numpy shares
// it. Whatever is shared stays for as long as the last tensor over it, on either side. (A file that another process
// cuts short while it is mapped raises SIGBUS; FileAccess::owned maps nothing, and everything is copied.)
//
// Needs libtorch's ATen/core/Tensor.h and single operators, no more.
#pragma once

#include <sconce/libtorch/from_tensor.h>
#include <sconce/libtorch/to_tensor.h>
