// Tensors by torch._utils' rebuild functions: the inverse of rebuild.cc.
#include <string>
#include <vector>

#include "base/endian.h"
#include "formats/torch_common/encoder.h"
#include "formats/torch_common/storage_classes.h"
#include "tensor/elements.h"
#include "tensor/numpy_code.h"

namespace sconce::formats::torch_common {

using pickle::Op;
using tree::kNoNode;
using tree::TensorRecord;

namespace {

constexpr std::string_view kUtils = "torch._utils";

bool has_type(const TensorRecord& record) { return record.extra != nullptr && record.extra->type != kNoNode; }
bool has_state(const TensorRecord& record) { return record.extra != nullptr && record.extra->state != kNoNode; }

/// A tensor of a subclass, or a plain one with Python attributes. A Parameter takes its attributes itself.
bool is_from_type(const TensorRecord& record) { return has_type(record) || (has_state(record) && !record.parameter); }

bool is_per_channel(const TensorRecord& record) {
  return record.extra != nullptr && record.extra->qscheme == QScheme::per_channel_affine;
}

}  // namespace

bool TorchEncoder::is_array(const TensorRecord& record) const noexcept {
  return record.numpy && !options_.arrays_as_tensors && record.has_storage() &&
         !tensor::numpy_code(record.dtype).empty();
}

/// Tensors of devices whose memory PyTorch cannot save. Where devices are not kept, plain tensors on the CPU.
bool TorchEncoder::stays_on_device(const TensorRecord& record) const noexcept {
  return options_.keep_device && record.layout == Layout::strided && !record.meta && record.has_storage() &&
         record.extra != nullptr && !record.extra->device.empty();
}

/// As the file had it; and for dtypes that NumPy lacks. A stream has not read a tensor's bytes when it would be moved.
bool TorchEncoder::moves_from_cpu(const TensorRecord& record) const noexcept {
  if (options_.legacy) return false;
  return record.extra->from_cpu_tensor || (tensor::numpy_code(record.dtype).empty() && record.dtype != DType::bfloat16);
}

void TorchEncoder::tensor(Writer& writer, NodeId node) {
  const TensorRecord& record = document_.tensor_record(node);
  if (is_array(record)) {
    numpy_.array(writer, node);
    (void)writer.made(node);
    return;
  }
  writer.begun(node);
  begin_tensor(writer, node);
}

// The whole of it is
//   _rebuild_from_type_v2(function, type, (arguments), state)      for subclasses and plain tensors with attributes
//   function(arguments)                                            for all others
// where the function of a Parameter has the tensor below as its first argument, and that is
//   core_function(core arguments).

void TorchEncoder::begin_tensor(Writer& writer, NodeId node) {
  const TensorRecord& record = document_.tensor_record(node);
  if (!is_from_type(record)) return arguments(writer, node);
  global(writer, "torch._tensor", "_rebuild_from_type_v2");
  writer.emit().op(Op::mark);
  global(writer, kUtils, function(record));
  if (has_type(record))
    writer.then_value(record.extra->type);
  else
    global(writer, "torch", "Tensor");
  if (has_type(record)) return writer.then_resume(node, kArguments);
  resume(writer, node, kArguments);
}

void TorchEncoder::resume(Writer& writer, NodeId node, std::uint32_t step) {
  const TensorRecord& record = document_.tensor_record(node);
  switch (step) {
    case kArguments:
      if (record.parameter) {
        writer.emit().op(Op::mark);
        global(writer, kUtils, core_function(record));
      }
      if (core_arguments(writer, node)) core_done(writer, node);
      return;
    case kQuantizerDone: end_quantized(writer, record); return core_done(writer, node);
    case kSparseDone: end_sparse(writer, node); return core_done(writer, node);
    case kNestedDone: writer.emit().op(Op::tuple); return core_done(writer, node);
    case kCoreDone: return core_done(writer, node);
    case kArgumentsDone: writer.emit().op(Op::tuple); return arguments_done(writer, node);
    default:
      writer.emit().op(Op::tuple);
      writer.emit().op(Op::reduce);
      (void)writer.made(node);
  }
}

/// Function and arguments, without _rebuild_from_type_v2.
void TorchEncoder::arguments(Writer& writer, NodeId node) {
  const TensorRecord& record = document_.tensor_record(node);
  global(writer, kUtils, function(record));
  resume(writer, node, kArguments);
}

/// The core's arguments are on the stack: the rest of a Parameter.
void TorchEncoder::core_done(Writer& writer, NodeId node) {
  const TensorRecord& record = document_.tensor_record(node);
  if (!record.parameter) return arguments_done(writer, node);
  writer.emit().op(Op::reduce);
  writer.emit().boolean(record.requires_grad);
  empty_ordered_dict(writer);
  if (has_state(record) && !is_from_type(record)) {
    writer.then_value(record.extra->state);
    return writer.then_resume(node, kArgumentsDone);
  }
  writer.emit().op(Op::tuple);
  arguments_done(writer, node);
}

void TorchEncoder::arguments_done(Writer& writer, NodeId node) {
  const TensorRecord& record = document_.tensor_record(node);
  if (!is_from_type(record)) {
    writer.emit().op(Op::reduce);
    (void)writer.made(node);
    return;
  }
  if (has_state(record))
    writer.then_value(record.extra->state);
  else
    writer.emit().none();
  writer.then_resume(node, kTypeDone);
}

std::string_view TorchEncoder::function(const TensorRecord& record) const {
  if (!record.parameter) return core_function(record);
  return has_state(record) && !is_from_type(record) ? "_rebuild_parameter_with_state" : "_rebuild_parameter";
}

std::string_view TorchEncoder::core_function(const TensorRecord& record) const {
  switch (record.layout) {
    case Layout::nested: return "_rebuild_nested_tensor";
    case Layout::wrapper: return "_rebuild_wrapper_subclass";
    case Layout::strided: break;
    case Layout::sparse_csr:
      return options_.old_sparse_csr ? "_rebuild_sparse_csr_tensor" : "_rebuild_sparse_tensor";
    default: return "_rebuild_sparse_tensor";
  }
  if (record.meta) return "_rebuild_meta_tensor_no_storage";
  if (stays_on_device(record))
    return moves_from_cpu(record) ? "_rebuild_device_tensor_from_cpu_tensor" : "_rebuild_device_tensor_from_numpy";
  if (record.extra != nullptr && record.extra->qscheme != QScheme::none) return "_rebuild_qtensor";
  return is_untyped(record) ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2";
}

bool TorchEncoder::core_arguments(Writer& writer, NodeId node) {
  const TensorRecord& record = document_.tensor_record(node);
  switch (record.layout) {
    case Layout::nested: nested(writer, node); return false;
    case Layout::wrapper:
      writer.then_value(record.extra->subclass_args);
      writer.then_resume(node, kCoreDone);
      return false;
    case Layout::strided: break;
    default: sparse(writer, node); return false;
  }
  if (record.meta)
    meta(writer, record);
  else if (stays_on_device(record))
    on_device(writer, node);
  else if (record.extra != nullptr && record.extra->qscheme != QScheme::none)
    return quantized(writer, node);
  else
    strided(writer, record);
  return true;
}

// ---------------------------------------------------------------------------------------------------------- strided

/// MARK, storage, offset, shape, strides.
void TorchEncoder::begin_strided(Writer& writer, const TensorRecord& record) {
  writer.emit().op(Op::mark);
  storage_id(writer, record.storage, {0, document_.storage_at(record.storage).nbytes()}, false);
  writer.emit().integer(record.offset);
  integers(writer.emit(), record.shape());
  integers(writer.emit(), document_.strides(record));
}

void TorchEncoder::strided(Writer& writer, const TensorRecord& record) {
  begin_strided(writer, record);
  // Within a Parameter the tensor itself needs no gradient.
  writer.emit().boolean(record.requires_grad && !record.parameter);
  empty_ordered_dict(writer);
  if (is_untyped(record)) dtype(writer, to_string(record.dtype));
  metadata(writer, record);
  writer.emit().op(Op::tuple);
}

void TorchEncoder::metadata(Writer& writer, const TensorRecord& record) {
  pickle::Emitter& emit = writer.emit();
  if (!record.conj && !record.neg) return;
  emit.op(Op::empty_dict);
  for (const auto& [name, set] : {std::pair("conj", record.conj), std::pair("neg", record.neg)}) {
    if (!set) continue;
    emit.unicode(name);
    emit.boolean(true);
    emit.op(Op::setitem);
  }
}

bool TorchEncoder::quantized(Writer& writer, NodeId node) {
  const TensorRecord& record = document_.tensor_record(node);
  const tree::TensorExtra& extra = *record.extra;
  pickle::Emitter& emit = writer.emit();
  begin_strided(writer, record);
  if (!is_per_channel(record)) {
    global(writer, "torch", "per_tensor_affine");
    emit.floating(extra.scale);
    emit.integer(extra.zero_point);
    emit.tuple_of(3);
    end_quantized(writer, record);
    return true;
  }
  emit.op(Op::mark);
  global(writer, "torch", "per_channel_affine");
  for (const tree::PartName wanted : {tree::PartName::scales, tree::PartName::zero_points})
    for (std::uint32_t at = 0; at < extra.part_count; ++at)
      if (extra.parts[at].name == wanted) writer.then_value(extra.parts[at].tensor);
  writer.then_resume(node, kQuantizerDone);
  return false;
}

void TorchEncoder::end_quantized(Writer& writer, const TensorRecord& record) {
  if (is_per_channel(record)) {
    writer.emit().integer(record.extra->axis);
    writer.emit().op(Op::tuple);
  }
  writer.emit().boolean(record.requires_grad && !record.parameter);
  empty_ordered_dict(writer);
  writer.emit().op(Op::tuple);
}

// ----------------------------------------------------------------------------------------- made of several, or of none

void TorchEncoder::sparse(Writer& writer, NodeId node) {
  const TensorRecord& record = document_.tensor_record(node);
  layout(writer, to_string(record.layout));
  writer.emit().op(Op::mark);
  for (std::uint32_t at = 0; at < record.extra->part_count; ++at) writer.then_value(record.extra->parts[at].tensor);
  writer.then_resume(node, kSparseDone);
}

void TorchEncoder::end_sparse(Writer& writer, NodeId node) {
  const TensorRecord& record = document_.tensor_record(node);
  global(writer, "torch", "Size");
  integers(writer.emit(), record.shape());
  writer.emit().tuple_of(1);
  writer.emit().op(Op::reduce);
  if (record.extra->has_coalesced) writer.emit().boolean(record.extra->coalesced);
  writer.emit().op(Op::tuple);
  writer.emit().tuple_of(2);
}

void TorchEncoder::nested(Writer& writer, NodeId node) {
  const TensorRecord& record = document_.tensor_record(node);
  writer.emit().op(Op::mark);
  for (std::uint32_t at = 0; at < record.extra->part_count; ++at) writer.then_value(record.extra->parts[at].tensor);
  writer.then_resume(node, kNestedDone);
}

void TorchEncoder::meta(Writer& writer, const TensorRecord& record) {
  writer.emit().op(Op::mark);
  dtype(writer, to_string(record.dtype));
  integers(writer.emit(), record.shape());
  integers(writer.emit(), document_.strides(record));
  writer.emit().boolean(record.requires_grad && !record.parameter);
  writer.emit().op(Op::tuple);
}

namespace {

/// Elements as NumPy has them; bfloat16, which it does not have, as the same values in float32.
std::string array_elements(const Tensor& tensor) {
  tensor::check_expansion(*tensor.data_handle(), Limits());  // the bytes come into the pickle, and so into memory
  const SourcePtr source = tensor::element_source(tensor);
  std::string bytes(static_cast<std::size_t>(source->size()), '\0');
  source->read_at(0, std::as_writable_bytes(std::span(bytes)));
  if (tensor.dtype() != DType::bfloat16) return bytes;
  std::string wide;
  wide.reserve(2 * bytes.size());
  for (std::size_t at = 0; at < bytes.size(); at += 2) wide.append(2, '\0').append(bytes, at, 2);
  return wide;
}

}  // namespace

/// (array or CPU tensor, dtype, device, requires_grad).
void TorchEncoder::on_device(Writer& writer, NodeId node) {
  const TensorRecord& record = document_.tensor_record(node);
  const DType array_dtype = record.dtype == DType::bfloat16 ? DType::float32 : record.dtype;
  writer.emit().op(Op::mark);
  if (moves_from_cpu(record)) {
    global(writer, kUtils, is_untyped(record) ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2");
    TensorRecord inner = record;
    inner.requires_grad = false;
    strided(writer, inner);
    writer.emit().op(Op::reduce);
  } else {
    numpy_.array_of(writer, record.shape(), array_dtype, array_elements(document_.tensor_handle(node)));
  }
  dtype(writer, to_string(record.dtype));
  writer.emit().unicode(record.extra->device);
  writer.emit().boolean(record.requires_grad && !record.parameter);
  writer.emit().op(Op::tuple);
}

}  // namespace sconce::formats::torch_common
