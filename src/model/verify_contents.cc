#include "model/verify_contents.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/fail.h"
#include "model/index_reader.h"

namespace sconce::model {

namespace {

[[noreturn]] void wrong(std::string message) {
  fail(ErrorCode::damaged, std::move(message), {}, "the tensor would crash or mislead what uses it; make it again");
}

std::string at_text(std::uint64_t at) { return " at position " + std::to_string(at); }

const Tensor& part(const Tensor& tensor, std::string_view name) {
  const auto parts = tensor.parts();
  const auto found = std::ranges::find(parts, name, &TensorPart::name);
  if (found == parts.end()) wrong("a tensor of this layout needs " + std::string(name));
  return found->tensor;
}

std::uint64_t size_at(const Tensor& tensor, std::size_t dim) { return static_cast<std::uint64_t>(tensor.shape()[dim]); }

/// Indices [sparse dimensions, entries]: one column an entry. Every one inside; where the tensor says that it is
/// coalesced, columns ascend and no two are equal.
void check_coo(const Tensor& tensor, const Limits& limits) {
  const Tensor& indices = part(tensor, "indices");
  const std::uint64_t dims = size_at(indices, 0);
  const std::uint64_t entries = size_at(indices, 1);
  std::vector<IndexReader> rows;
  for (std::uint64_t dim = 0; dim < dims; ++dim) rows.emplace_back(indices, "indices", limits);
  std::vector<std::int64_t> before;
  std::vector<std::int64_t> column(dims);
  for (std::uint64_t entry = 0; entry < entries; ++entry) {
    for (std::uint64_t dim = 0; dim < dims; ++dim) {
      column[dim] = rows[dim][dim * entries + entry];
      if (column[dim] < 0 || column[dim] >= tensor.shape()[dim])
        wrong("indices" + at_text(dim * entries + entry) + ": " + std::to_string(column[dim]) +
              " lies outside of a dimension of " + std::to_string(tensor.shape()[dim]));
    }
    if (tensor.is_coalesced() && entry != 0 && dims != 0 && !(before < column))
      wrong("the tensor says that it is coalesced, but entry " + std::to_string(entry) + " does not come after entry " +
            std::to_string(entry - 1));
    before = column;
  }
}

/// One batch of a compressed tensor: where lines begin, and which places of a line are filled.
struct Lines {
  std::uint64_t lines = 0;
  std::uint64_t entries = 0;
  std::int64_t width = 0;  ///< places in a line
};

void check_lines(IndexReader& begins, IndexReader& places, const Lines& shape, std::uint64_t batch) {
  const std::uint64_t first = batch * (shape.lines + 1);
  const std::uint64_t first_entry = batch * shape.entries;
  if (begins[first] != 0) wrong(begins.name() + " must begin with 0" + at_text(first));
  for (std::uint64_t line = 0; line < shape.lines; ++line) {
    const std::int64_t begin = begins[first + line];
    const std::int64_t end = begins[first + line + 1];
    if (end < begin || end - begin > shape.width || static_cast<std::uint64_t>(end) > shape.entries)
      wrong(begins.name() + at_text(first + line + 1) + ": " + std::to_string(end) + " after " + std::to_string(begin) +
            ", in a line of " + std::to_string(shape.width));
    std::int64_t before = -1;
    for (std::int64_t entry = begin; entry < end; ++entry) {
      const std::uint64_t at = first_entry + static_cast<std::uint64_t>(entry);
      const std::int64_t place = places[at];
      if (place < 0 || place >= shape.width)
        wrong(places.name() + at_text(at) + ": " + std::to_string(place) + " lies outside of a line of " +
              std::to_string(shape.width));
      if (place <= before) wrong(places.name() + " must ascend inside a line" + at_text(at));
      before = place;
    }
  }
  if (static_cast<std::uint64_t>(begins[first + shape.lines]) != shape.entries)
    wrong(begins.name() + " must end with the number of entries, " + std::to_string(shape.entries));
}

/// CSR, CSC, BSR and BSC; the shapes of the parts were proven when the file was opened.
void check_compressed(const Tensor& tensor, const Limits& limits) {
  const bool by_row = tensor.layout() == Layout::sparse_csr || tensor.layout() == Layout::sparse_bsr;
  const bool blocks = tensor.layout() == Layout::sparse_bsr || tensor.layout() == Layout::sparse_bsc;
  const std::string_view begin_name = by_row ? "crow_indices" : "ccol_indices";
  const std::string_view place_name = by_row ? "col_indices" : "row_indices";
  const Tensor& compressed = part(tensor, begin_name);
  const Tensor& plain = part(tensor, place_name);
  const Tensor& values = part(tensor, "values");
  const std::size_t batch_dims = compressed.shape().size() - 1;
  const std::int64_t block = blocks ? values.shape()[batch_dims + (by_row ? 2 : 1)] : 1;
  const std::int64_t across = tensor.shape()[batch_dims + (by_row ? 1 : 0)];
  if (block <= 0 || across % block != 0)
    wrong("a line of " + std::to_string(across) + " cannot be cut into blocks of " + std::to_string(block));
  IndexReader begins(compressed, std::string(begin_name), limits);
  IndexReader places(plain, std::string(place_name), limits);
  Lines lines;
  lines.lines = size_at(compressed, batch_dims) - 1;
  lines.entries = size_at(plain, batch_dims);
  lines.width = across / block;
  const std::uint64_t batches = begins.size() / (lines.lines + 1);
  for (std::uint64_t batch = 0; batch < batches; ++batch) check_lines(begins, places, lines, batch);
}

/// Tensor `at` of a nested one must lie inside the buffer.
void check_nested_tensor(IndexReader& sizes, IndexReader& strides, std::int64_t offset, std::uint64_t dims,
                         std::uint64_t at, std::uint64_t buffer) {
  std::int64_t last = offset;
  bool empty = false;
  bool fits = offset >= 0;
  for (std::uint64_t dim = 0; dim < dims; ++dim) {
    const std::int64_t size = sizes[at * dims + dim];
    const std::int64_t stride = strides[at * dims + dim];
    std::int64_t reach = 0;
    fits = fits && size >= 0 && stride >= 0 &&
           !__builtin_mul_overflow(std::max<std::int64_t>(size - 1, 0), stride, &reach) &&
           !__builtin_add_overflow(last, reach, &last);
    empty = empty || size == 0;
  }
  if (!fits || (!empty && static_cast<std::uint64_t>(last) >= buffer) ||
      (empty && static_cast<std::uint64_t>(offset) > buffer))
    wrong("tensor " + std::to_string(at) + " of the nested tensor lies outside of its buffer of " +
          std::to_string(buffer) + " elements");
}

void check_nested(const Tensor& tensor, const Limits& limits) {
  const Tensor& size_part = part(tensor, "sizes");
  const std::uint64_t dims = size_part.shape().size() > 1 ? size_at(size_part, 1) : 0;
  const std::uint64_t buffer = part(tensor, "buffer").numel();
  IndexReader sizes(size_part, "sizes", limits);
  IndexReader strides(part(tensor, "strides"), "strides", limits);
  IndexReader offsets(part(tensor, "storage_offsets"), "storage_offsets", limits);
  for (std::uint64_t at = 0; at < offsets.size(); ++at)
    check_nested_tensor(sizes, strides, offsets[at], dims, at, buffer);
}

}  // namespace

bool has_contents_to_check(const Tensor& tensor) {
  switch (tensor.layout()) {
    case Layout::sparse_coo:
    case Layout::sparse_csr:
    case Layout::sparse_csc:
    case Layout::sparse_bsr:
    case Layout::sparse_bsc:
    case Layout::nested: return !tensor.parts().empty();
    default: return false;
  }
}

void check_contents(const Tensor& tensor, const Limits& limits) {
  if (!has_contents_to_check(tensor)) return;
  if (tensor.layout() == Layout::sparse_coo) return check_coo(tensor, limits);
  if (tensor.layout() == Layout::nested) return check_nested(tensor, limits);
  check_compressed(tensor, limits);
}

}  // namespace sconce::model
