// One `.npy` array as a tensor over bytes that stay where they are.
#pragma once

#include <cstdint>

#include <sconce/byte_source.h>

#include "formats/numpy/dtypes.h"
#include "formats/numpy/header.h"
#include "tree/document.h"

namespace sconce::formats::numpy {

/// An array of numbers whose header was read and whose elements are proven to be there.
struct Array {
  ElementType type;
  Header header;
  std::uint64_t nbytes = 0;  ///< of all elements
};

/// Works out type and size, and proves that a source of the array reaches so far. Errors: `unsupported` where the
/// elements are no numbers; `damaged` for an impossible shape; `truncated`.
[[nodiscard]] Array describe(Header header, const ByteSource& source);

/// The tensor of an array; its storage is `nbytes` bytes that `origin` finds by `handle`.
[[nodiscard]] tree::NodeId make_tensor(tree::Document& document, const Array& array, const StorageOrigin* origin,
                                       std::uint64_t handle);

}  // namespace sconce::formats::numpy
