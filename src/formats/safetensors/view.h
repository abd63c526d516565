// Views of one storage, each of which a file holds with its elements in row-major order: what of the storage they show,
// and the storage put together again from them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <sconce/byte_source.h>
#include <sconce/dtype.h>
#include <sconce/tensor.h>

#include "tensor/storage_data.h"

namespace sconce::formats::safetensors {

/// How a tensor lies in its storage; everything in elements.
struct View {
  DType dtype = DType::uint8;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
  std::int64_t offset = 0;
};

/// Bytes [begin, end) from the first element to the last.
struct Interval {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// Nothing where a product overflows, a stride is negative, or elements do not begin at whole bytes.
[[nodiscard]] std::optional<Interval> interval_of(const View& view);

/// Whether the elements lie behind one another in row-major order.
[[nodiscard]] bool is_dense(const View& view);

/// Whether every byte of the interval belongs to exactly one element, dimensions in any order (a transposed matrix).
[[nodiscard]] bool fills_interval(const View& view);

/// Whether no two elements share bytes, but for those of an expanded dimension, and dimensions are nested in each
/// other: the bytes of the storage can be had from the elements.
[[nodiscard]] bool is_nested(const View& view);

/// Whether a storage of `bytes` is worth its bytes, where views show only `shown` of them: the rest would be written as
/// zeros.
[[nodiscard]] bool is_worthwhile(std::uint64_t bytes, std::uint64_t shown) noexcept;

/// Which of several views are needed to fill a storage; nothing where they cannot. `intervals` are theirs.
[[nodiscard]] std::optional<std::vector<std::size_t>> needed_views(std::span<const View> views,
                                                                   std::span<const Interval> intervals);

/// One view and the elements of it that the file has, in row-major order.
struct FilledView {
  View view;
  Storage elements;
};

/// A source of `size` bytes, zero where no view shows them. The views are nested and lie inside of it.
[[nodiscard]] SourcePtr scattered_source(std::span<const FilledView> views, std::uint64_t size);

}  // namespace sconce::formats::safetensors
