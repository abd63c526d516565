// Sparse tensors: structure is checked here, the contents of indices when the tensor is verified.
#include <algorithm>
#include <string>
#include <vector>

#include "formats/torch_common/rebuild.h"
#include "tensor/shape.h"

namespace sconce::formats::torch_common {

namespace {

using tree::PartName;
using tree::TensorExtra;
using tree::TensorRecord;

constexpr std::string_view kCall = "rebuild of a sparse tensor";

std::optional<Layout> layout_of(std::string_view text) {
  if (text == "torch.sparse_coo") return Layout::sparse_coo;
  if (text == "torch.sparse_csr") return Layout::sparse_csr;
  if (text == "torch.sparse_csc") return Layout::sparse_csc;
  if (text == "torch.sparse_bsr") return Layout::sparse_bsr;
  if (text == "torch.sparse_bsc") return Layout::sparse_bsc;
  return std::nullopt;
}

struct Parts {
  NodeId first = kNoNode;   ///< indices, or compressed indices
  NodeId second = kNoNode;  ///< plain indices, of compressed layouts
  NodeId values = kNoNode;
  std::vector<std::int64_t> shape;
};

bool is_index(const TensorRecord& record) { return record.dtype == DType::int64 || record.dtype == DType::int32; }

// COO: indices [sparse dims, nnz], values [nnz, dense dims …].
void check_coo(const Document& document, const Parts& parts) {
  const TensorRecord& indices = document.tensor_record(parts.first);
  const TensorRecord& values = document.tensor_record(parts.values);
  if (indices.ndim != 2 || values.ndim == 0 || !is_index(indices))
    wrong_argument(kCall, "indices of [dimensions, entries] expected");
  const std::int64_t sparse = indices.shape()[0];
  if (indices.shape()[1] != values.shape()[0] ||
      static_cast<std::uint64_t>(sparse) + values.ndim - 1 != parts.shape.size())
    wrong_argument(kCall, "indices, values and size do not belong together");
  if (!std::ranges::equal(values.shape().subspan(1), std::span(parts.shape).subspan(static_cast<std::size_t>(sparse))))
    wrong_argument(kCall, "values have other dense dimensions than the tensor");
}

// CSR and CSC: compressed [batch …, rows + 1], plain [batch …, nnz], values [batch …, nnz, dense …]; the block layouts
// have values [batch …, nnz, block rows, block columns, dense …].
void check_compressed(const Document& document, Layout layout, const Parts& parts) {
  const TensorRecord& compressed = document.tensor_record(parts.first);
  const TensorRecord& plain = document.tensor_record(parts.second);
  const TensorRecord& values = document.tensor_record(parts.values);
  const bool blocks = layout == Layout::sparse_bsr || layout == Layout::sparse_bsc;
  const std::size_t batch = compressed.ndim == 0 ? 0 : std::size_t{compressed.ndim} - 1;
  const std::size_t inner = blocks ? 2 : 0;
  if (compressed.ndim == 0 || plain.ndim != compressed.ndim || values.ndim < batch + 1 + inner ||
      parts.shape.size() < batch + 2 || !is_index(compressed) || plain.dtype != compressed.dtype)
    wrong_argument(kCall, "compressed and plain indices of equal dimensions and values expected");
  for (std::size_t at = 0; at < batch; ++at)
    if (compressed.shape()[at] != parts.shape[at] || plain.shape()[at] != parts.shape[at] ||
        values.shape()[at] != parts.shape[at])
      wrong_argument(kCall, "indices or values have another batch than the tensor");
  if (plain.shape()[batch] != values.shape()[batch]) wrong_argument(kCall, "as many plain indices as values expected");
  const bool by_row = layout == Layout::sparse_csr || layout == Layout::sparse_bsr;
  const auto dense = values.shape().subspan(batch + 1 + inner);
  if (!std::ranges::equal(dense, std::span(parts.shape).subspan(batch + 2)))
    wrong_argument(kCall, "values have other dense dimensions than the tensor");
  const std::int64_t across = parts.shape[batch + (by_row ? 1 : 0)];
  const std::int64_t across_block = blocks ? values.shape()[batch + (by_row ? 2 : 1)] : 1;
  if (across_block <= 0 || across % across_block != 0)
    wrong_argument(kCall, "blocks that divide the size of the tensor expected");
  const std::int64_t lines = parts.shape[batch + (by_row ? 0 : 1)];
  const std::int64_t block = blocks ? values.shape()[batch + (by_row ? 1 : 2)] : 1;
  if (block <= 0 || lines % block != 0 || compressed.shape()[batch] - 1 != lines / block)
    wrong_argument(kCall, "one compressed index for each line, and one more, expected");
}

NodeId make(Document& document, Layout layout, const Parts& parts) {
  if (!tensor::numel_of(parts.shape) || parts.shape.size() > tensor::kMaxDims)
    wrong_argument(kCall, "a size of at most 64 numbers that are not negative expected");
  TensorRecord record;
  record.dtype = document.tensor_record(parts.values).dtype;
  record.layout = layout;
  const NodeId made = document.tensor(record, parts.shape, {});
  TensorExtra& extra = document.tensor_extra(made);
  if (layout == Layout::sparse_coo) {
    extra.parts[extra.part_count++] = {PartName::indices, parts.first};
  } else {
    const bool by_row = layout == Layout::sparse_csr || layout == Layout::sparse_bsr;
    extra.parts[extra.part_count++] = {by_row ? PartName::crow_indices : PartName::ccol_indices, parts.first};
    extra.parts[extra.part_count++] = {by_row ? PartName::col_indices : PartName::row_indices, parts.second};
  }
  extra.parts[extra.part_count++] = {PartName::values, parts.values};
  return made;
}

}  // namespace

NodeId rebuild_sparse(Document& document, const Arguments& arguments) {
  arguments.expect_count(2, 2);
  if (arguments.kind(0) != Kind::layout) arguments.wrong(0, "a layout");
  const auto layout = layout_of(document.text(arguments.node(0)));
  if (!layout) arguments.wrong(0, "a sparse layout");
  const Arguments data = arguments.tuple(1);
  Parts parts;
  parts.first = (data.expect_count(3, 4), data.tensor(0));
  if (*layout == Layout::sparse_coo) {
    parts.values = data.tensor(1);
    parts.shape = data.integers(2);
    check_coo(document, parts);
    const NodeId made = make(document, *layout, parts);
    if (data.size() == 4) {
      const bool coalesced = data.boolean(3);
      document.tensor_extra(made).coalesced = coalesced;
      document.tensor_extra(made).has_coalesced = true;
    }
    return made;
  }
  data.expect_count(4, 4);
  parts.second = data.tensor(1);
  parts.values = data.tensor(2);
  parts.shape = data.integers(3);
  check_compressed(document, *layout, parts);
  return make(document, *layout, parts);
}

}  // namespace sconce::formats::torch_common
