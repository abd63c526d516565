#include "formats/torch_common/resolver.h"

#include <string>
#include <vector>

#include "base/fail.h"
#include "formats/torch_common/arguments.h"
#include "formats/torch_common/numpy_values.h"
#include "formats/torch_common/old_tensors.h"
#include "formats/torch_common/python_values.h"
#include "formats/torch_common/rebuild.h"
#include "pickle/python_names.h"

namespace sconce::formats::torch_common {

using tree::ObjectRecord;

NodeId Resolver::global(std::uint64_t, std::string_view module, std::string_view name, int protocol) {
  const pickle::PythonName python = pickle::python3_name(module, name, protocol);
  const Known what = known_name(python.module, python.name);
  if (what == Known::torch_dtype) return document_.symbol(Kind::dtype, python.name);
  if (what == Known::torch_qscheme) return document_.symbol(Kind::qscheme, python.name);
  const NodeId id = document_.global(module, name, python.module, python.name);
  document_.set_global_tag(id, static_cast<std::uint32_t>(what));
  return id;
}

NodeId Resolver::opaque(ObjectRecord::How how, NodeId callable, NodeId args, NodeId kwargs) {
  ObjectRecord record;
  record.how = how;
  record.callable = callable;
  record.args = args;
  record.kwargs = kwargs;
  return document_.object(record);
}

NodeId Resolver::reduce(std::uint64_t offset, NodeId callable, NodeId args) {
  const Known what = known(callable);
  if (what != Known::unknown) {
    const NodeId made = call_known(offset, what, callable, document_.elements(args));
    if (made != kNoNode) return made;
  }
  return opaque(ObjectRecord::How::reduce, callable, args);
}

NodeId Resolver::call_known(std::uint64_t offset, Known what, NodeId callable, std::span<const NodeId> args) {
  const Arguments arguments(document_, document_.global_record(callable).canonical, args);
  switch (what) {
    case Known::rebuild_from_type:
    case Known::rebuild_from_type_v2: return from_type(offset, callable, args);
    case Known::load_from_bytes:
      arguments.expect_count(1, 1);
      if (arguments.kind(0) != Kind::bytes) arguments.wrong(0, "bytes");
      return open_bytes_ ? open_bytes_(offset, args[0]) : kNoNode;
    case Known::parameter:
    case Known::variable: return old_parameter(document_, arguments, what == Known::parameter);
    default: break;
  }
  if (const NodeId made = rebuild_tensor(document_, what, arguments); made != kNoNode) return made;
  if (const NodeId made = numpy_value(document_, what, arguments); made != kNoNode) return made;
  return python_value(document_, what, arguments);
}

// _rebuild_from_type_v2(func, type, args, state): a tensor of a subclass, or one with Python attributes.
NodeId Resolver::from_type(std::uint64_t offset, NodeId callable, std::span<const NodeId> args) {
  const Arguments arguments(document_, document_.global_record(callable).canonical, args);
  arguments.expect_count(4, 4);
  if (arguments.kind(2) != Kind::tuple) arguments.wrong(2, "a tuple");
  // PyTorch writes a plain rebuild function here. One of this kind again would be followed as deep as the file likes.
  const Known inner_call = known(args[0]);
  if (inner_call == Known::rebuild_from_type || inner_call == Known::rebuild_from_type_v2) return kNoNode;
  const NodeId inner = reduce(offset, args[0], args[2]);
  if (document_.kind(inner) != Kind::tensor) return kNoNode;
  const NodeId made = document_.copy_tensor(inner);
  tree::TensorExtra& extra = document_.tensor_extra(made);
  // A plain Tensor with attributes says torch.Tensor; only a subclass is worth remembering.
  if (document_.kind(args[1]) == Kind::global && document_.global_record(args[1]).canonical != "torch.Tensor")
    extra.type = args[1];
  if (document_.kind(args[3]) != Kind::none) extra.state = args[3];
  return made;
}

NodeId Resolver::new_object(std::uint64_t, NodeId cls, NodeId args, NodeId kwargs) {
  if (kwargs == kNoNode && document_.elements(args).empty()) {
    switch (known(cls)) {
      case Known::ordered_dict: return document_.dict(DictFlavor::ordered_dict);
      case Known::counter: return document_.dict(DictFlavor::counter);
      case Known::default_dict: return document_.dict(DictFlavor::default_dict);
      case Known::py_set: return document_.set(Kind::set);
      default: break;
    }
  }
  return opaque(kwargs == kNoNode ? ObjectRecord::How::newobj : ObjectRecord::How::newobj_ex, cls, args, kwargs);
}

NodeId Resolver::instance(std::uint64_t, NodeId cls, NodeId args) {
  return opaque(ObjectRecord::How::instance, cls, args);
}

NodeId Resolver::build(std::uint64_t, NodeId target, NodeId state) {
  switch (document_.kind(target)) {
    case Kind::object:
      if (!numpy_state(document_, target, state) && !old_tensor_state(document_, target, state))
        document_.object_step(target, {ObjectRecord::Event::state, state});
      return target;
    case Kind::dict: dict_state(document_, target, state); return target;
    case Kind::tensor: tensor_state(document_, target, state); return target;
    // Attributes of a class or function: it changes the program that loads the file. The listener has reported it.
    case Kind::global: return target;
    default:
      fail(ErrorCode::damaged,
           "the pickle gives a state to a " + std::string(to_string(document_.kind(target))) + ", which has none");
  }
}

void Resolver::need_object(NodeId target, std::string_view what) const {
  const Kind kind = document_.kind(target);
  if (kind != Kind::object && kind != Kind::global)
    fail(ErrorCode::damaged,
         "the pickle " + std::string(what) + " a " + std::string(to_string(kind)) + ", which PyTorch refuses", {},
         "the file is damaged or hostile; do not load it");
}

void Resolver::append(std::uint64_t, NodeId target, std::span<const NodeId> items, bool several) {
  need_object(target, "appends to");
  if (document_.kind(target) != Kind::object) return;
  document_.object_step(target,
                        {several ? ObjectRecord::Event::extend : ObjectRecord::Event::append, document_.tuple(items)});
}

void Resolver::set_items(std::uint64_t, NodeId target, std::span<const NodeId> pairs) {
  need_object(target, "sets an item of");
  if (document_.kind(target) != Kind::object) return;
  document_.object_step(target, {ObjectRecord::Event::set_item, document_.tuple(pairs)});
}

void Resolver::add_items(std::uint64_t, NodeId target, std::span<const NodeId> items) {
  need_object(target, "adds to");
  if (document_.kind(target) != Kind::object) return;
  document_.object_step(target, {ObjectRecord::Event::add, document_.tuple(items)});
}

NodeId Resolver::extension(std::uint64_t, std::uint32_t code) {
  // An entry of the loading process's extension registry (copyreg.add_extension): known to that program only.
  const std::string name = "extension_" + std::to_string(code);
  const NodeId id = document_.global("copyreg", name, "copyreg", name);
  return id;
}

NodeId Resolver::buffer(std::uint64_t) {
  fail(ErrorCode::unsupported,
       "the pickle takes a buffer from outside of the file (protocol 5), which no PyTorch file does");
}

}  // namespace sconce::formats::torch_common
