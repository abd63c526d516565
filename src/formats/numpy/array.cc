#include "formats/numpy/array.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "base/fail.h"
#include "tensor/shape.h"

namespace sconce::formats::numpy {

namespace {

std::vector<std::int64_t> column_major(std::span<const std::int64_t> shape) {
  const std::vector<std::int64_t> reversed(shape.rbegin(), shape.rend());
  std::vector<std::int64_t> strides = tensor::contiguous_strides(reversed);
  std::ranges::reverse(strides);
  return strides;
}

}  // namespace

Array describe(Header header, const ByteSource& source) {
  const std::optional<ElementType> type = element_type(header.descr);
  if (!type) {
    NotNumbers why = why_not_numbers(header.descr);
    fail(ErrorCode::unsupported, std::move(why.message), {}, std::move(why.advice));
  }
  if (header.shape.size() > tensor::kMaxDims)
    fail(ErrorCode::unsupported,
         "the array has " + std::to_string(header.shape.size()) + " dimensions; a tensor has at most " +
             std::to_string(tensor::kMaxDims),
         {}, "reshape it before it is saved");
  const auto numel = tensor::numel_of(header.shape);
  const auto nbytes = numel ? bytes_of(type->dtype, *numel) : std::nullopt;
  const auto end = nbytes ? checked_add(*nbytes, header.end) : std::nullopt;
  if (!end)
    fail(ErrorCode::damaged, "the shape of the array needs more than 2^63 elements or 2^64 bytes", {},
         "the file is damaged or hostile; fetch it again");
  if (!source.reaches(*end))
    fail(ErrorCode::truncated,
         "the elements of the array end at byte " + std::to_string(*end) + ", but there are only " +
             std::to_string(source.size()),
         at_offset(source.size()), "the file is incomplete; fetch it again");
  return {*type, std::move(header), *nbytes};
}

tree::NodeId make_tensor(tree::Document& document, const Array& array, const StorageOrigin* origin,
                         std::uint64_t handle) {
  StorageData data;
  data.origin = origin;
  data.handle = handle;
  data.nbytes = array.nbytes;
  data.dtype = array.type.dtype;
  data.typed = true;
  data.byte_order = array.type.order;
  tree::TensorRecord record;
  record.dtype = data.dtype;
  record.storage = document.new_storage(data);
  const std::vector<std::int64_t>& shape = array.header.shape;
  return document.tensor(record, shape, array.header.fortran ? column_major(shape) : tensor::contiguous_strides(shape));
}

}  // namespace sconce::formats::numpy
