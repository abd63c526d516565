// A tensor's elements, as NumPy prints an array.
#pragma once

#include <sconce/tensor.h>

#include "base/json_writer.h"
#include "cli/output.h"

namespace sconce::cli {

/// Elements of a larger tensor are elided: three at each end of every dimension are read and shown, and no others.
inline constexpr std::uint64_t kElideFrom = 1000;

/// Appends the elements, brackets around each dimension. `full`: all of them. Errors: those of Tensor::copy_to.
void print_elements(Output& output, const Tensor& tensor, bool full);
/// All elements as nested arrays.
void write_elements(JsonWriter& json, const Tensor& tensor);

}  // namespace sconce::cli
