#include "formats/torch_common/encode_limits.h"

#include <algorithm>

#include "formats/torch_common/encode_numpy.h"
#include "formats/torch_common/storage_classes.h"
#include "pickle/emitter.h"
#include "tensor/numpy_code.h"
#include "tree/references.h"

namespace sconce::formats::torch_common {

using tree::kNoNode;
using tree::NodeId;
using tree::ObjectRecord;
using tree::PartName;
using tree::TensorRecord;

EncodeLimits::EncodeLimits(const tree::Document& document, NodeId root, const StorageUses& uses,
                           const EncodeOptions& options)
    : document_(document), uses_(uses), options_(options) {
  std::vector<NodeId> needs_4;
  // What a value is made of stands before it, so one pass sees everything.
  for (NodeId node = 0; node < document.node_count(); ++node) {
    const Kind kind = document.kind(node);
    if (kind == Kind::global) {
      const tree::GlobalRecord& record = document.global_record(node);
      if (pickle::needs_protocol_4(record.python3_module, record.python3_name)) needs_4.push_back(node);
    }
    if (kind != Kind::tensor && kind != Kind::object && kind != Kind::global && kind != Kind::scalar) continue;
    if (why_not(node).empty()) continue;
    if (left_out_.empty()) left_out_.resize(document.node_count(), false);
    left_out_[node] = true;
  }
  if (needs_4.empty()) return;
  // A class of an object that was in the tree once must not make the file one that weights_only does not open.
  std::vector<bool> written(document.node_count(), false);
  for (const NodeId node : tree::reachable(document, std::span(&root, 1))) written[node] = true;
  if (std::ranges::any_of(needs_4, [&](NodeId node) { return written[node]; })) protocol_ = 4;
}

std::string EncodeLimits::why_not(NodeId node) const {
  switch (document_.kind(node)) {
    case Kind::tensor: return why_no_tensor(document_.tensor_record(node));
    case Kind::object: return why_no_object(document_.object_record(node));
    case Kind::global:
      if (document_.global_record(node).python3_module == "copyreg" &&
          document_.global_record(node).python3_name.starts_with("extension_"))
        return "a class by its number in the registry of the program that saved it";
      return {};
    case Kind::scalar:
      if (tensor::numpy_code(document_.scalar_dtype(node)).empty())
        return "a scalar of " + std::string(to_string(document_.scalar_dtype(node))) + ", which NumPy does not have";
      return {};
    case Kind::dict: return "attributes of a dict, which Python's own class has no place for";
    default: return {};
  }
}

std::string EncodeLimits::why_no_object(const ObjectRecord& record) const {
  if (record.how == ObjectRecord::How::persistent)
    return "an object outside of the file, which only the program that saved it can find";
  if (record.callable == kNoNode || is_out(record.callable)) return "an object of such a class";
  return {};
}

std::string EncodeLimits::why_no_tensor(const TensorRecord& record) const {
  const std::string dtype(to_string(record.dtype));
  if (record.dtype == DType::float6_e2m3 || record.dtype == DType::float6_e3m2)
    return "a tensor of " + dtype + ", which PyTorch does not have";
  if (record.layout == Layout::mkldnn) return "a tensor in the private layout of MKL-DNN";
  if (std::string why = why_no_parts(record); !why.empty()) return why;
  if (record.extra != nullptr && record.extra->type != kNoNode && is_out(record.extra->type))
    return "a tensor of such a class";
  if (record.layout == Layout::nested && options_.legacy)
    return "a nested tensor, which PyTorch loads from a legacy stream before its sizes have been read";
  if (record.layout != Layout::strided || record.meta) return {};
  if (!record.has_storage()) return "a tensor without bytes";
  if (record.numpy && !options_.arrays_as_tensors && !tensor::numpy_code(record.dtype).empty()) return {};
  const bool untyped = !uses_.written_dtype(record.storage);
  if (!uses_.swap_unit(record.storage))
    return "a big-endian tensor whose storage is viewed with elements of another size, too";
  if (untyped && info(record.dtype).is_quantized)
    return "a quantised tensor whose storage is viewed with another dtype, too";
  if (untyped && options_.legacy)
    return travels_untyped(record.dtype) ? "a tensor of " + dtype + ", which PyTorch cannot load from a legacy stream"
                                         : "a tensor whose storage is viewed with several dtypes, which PyTorch cannot "
                                           "load from a legacy stream";
  return {};
}

std::string EncodeLimits::why_no_parts(const TensorRecord& record) const {
  const std::uint32_t count = record.extra == nullptr ? 0 : record.extra->part_count;
  std::uint32_t wanted = 0;
  switch (record.layout) {
    case Layout::sparse_coo: wanted = 2; break;
    case Layout::sparse_csr:
    case Layout::sparse_csc:
    case Layout::sparse_bsr:
    case Layout::sparse_bsc: wanted = 3; break;
    case Layout::nested: wanted = 4; break;
    case Layout::wrapper:
      if (record.extra == nullptr || record.extra->subclass_args == kNoNode)
        return "a tensor of a subclass, without what it was made from";
      return {};
    default:
      if (record.extra != nullptr && record.extra->qscheme == QScheme::per_channel_affine) wanted = 2;
  }
  if (count < wanted) return "a " + std::string(to_string(record.layout)) + " tensor without all of its parts";
  for (std::uint32_t at = 0; at < count; ++at)
    if (is_out(record.extra->parts[at].tensor)) return "a tensor that is made of one that cannot be written";
  return {};
}

}  // namespace sconce::formats::torch_common
