// torch's small values.
#include <charconv>

#include "base/fail.h"
#include "formats/torch_common/effects.h"
#include "formats/torch_common/encoder.h"
#include "formats/torch_common/known_names.h"

namespace sconce::formats::torch_common {

using pickle::Op;

TorchEncoder::TorchEncoder(const tree::Document& document, const StorageUses& uses, const EncodeOptions& options)
    : document_(document),
      uses_(uses),
      options_(options),
      numpy_(document),
      key_of_storage_(document.storage_count(), 0xFFFFFFFF) {
  storage_classes_.fill(pickle::kNoMemo);
}

void TorchEncoder::encode(Writer& writer, NodeId node) {
  switch (document_.kind(node)) {
    case Kind::tensor: return tensor(writer, node);
    case Kind::storage: return bare_storage(writer, node);
    case Kind::size: size(writer, node); break;
    case Kind::dtype: return named(writer, document_.text(node), Known::torch_dtype);
    case Kind::qscheme: return named(writer, document_.text(node), Known::torch_qscheme);
    case Kind::device: device(writer, node); break;
    case Kind::layout: layout(writer, document_.text(node)); break;
    case Kind::memory_format: memory_format(writer, node); break;
    case Kind::scalar: numpy_.scalar(writer, node); break;
    default:
      fail(ErrorCode::unsupported,
           "a " + std::string(to_string(document_.kind(node))) + ", which no PyTorch file can hold");
  }
  (void)writer.made(node);
}

namespace {

[[noreturn]] void refuse(std::string_view name) {
  fail(ErrorCode::hostile,
       std::string(name) + " is known to have an effect when it is loaded, so it is not written to a new file", {},
       "remove it from the tree, or convert to safetensors, which holds tensors only");
}

}  // namespace

void TorchEncoder::check_global(NodeId id) {
  const tree::GlobalRecord& record = document_.global_record(id);
  if (has_effect(record.python3_module, record.python3_name)) refuse(record.canonical);
}

void TorchEncoder::check_object(NodeId id) {
  const tree::ObjectRecord& record = document_.object_record(id);
  if (reaches_effect(document_, record.callable, record.args)) refuse("a call of what getattr reaches");
}

void TorchEncoder::global(Writer& writer, std::string_view module, std::string_view name) {
  const auto [entry, added] = globals_.try_emplace(name, pickle::kNoMemo);
  writer.emit().once(entry->second, [&] { writer.emit().global(module, name); });
}

void TorchEncoder::empty_ordered_dict(Writer& writer) {
  writer.emit().once(ordered_dict_, [&] { writer.emit().global("collections", "OrderedDict"); });
  writer.emit().op(Op::empty_tuple);
  writer.emit().op(Op::reduce);
}

void TorchEncoder::dtype(Writer& writer, std::string_view name) { global(writer, "torch", name); }

/// Not every tree comes from a pickle, and a text that claims to be a dtype must not name a function.
void TorchEncoder::named(Writer& writer, std::string_view name, Known what) {
  if (known_name("torch", name) != what)
    fail(ErrorCode::unsupported, "\"" + std::string(name) + "\", which is no dtype or quantisation scheme of PyTorch");
  global(writer, "torch", name);
}

void TorchEncoder::size(Writer& writer, NodeId node) {
  pickle::Emitter& emit = writer.emit();
  global(writer, "torch", "Size");
  const auto elements = document_.elements(node);
  if (elements.size() > 3) emit.op(Op::mark);
  for (const NodeId element : elements) {
    if (document_.kind(element) != Kind::integer)
      fail(ErrorCode::unsupported, "a torch.Size with something else than integers");
    if (document_.is_big(element))
      emit.big_integer(document_.text(element));
    else
      emit.integer(document_.integer_value(element));
  }
  if (elements.empty())
    emit.op(Op::empty_tuple);
  else
    emit.tuple_of(elements.size());
  emit.tuple_of(1);
  emit.op(Op::reduce);
}

/// "cuda:1" as torch.device('cuda', 1), as PyTorch itself writes it.
void TorchEncoder::device(Writer& writer, NodeId node) {
  const std::string_view text = document_.text(node);
  const std::size_t colon = text.rfind(':');
  std::int64_t index = -1;
  if (colon != std::string_view::npos && colon + 1 < text.size()) {
    const auto [end, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), index);
    if (error != std::errc() || end != text.data() + text.size() || index > 255) index = -1;
  }
  global(writer, "torch", "device");
  writer.emit().unicode(index < 0 ? text : text.substr(0, colon));
  if (index >= 0) writer.emit().integer(index);
  writer.emit().tuple_of(index < 0 ? 1 : 2);
  writer.emit().op(Op::reduce);
}

void TorchEncoder::layout(Writer& writer, std::string_view name) {
  global(writer, "torch.serialization", "_get_layout");
  const bool has_prefix = name.starts_with("torch.");
  writer.emit().unicode(has_prefix ? std::string(name) : "torch." + std::string(name));
  writer.emit().tuple_of(1);
  writer.emit().op(Op::reduce);
}

void TorchEncoder::memory_format(Writer& writer, NodeId node) {
  if (!is_memory_format(document_.text(node)))
    fail(ErrorCode::unsupported, "\"" + std::string(document_.text(node)) + "\", which is no memory format of PyTorch");
  global(writer, "builtins", "getattr");
  global(writer, "torch._utils", "torch");
  writer.emit().unicode(document_.text(node));
  writer.emit().tuple_of(2);
  writer.emit().op(Op::reduce);
}

}  // namespace sconce::formats::torch_common
