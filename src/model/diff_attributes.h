// What two tensors are, beside their elements.
#pragma once

#include <vector>

#include <sconce/diff.h>

namespace sconce::model {

/// Appends what differs: layout, dtype, shape, quantisation; `strict`: device, strides and the rest, too.
void diff_attributes(const std::string& name, const Tensor& a, const Tensor& b, bool strict,
                     std::vector<TensorDifference>& found);

/// Whether the elements can be compared: both have some, of as many numbers, in one shape.
[[nodiscard]] bool comparable_elements(const Tensor& a, const Tensor& b);

}  // namespace sconce::model
