// Sources: torch/_weights_only_unpickler.py, torch/_utils.py, torch/_tensor.py, torch/storage.py and torch/nn/modules
// of 1.7, 1.13, 2.6, 2.13 and 2.14, which the tests run; for releases between them the pull requests named in
// docs/check.md. torch/csrc/jit/serialization/unpickler.cpp for C++.
#include "model/compatibility/names.h"

#include <algorithm>
#include <array>

namespace sconce::model::compatibility {

namespace {

constexpr TorchVersion v(int major, int minor) { return {major, minor}; }
constexpr Releases since(int major, int minor) { return {v(major, minor), {}}; }
constexpr Releases between(TorchVersion from, TorchVersion until) { return {from, until}; }
constexpr Releases kAll = {};
constexpr Releases kNone = {v(99, 0), {}};
constexpr Releases kPickleLoad = since(1, 4);  // torch::pickle_load came with 1.4 (#30108)
constexpr Releases kFirst = since(1, 13);      // weights_only came with 1.13 (#86812)

constexpr NameFact kNames[] = {
    // Containers and values of Python.
    {"collections.OrderedDict", kAll, kFirst, kPickleLoad},
    {"collections.Counter", kAll, since(2, 6), kNone},
    {"collections.defaultdict", kAll, kNone, kNone},
    {"builtins.set", kAll, since(2, 6), kNone},
    {"builtins.bytearray", kAll, since(2, 6), kNone},
    {"builtins.complex", kAll, since(2, 6), kNone},
    {"_codecs.encode", kAll, since(2, 6), kNone},
    // Values of torch.
    {"torch.Size", kAll, kFirst, kNone},
    {"torch.Tensor", since(0, 4), kFirst, kNone},
    {"torch.device", since(0, 4), since(2, 6), kPickleLoad},
    {"torch.serialization._get_layout", since(1, 1), kFirst, kNone},
    {"torch.nn.parameter.Parameter", kAll, kFirst, kNone},
    {"torch.per_tensor_affine", since(1, 3), since(2, 4), since(1, 4)},
    {"torch.per_tensor_symmetric", since(1, 3), since(2, 4), since(1, 4)},
    {"torch.per_channel_affine", since(1, 3), since(2, 4), since(1, 4)},
    {"torch.per_channel_symmetric", since(1, 3), since(2, 4), since(1, 4)},
    {"torch.per_channel_affine_float_qparams", since(1, 7), since(2, 4), since(1, 7)},
    // Functions that rebuild tensors.
    {"torch._utils._rebuild_tensor", kAll, kFirst, kNone},
    {"torch._utils._rebuild_tensor_v2", since(0, 4), kFirst, kPickleLoad},
    {"torch._utils._rebuild_tensor_v3", since(2, 1), since(2, 6), kNone},
    {"torch._utils._rebuild_parameter", since(1, 0), kFirst, since(2, 1)},
    {"torch._utils._rebuild_parameter_with_state", since(2, 0), since(2, 4), kNone},
    {"torch._utils._rebuild_qtensor", since(1, 3), since(2, 4), kPickleLoad},
    {"torch._utils._rebuild_sparse_tensor", since(1, 4), kFirst, kNone},
    {"torch._utils._rebuild_sparse_csr_tensor", between(v(1, 11), v(1, 13)), between(v(1, 13), v(1, 13)), kNone,
     "only in 1.11 to 1.13; others read CSR through _rebuild_sparse_tensor"},
    {"torch._utils._rebuild_nested_tensor", since(2, 1), since(2, 6), kNone},
    {"torch._utils._rebuild_meta_tensor_no_storage", since(1, 10), kFirst, kNone},
    {"torch._utils._rebuild_wrapper_subclass", since(1, 12), since(2, 6), kNone},
    {"torch._utils._rebuild_device_tensor_from_numpy", since(1, 10), since(2, 6), kNone},
    {"torch._utils._rebuild_xla_tensor", since(1, 4), kNone, kNone},
    {"torch._utils._rebuild_device_tensor_from_cpu_tensor", since(2, 6), since(2, 6), kNone},
    {"torch._tensor._rebuild_from_type", since(1, 9), kNone, kNone, "torch.tensor._rebuild_from_type in 1.8"},
    {"torch.tensor._rebuild_from_type", since(1, 8), kNone, kNone, "torch._tensor._rebuild_from_type since 1.9"},
    {"torch._tensor._rebuild_from_type_v2", since(1, 10), since(2, 0), since(2, 1)},
    {"torch.storage._load_from_bytes", since(1, 0), kNone, kNone},
    // dtypes.
    {"torch.float64", since(0, 4), kFirst, kNone},
    {"torch.float32", since(0, 4), kFirst, kNone},
    {"torch.float16", since(0, 4), kFirst, kNone},
    {"torch.bfloat16", since(1, 3), since(2, 6), kNone},
    {"torch.int64", since(0, 4), kFirst, kNone},
    {"torch.int32", since(0, 4), kFirst, kNone},
    {"torch.int16", since(0, 4), kFirst, kNone},
    {"torch.int8", since(0, 4), kFirst, kNone},
    {"torch.uint8", since(0, 4), since(2, 6), kNone},
    {"torch.bool", since(1, 2), since(2, 6), kNone},
    {"torch.complex32", since(1, 6), kFirst, kNone},
    {"torch.complex64", since(1, 6), kFirst, kNone},
    {"torch.complex128", since(1, 6), kFirst, kNone},
    {"torch.qint8", since(1, 3), since(2, 4), kNone},
    {"torch.quint8", since(1, 3), since(2, 4), kNone},
    {"torch.qint32", since(1, 3), since(2, 4), kNone},
    {"torch.quint4x2", since(1, 8), since(2, 4), kNone},
    {"torch.quint2x4", since(1, 11), since(2, 4), kNone},
    {"torch.float8_e5m2", since(2, 1), since(2, 6), kNone},
    {"torch.float8_e4m3fn", since(2, 1), since(2, 6), kNone},
    {"torch.float8_e5m2fnuz", since(2, 2), since(2, 6), kNone},
    {"torch.float8_e4m3fnuz", since(2, 2), since(2, 6), kNone},
    {"torch.float8_e8m0fnu", since(2, 7), since(2, 7), kNone},
    {"torch.float4_e2m1fn_x2", since(2, 8), since(2, 8), kNone},
    {"torch.uint16", since(2, 3), since(2, 6), kNone},
    {"torch.uint32", since(2, 3), since(2, 6), kNone},
    {"torch.uint64", since(2, 3), since(2, 6), kNone},
    {"torch.bcomplex32", since(2, 14), since(2, 14), kNone},
    {"torch.bits8", since(2, 1), since(2, 6), kNone},
    {"torch.bits16", since(2, 1), since(2, 6), kNone},
    {"torch.bits1x8", since(2, 1), since(2, 6), kNone},
    {"torch.bits2x4", since(2, 1), since(2, 6), kNone},
    {"torch.bits4x2", since(2, 1), since(2, 6), kNone},
    // Storage classes. From 1.11 on, torch.load takes every name with "Storage" in it for its dtype.
    {"torch.DoubleStorage", kAll, kFirst, kPickleLoad},
    {"torch.FloatStorage", kAll, kFirst, kPickleLoad},
    {"torch.HalfStorage", kAll, kFirst, kPickleLoad},
    {"torch.LongStorage", kAll, kFirst, kPickleLoad},
    {"torch.IntStorage", kAll, kFirst, kPickleLoad},
    {"torch.ShortStorage", kAll, kFirst, kPickleLoad},
    {"torch.CharStorage", kAll, kFirst, kPickleLoad},
    {"torch.ByteStorage", kAll, kFirst, kPickleLoad},
    {"torch.BoolStorage", since(1, 2), kFirst, kPickleLoad},
    {"torch.BFloat16Storage", since(1, 3), kFirst, kPickleLoad},
    {"torch.ComplexFloatStorage", since(1, 6), kFirst, since(1, 6)},
    {"torch.ComplexDoubleStorage", since(1, 6), kFirst, since(1, 6)},
    {"torch.QInt8Storage", since(1, 3), kFirst, kPickleLoad},
    {"torch.QUInt8Storage", since(1, 3), kFirst, kPickleLoad},
    {"torch.QInt32Storage", since(1, 3), kFirst, kPickleLoad},
    {"torch.QUInt4x2Storage", since(1, 8), kFirst, since(1, 8)},
    {"torch.QUInt2x4Storage", since(1, 11), kFirst, since(1, 11)},
    {"torch.storage.UntypedStorage", since(1, 13), kFirst, kNone, "torch._UntypedStorage in 1.11 and 1.12"},
    {"torch.UntypedStorage", since(1, 13), kNone, kNone,
     "also torch.storage.UntypedStorage, which weights_only allows"},
    {"torch.storage.TypedStorage", since(1, 13), kFirst, kNone, "torch.storage._TypedStorage in 1.11 and 1.12"},
    {"torch.storage._TypedStorage", between(v(1, 11), v(1, 12)), kNone, kNone, "torch.storage.TypedStorage since 1.13"},
    {"torch.storage._UntypedStorage", between(v(1, 11), v(1, 12)), kNone, kNone,
     "torch.storage.UntypedStorage since 1.13"},
    // Modules and classes that moved, were renamed, or are younger than the format.
    {"torch.nn.modules.linear._LinearWithBias", between(v(1, 4), v(1, 8)), kNone, kNone,
     "torch.nn.modules.linear.NonDynamicallyQuantizableLinear since 1.9"},
    {"torch.nn.modules.linear.NonDynamicallyQuantizableLinear", since(1, 9), kNone, kNone,
     "torch.nn.modules.linear._LinearWithBias in 1.4 to 1.8"},
    {"torch.nn.backends.thnn._get_thnn_function_backend",
     {{}, v(1, 4)},
     kNone,
     kNone,
     "gone since 1.5, with torch.nn.backends"},
    {"torch.nn.backends.thnn.THNNFunctionBackend",
     {{}, v(1, 4)},
     kNone,
     kNone,
     "gone since 1.5, with torch.nn.backends"},
    {"torch.nn.modules.activation.MultiheadAttention", since(1, 1), kNone, kNone},
    {"torch.nn.modules.activation.CELU", since(1, 0), kNone, kNone},
    {"torch.nn.modules.activation.GELU", since(1, 4), kNone, kNone},
    {"torch.nn.modules.activation.SiLU", since(1, 7), kNone, kNone},
    {"torch.nn.modules.activation.Hardsigmoid", since(1, 5), kNone, kNone},
    {"torch.nn.modules.activation.Hardswish", since(1, 6), kNone, kNone},
    {"torch.nn.modules.activation.Mish", since(1, 9), kNone, kNone},
    {"torch.nn.modules.batchnorm.SyncBatchNorm", since(1, 1), kNone, kNone},
    {"torch.nn.modules.dropout.Dropout1d", since(1, 12), kNone, kNone},
    {"torch.nn.modules.flatten.Flatten", since(1, 2), kNone, kNone},
    {"torch.nn.modules.flatten.Unflatten", since(1, 7), kNone, kNone},
    {"torch.nn.modules.linear.Identity", since(1, 1), kNone, kNone},
    {"torch.nn.modules.linear.LazyLinear", since(1, 8), kNone, kNone},
    {"torch.nn.modules.normalization.RMSNorm", since(2, 4), kNone, kNone},
    {"torch.nn.modules.pixelshuffle.PixelUnshuffle", since(1, 8), kNone, kNone},
    {"torch.nn.modules.transformer.Transformer", since(1, 2), kNone, kNone},
    {"torch.nn.modules.transformer.TransformerEncoder", since(1, 2), kNone, kNone},
    {"torch.nn.modules.transformer.TransformerEncoderLayer", since(1, 2), kNone, kNone},
    {"torch.nn.modules.transformer.TransformerDecoder", since(1, 2), kNone, kNone},
    {"torch.nn.modules.transformer.TransformerDecoderLayer", since(1, 2), kNone, kNone},
    {"torch.nn.parameter.Buffer", since(2, 5), kNone, kNone},
    {"torch.nn.parameter.UninitializedParameter", since(1, 8), kNone, kNone},
    {"torch.optim.adamw.AdamW", since(1, 2), kNone, kNone},
    {"torch.optim.nadam.NAdam", since(1, 10), kNone, kNone},
    {"torch.optim.radam.RAdam", since(1, 10), kNone, kNone},
    {"torch.optim._adafactor.Adafactor", since(2, 5), kNone, kNone},
    {"torch.optim.Adafactor", since(2, 5), kNone, kNone},
    {"torch.optim.Muon", since(2, 9), kNone, kNone},
    {"torch.nn.modules.module._WrappedHook", since(1, 13), kNone, kNone},
    {"torch.optim._muon.Muon", since(2, 9), kNone, kNone},
    {"torch.optim.lr_scheduler._LRScheduler", kAll, kNone, kNone,
     "torch.optim.lr_scheduler.LRScheduler since 2.0, which keeps the old name, too"},
    {"torch.optim.lr_scheduler.LRScheduler", since(2, 0), kNone, kNone,
     "torch.optim.lr_scheduler._LRScheduler before 2.0"},
    {"torch.optim.lr_scheduler.CyclicLR", since(1, 1), kNone, kNone},
    {"torch.optim.lr_scheduler.OneCycleLR", since(1, 3), kNone, kNone},
    {"torch.optim.lr_scheduler.LinearLR", since(1, 10), kNone, kNone},
    {"torch.optim.lr_scheduler.ConstantLR", since(1, 10), kNone, kNone},
    {"torch.optim.lr_scheduler.SequentialLR", since(1, 10), kNone, kNone},
    {"torch.optim.lr_scheduler.ChainedScheduler", since(1, 10), kNone, kNone},
    {"torch.optim.lr_scheduler.PolynomialLR", since(1, 13), kNone, kNone},
    {"torch.optim.swa_utils.AveragedModel", since(1, 6), kNone, kNone},
    {"torch.cuda.amp.grad_scaler.GradScaler", since(1, 6), kNone, kNone,
     "torch.amp.grad_scaler.GradScaler since 2.3, which keeps the old name, too"},
    {"torch.amp.grad_scaler.GradScaler", since(2, 3), kNone, kNone, "torch.cuda.amp.grad_scaler.GradScaler before 2.3"},
    {"torch._C.Generator", since(2, 6), kNone, kNone, "cannot be restored before 2.6"},
    {"torch.fx.graph_module.reduce_graph_module", since(1, 8), kNone, kNone},
    {"torch.jit._pickle.restore_type_tag", since(1, 5), kNone, since(1, 5), "what torch::pickle_save writes"},
    {"torch.jit._pickle.build_intlist", since(1, 2), kNone, kPickleLoad, "what torch::pickle_save writes"},
    {"torch.jit._pickle.build_tensorlist", since(1, 2), kNone, kPickleLoad, "what torch::pickle_save writes"},
    {"torch.jit._pickle.build_doublelist", since(1, 2), kNone, kPickleLoad, "what torch::pickle_save writes"},
    {"torch.jit._pickle.build_boollist", since(1, 2), kNone, kPickleLoad, "what torch::pickle_save writes"},
    {"torch.nested._internal.nested_tensor.NestedTensor", since(2, 2), since(2, 6), kNone},
    {"torch.nested._internal.nested_tensor._rebuild_njt", since(2, 5), since(2, 6), kNone},
    {"torch.distributed._mesh_layout._MeshLayout", since(2, 10), since(2, 10), kNone},
    {"torch.distributed._mesh_layout._FlatLayout", since(2, 10), since(2, 10), kNone},
    {"traceback.FrameSummary", kAll, since(2, 14), kNone},
    {"traceback.StackSummary", kAll, since(2, 14), kNone},
    {"torch.distributed._tensor.api.DTensor", since(1, 13), kNone, kNone,
     "torch.distributed.tensor.DTensor since 2.5, which keeps the old name, too"},
    {"torch.distributed.tensor.DTensor", since(2, 5), kNone, kNone, "torch.distributed._tensor.api.DTensor before 2.5"},
    {"torch.distributed.tensor._dtensor_spec.DTensorSpec", since(2, 5), kNone, kNone,
     "torch.distributed._tensor.placement_types.DTensorSpec before 2.5"},
    {"torch.distributed.device_mesh.DeviceMesh", since(2, 2), kNone, kNone},
    {"torch.distributed._shard.sharded_tensor.api.ShardedTensor", since(1, 11), kNone, kNone},
};

/// Modules of torch that are younger than the format: everything in them.
constexpr NameFact kModules[] = {
    {"torch.ao.nn.", since(1, 13), kNone, kNone, "torch.nn.quantized and its kind before 1.13"},
    {"torch.ao.", since(1, 10), kNone, kNone, "torch.quantization before 1.10"},
    {"torch.nn.utils.parametrize.", since(1, 9), kNone, kNone},
    {"torch.nn.utils.parametrizations.", since(1, 9), kNone, kNone},
    {"torch.nn.quantized.", since(1, 3), kNone, kNone},
    {"torch.nn.intrinsic.", since(1, 3), kNone, kNone},
    {"torch.nn.qat.", since(1, 3), kNone, kNone},
    {"torch.quantization.", since(1, 3), kNone, kNone},
    {"torch.fx.", since(1, 8), kNone, kNone},
    {"torch.return_types.", since(1, 12), kNone, kNone},
    {"torch.amp.", since(1, 10), kNone, kNone},
    {"torch.nested._internal.", since(2, 1), kNone, kNone},
    {"torch.distributed._mesh_layout.", since(2, 10), kNone, kNone},
    {"torch.distributed.fsdp.", since(1, 11), kNone, kNone},
    {"torch.distributed.checkpoint.", since(2, 0), kNone, kNone,
     "torch.distributed._shard.checkpoint in 1.12 and 1.13"},
    {"torch.distributed.tensor.", since(2, 5), kNone, kNone, "torch.distributed._tensor before 2.5"},
    {"torch.distributed._tensor.", since(1, 13), kNone, kNone, "torch.distributed.tensor since 2.5"},
    {"torch._dynamo.", since(2, 0), kNone, kNone},
};

constexpr std::array<std::string_view, 10> kTensorTypes = {"Double", "Float", "Half", "BFloat16", "Long",
                                                           "Int",    "Short", "Char", "Byte",     "Bool"};
constexpr std::array<std::string_view, 2> kComplexTypes = {"ComplexFloat", "ComplexDouble"};

/// torch.cuda.FloatStorage, and the tensor classes of the years before dtypes, as one row for each kind.
const NameFact* family(std::string_view name) noexcept {
  static constexpr NameFact kCudaStorage = {"torch.cuda.*Storage", kAll, kFirst, kNone};
  static constexpr NameFact kTensorClass = {"torch.*Tensor", kAll, kFirst, kNone};
  static constexpr NameFact kNarrowInteger = {"torch.int1 …", since(2, 6), since(2, 7), kNone};
  static constexpr NameFact kException = {"builtins.*Error", kAll, since(2, 14), kNone};
  static constexpr NameFact kOtherStorage = {"*Storage", since(1, 11), kNone, kNone};
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return nullptr;
  const std::string_view module = name.substr(0, dot);
  const std::string_view last = name.substr(dot + 1);
  const auto is_type = [&](std::string_view suffix) {
    if (!last.ends_with(suffix)) return false;
    const std::string_view type = last.substr(0, last.size() - suffix.size());
    return std::ranges::find(kTensorTypes, type) != kTensorTypes.end();
  };
  const bool is_complex = last.ends_with("Storage") &&
                          std::ranges::find(kComplexTypes, last.substr(0, last.size() - 7)) != kComplexTypes.end();
  if (module == "torch.cuda" && (is_type("Storage") || is_complex)) return &kCudaStorage;
  if ((module == "torch" || module == "torch.cuda" || module == "torch.sparse" || module == "torch.cuda.sparse") &&
      is_type("Tensor"))
    return &kTensorClass;
  if (is_type("Storage") || is_complex) return &kOtherStorage;
  if (module == "builtins" && (last.ends_with("Error") || last.ends_with("Exception") || last.ends_with("Warning")))
    return &kException;
  if (module == "torch" && (last.starts_with("int") || last.starts_with("uint"))) {
    const char digit = last.back();
    if (last.size() == (last.front() == 'u' ? 5 : 4) && digit >= '1' && digit <= '7') return &kNarrowInteger;
  }
  return nullptr;
}

}  // namespace

const NameFact* name_fact(std::string_view name) noexcept {
  for (const NameFact& row : kNames)
    if (row.name == name) return &row;
  for (const NameFact& row : kModules)
    if (name.starts_with(row.name)) return &row;
  return family(name);
}

bool is_plumbing(std::string_view name) noexcept {
  if (name.starts_with("builtins.") || name.starts_with("_codecs.") || name.starts_with("copyreg.")) return true;
  if (name.starts_with("torch._utils.") || name.starts_with("torch._tensor.") || name.starts_with("torch.tensor.") ||
      name.starts_with("torch.serialization.") || name.starts_with("torch.storage."))
    return true;
  if (name == "collections.OrderedDict" || name == "collections.Counter" || name == "collections.defaultdict")
    return true;
  if (name == "torch.nn.parameter.Parameter") return true;
  // Values and classes of the module torch itself: dtypes, Size, device, storages, tensors.
  return name.starts_with("torch.") && (name.find('.', 6) == std::string_view::npos || name.ends_with("Storage") ||
                                        (name.starts_with("torch.cuda.") && name.ends_with("Tensor")));
}

bool is_standard_library(std::string_view module) noexcept {
  constexpr std::array<std::string_view, 24> kModules = {
      "argparse", "array",   "ast",    "builtins",  "collections", "copy",      "copyreg", "dataclasses",
      "datetime", "decimal", "enum",   "fractions", "functools",   "itertools", "logging", "operator",
      "os",       "pathlib", "pickle", "random",    "threading",   "types",     "uuid",    "weakref"};
  const std::string_view first = module.substr(0, module.find('.'));
  return first == "_codecs" || first == "posixpath" || first == "typing" ||
         std::ranges::find(kModules, first) != kModules.end();
}

std::string_view allowed_after_import_of(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 7> kDistributed = {
      "torch.distributed.device_mesh.DeviceMesh",          "torch.distributed.tensor._dtensor_spec.DTensorSpec",
      "torch.distributed.tensor._dtensor_spec.TensorMeta", "torch.distributed.tensor.DTensor",
      "torch.distributed.tensor.placement_types.Partial",  "torch.distributed.tensor.placement_types.Replicate",
      "torch.distributed.tensor.placement_types.Shard"};
  if (name == "torch._dynamo.decorators._DimRange") return "torch._dynamo";
  if (std::ranges::find(kDistributed, name) != kDistributed.end()) return "torch.distributed.tensor";
  return {};
}

}  // namespace sconce::model::compatibility
