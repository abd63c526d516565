// NumPy arrays, dtypes and scalars inside a pickle.
//
// Facts: numpy/_core/src/multiarray (methods.c, array_reduce, array_setstate; descriptor.c, arraydescr_reduce), the
// same from NumPy 1 to 2 but for the module's name.
#pragma once

#include <optional>

#include "formats/torch_common/arguments.h"
#include "formats/torch_common/known_names.h"

namespace sconce::formats::torch_common {

/// A NumPy scalar, or an array from _frombuffer; kNoNode where the call builds none, or none of numbers.
[[nodiscard]] NodeId numpy_value(Document& document, Known what, const Arguments& arguments);

/// BUILD of an array that _reconstruct began: it becomes a tensor, if its elements are numbers. False where `object` is
/// no such array or its elements are none (objects, strings, records): then it stays an opaque object.
[[nodiscard]] bool numpy_state(Document& document, NodeId object, NodeId state);

/// What a NumPy dtype object says, where its elements are numbers.
struct NumpyDType {
  DType dtype = DType::uint8;
  std::endian order = std::endian::little;
};
[[nodiscard]] std::optional<NumpyDType> numpy_dtype(const Document& document, NodeId dtype);

}  // namespace sconce::formats::torch_common
