// Storages that are made of others when somebody reads them.
#pragma once

#include <cstdint>

#include "tree/document.h"

namespace sconce::model::rewrite {

/// The bytes of a storage again, as one of its own of that dtype; bytes behind the last whole element are left out.
/// Returns its number.
[[nodiscard]] std::uint32_t storage_as(tree::Document& document, std::uint32_t storage, DType dtype);

/// The elements of a strided tensor, row-major, with its conjugate and negative bits resolved, as a storage.
[[nodiscard]] std::uint32_t storage_of_elements(tree::Document& document, const Tensor& tensor);

}  // namespace sconce::model::rewrite
