// Values of a tree as Python would write them.
#pragma once

#include <sconce/value.h>

#include "cli/output.h"

namespace sconce::cli {

/// A leaf in one line, control characters escaped.
[[nodiscard]] std::string leaf_line(const Value& value);
/// A value with all that is inside of it, one entry of a dict a line; what contains itself ends with "...". Errors:
/// `limit` beyond a sane size.
void print_tree(Output& output, const Value& value);
/// "float32 [64, 3, 7, 7]".
[[nodiscard]] std::string tensor_line(const Tensor& tensor);
/// "[64, 3, 7, 7]".
[[nodiscard]] std::string shape_text(std::span<const std::int64_t> shape);

}  // namespace sconce::cli
