#include "formats/torch_common/encode_numpy.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/fail.h"
#include "tensor/elements.h"
#include "tensor/numpy_code.h"
#include "tensor/shape.h"
#include "tensor/storage_data.h"
#include "tensor/tensor_data.h"

namespace sconce::formats::torch_common {

using pickle::Emitter;
using pickle::Op;
using pickle::Writer;

namespace {

// These names are in every NumPy: 2 keeps them for the pickles of 1.
constexpr std::string_view kMultiarray = "numpy.core.multiarray";

/// The elements in the order in which the array has them.
std::string elements_of(const tree::Document& document, tree::NodeId node, bool fortran) {
  Tensor tensor = document.tensor_handle(node);
  if (fortran) {  // the same bytes in row-major order are those of the transposed array
    const std::vector<std::int64_t> shape(tensor.shape().rbegin(), tensor.shape().rend());
    const std::vector<std::int64_t> strides(tensor.strides().rbegin(), tensor.strides().rend());
    tensor = Tensor::over(tensor.storage(), tensor.dtype(), shape, strides, tensor.storage_offset());
  }
  const SourcePtr source = tensor::element_source(tensor);
  std::string bytes(static_cast<std::size_t>(source->size()), '\0');
  source->read_at(0, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

}  // namespace

void integers(Emitter& emitter, std::span<const std::int64_t> numbers) {
  if (numbers.empty()) return emitter.op(Op::empty_tuple);
  if (numbers.size() > 3) emitter.op(Op::mark);
  for (const std::int64_t number : numbers) emitter.integer(number);
  emitter.tuple_of(numbers.size());
}

NumpyEncoder::NumpyEncoder(const tree::Document& document) : document_(document) { dtypes_.fill(pickle::kNoMemo); }

void NumpyEncoder::dtype(Writer& writer, DType dtype) {
  Emitter& emit = writer.emit();
  emit.once(dtypes_[static_cast<std::size_t>(dtype)], [&] {
    emit.once(dtype_class_, [&] { emit.global("numpy", "dtype"); });
    emit.unicode(tensor::numpy_code(dtype));
    emit.boolean(false);
    emit.boolean(true);
    emit.tuple_of(3);
    emit.op(Op::reduce);
    emit.op(Op::mark);  // version, byte order, no parts, sizes as the type has them, no flags
    emit.integer(3);
    emit.unicode(element_size(dtype) == 1 ? "|" : "<");
    for (int none = 0; none < 3; ++none) emit.none();
    emit.integer(-1);
    emit.integer(-1);
    emit.integer(0);
    emit.op(Op::tuple);
    emit.op(Op::build);
  });
}

void NumpyEncoder::begin_array(Writer& writer) {
  Emitter& emit = writer.emit();
  emit.once(reconstruct_, [&] { emit.global(kMultiarray, "_reconstruct"); });
  emit.once(ndarray_, [&] { emit.global("numpy", "ndarray"); });
  const std::int64_t empty[] = {0};
  integers(emit, empty);
  writer.bytes("b");
  emit.tuple_of(3);
  emit.op(Op::reduce);
}

void NumpyEncoder::state(Writer& writer, std::span<const std::int64_t> shape, DType type, bool fortran,
                         std::string_view elements) {
  Emitter& emit = writer.emit();
  emit.op(Op::mark);
  emit.integer(1);
  integers(emit, shape);
  dtype(writer, type);
  emit.boolean(fortran);
  writer.bytes(elements);
  emit.op(Op::tuple);
  emit.op(Op::build);
}

/// A pickle that is read can give one run of bytes to any number of arrays, at a few bytes each. Here each array gets
/// bytes of its own, so what a tree grows to is looked at before it takes memory.
void NumpyEncoder::count(const Storage& storage, const tree::TensorRecord& record) {
  constexpr std::uint64_t kAlways = std::uint64_t{64} << 20;
  constexpr std::uint64_t kTimes = 16;
  if (held_.emplace(storage.data()->origin, storage.data()->handle).second) held_bytes_ += storage.nbytes();
  written_bytes_ += bytes_of(record.dtype, tensor::numel_of(record.shape()).value_or(0)).value_or(0);
  if (written_bytes_ <= kAlways || written_bytes_ / kTimes <= held_bytes_) return;
  fail(ErrorCode::limit,
       "NumPy arrays that share " + std::to_string(held_bytes_) + " bytes would take more than " +
           std::to_string(written_bytes_) + " in a pickle",
       {}, "the file is made to grow so; `sconce get` gives single arrays of it");
}

void NumpyEncoder::array(Writer& writer, tree::NodeId node) {
  const tree::TensorRecord& record = document_.tensor_record(node);
  count(document_.storage_at(record.storage), record);
  begin_array(writer);
  state(writer, record.shape(), record.dtype, record.fortran, elements_of(document_, node, record.fortran));
}

void NumpyEncoder::array_of(Writer& writer, std::span<const std::int64_t> shape, DType type,
                            std::string_view elements) {
  begin_array(writer);
  state(writer, shape, type, false, elements);
}

void NumpyEncoder::scalar(Writer& writer, tree::NodeId node) {
  Emitter& emit = writer.emit();
  emit.once(scalar_, [&] { emit.global(kMultiarray, "scalar"); });
  dtype(writer, document_.scalar_dtype(node));
  writer.bytes(document_.text(node));
  emit.tuple_of(2);
  emit.op(Op::reduce);
}

}  // namespace sconce::formats::torch_common
