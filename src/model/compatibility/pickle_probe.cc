#include "model/compatibility/pickle_probe.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "model/compatibility/names.h"
#include "pickle/opcodes.h"
#include "pickle/python_names.h"

namespace sconce::model::compatibility {

using pickle::Op;
using tree::kNoNode;
using tree::NodeId;
using tree::ObjectRecord;

namespace {

struct Listener : pickle::NoListener {
  explicit Listener(PickleProbe& probe) : probe_(probe) {}
  void opcode(std::uint64_t offset, std::uint8_t code, std::uint64_t end) { probe_.opcode(offset, code, end); }

 private:
  PickleProbe& probe_;
};

constexpr std::string_view kOrderedDict = "collections.OrderedDict";

/// Device tags that every PyTorch of their time restores without an extension.
bool is_known_device(std::string_view location) {
  constexpr std::array<std::string_view, 3> kKnown = {"cpu", "cuda", "mps"};
  return std::ranges::find(kKnown, location.substr(0, location.find(':'))) != kKnown.end();
}

}  // namespace

NodeId PickleProbe::run(ByteReader& reader, bool main) {
  const std::uint64_t begin = reader.offset();
  Listener listener(*this);
  const pickle::MachineResult result = pickle::Machine(reader, document_, *this, listener).run();
  if (!main) return result.root;
  features_.has_pickle = true;
  const std::string protocol = "pickle protocol " + std::to_string(result.protocol);
  if (result.protocol != 2) features_.add(Trait::protocol_not_2, protocol, begin);
  if (result.protocol == 3) features_.add(Trait::protocol_3, protocol, begin);
  if (result.protocol == 4) features_.add(Trait::protocol_4, protocol, begin);
  if (result.protocol == 5) features_.add(Trait::protocol_5, protocol, begin);
  look_at_values();
  return result.root;
}

void PickleProbe::opcode(std::uint64_t offset, std::uint8_t code, std::uint64_t end) {
  if (features_.opcode_at[code] == 0) features_.opcode_at[code] = offset + 1;
  constexpr std::uint64_t kLongOfEight = 1 + 1 + 8;
  if (static_cast<Op>(code) == Op::long1 && end - offset != kLongOfEight)
    features_.add(Trait::long_integer, "an integer of " + std::to_string(end - offset - 2) + " bytes", offset);
}

NodeId PickleProbe::global(std::uint64_t offset, std::string_view module, std::string_view name, int protocol) {
  const pickle::PythonName python = pickle::python3_name(module, name, protocol);
  const NodeId id = document_.global(module, name, python.module, python.name);
  if (name_at_.contains(id)) return id;
  const tree::GlobalRecord& record = document_.global_record(id);
  if (name_fact(record.canonical) == nullptr && ++unknown_names_ > Features::kMostUnknownNames) return id;
  name_at_.emplace(id, features_.names.size());
  document_.budget().charge(sizeof(ImportedName) + 4 * record.canonical.size() + 64);
  features_.names.push_back(
      {std::string(record.canonical), std::string(module) + "." + std::string(name), offset, false});
  if (python.module.starts_with("numpy._core")) features_.add(Trait::numpy_2_names, record.canonical, offset);
  if (python.module == "numpy.random._pickle") features_.add(Trait::numpy_random, record.canonical, offset);
  if (python.module.starts_with("pathlib._local")) features_.add(Trait::python_3_13_names, record.canonical, offset);
  if (python.module == "torch.cuda" && python.name.ends_with("Storage"))
    features_.add(Trait::cuda_storage_class, record.canonical, offset);
  return id;
}

NodeId PickleProbe::made(ObjectRecord::How how, NodeId callable, NodeId args) const {
  ObjectRecord record;
  record.how = how;
  record.callable = callable;
  record.args = args;
  return document_.object(record);
}

std::string_view PickleProbe::class_of(NodeId node) const {
  if (document_.kind(node) == Kind::object) {
    const NodeId callable = document_.object_record(node).callable;
    return callable != kNoNode && document_.kind(callable) == Kind::global ? document_.global_record(callable).canonical
                                                                           : std::string_view();
  }
  return document_.kind(node) == Kind::global ? document_.global_record(node).canonical : std::string_view();
}

NodeId PickleProbe::reduce(std::uint64_t offset, NodeId callable, NodeId args) {
  if (const auto found = name_at_.find(callable); found != name_at_.end()) {
    features_.names[found->second].called = true;
    called_with(offset, features_.names[found->second].name, args);
  }
  return made(ObjectRecord::How::reduce, callable, args);
}

void PickleProbe::called_with(std::uint64_t offset, std::string_view name, NodeId args) {
  const auto items = document_.elements(args);
  if (name.starts_with("torch.cuda.") && name.ends_with("Tensor"))
    features_.add(Trait::cuda_tensor_class, name, offset);
  if (name == "torch.serialization._get_layout" && !items.empty() && document_.kind(items[0]) == Kind::str) {
    const std::string_view layout = document_.text(items[0]);
    if (layout == "torch.jagged") features_.add(Trait::layout_jagged, layout, offset);
    if (layout == "torch.sparse_csr") features_.add(Trait::layout_csr, layout, offset);
    if (layout == "torch.sparse_csc" || layout == "torch.sparse_bsr" || layout == "torch.sparse_bsc")
      features_.add(Trait::layout_blocks, layout, offset);
  }
  if (name == "torch._utils._rebuild_tensor_v2" && items.size() > 6)
    features_.add(Trait::tensor_metadata, "a tensor with conjugate or negative bit", offset);
  if (name == "torch._utils._rebuild_sparse_tensor" && items.size() == 2 && document_.kind(items[1]) == Kind::tuple) {
    const NodeId layout = items[0];
    const auto parts = document_.elements(items[1]);
    std::string_view text;
    if (document_.kind(layout) == Kind::object && !document_.elements(document_.object_record(layout).args).empty()) {
      const NodeId first = document_.elements(document_.object_record(layout).args)[0];
      if (document_.kind(first) == Kind::str) text = document_.text(first);
    }
    if (text == "torch.sparse_coo" && parts.size() == 4) features_.add(Trait::coalesced_flag, text, offset);
    if (text != "torch.sparse_coo") features_.add(Trait::sparse_compressed, text, offset);
  }
  if (name == "torch._tensor._rebuild_from_type_v2") called_rebuild_from_type(offset, items);
}

void PickleProbe::called_rebuild_from_type(std::uint64_t offset, std::span<const NodeId> args) {
  if (args.size() != 4) return;
  if (document_.kind(args[3]) == Kind::none) features_.add(Trait::subclass_no_state, class_of(args[1]), offset);
  if (document_.kind(args[2]) == Kind::tuple && document_.kind(args[0]) == Kind::global) {
    const std::string_view inner = document_.global_record(args[0]).canonical;
    if (inner != "torch._tensor._rebuild_from_type_v2") called_with(offset, inner, args[2]);
  }
}

NodeId PickleProbe::new_object(std::uint64_t offset, NodeId cls, NodeId args, NodeId) {
  const std::string_view name = class_of(cls);
  if (name == kOrderedDict || name.starts_with("torch.") || name == "collections.Counter")
    if (name != "torch.nn.parameter.Parameter") features_.add(Trait::new_allowed_object, name, offset);
  if (const auto found = name_at_.find(cls); found != name_at_.end()) features_.names[found->second].called = true;
  return made(ObjectRecord::How::newobj, cls, args);
}

NodeId PickleProbe::instance(std::uint64_t, NodeId cls, NodeId args) {
  return made(ObjectRecord::How::instance, cls, args);
}

NodeId PickleProbe::build(std::uint64_t offset, NodeId target, NodeId state) {
  const std::string_view name = class_of(target);
  if (name.starts_with("torch.") && document_.kind(state) == Kind::list)
    features_.add(Trait::slots_state, name, offset);
  if (name == "torch._C.Generator" && legacy_) features_.add(Trait::legacy_generator, name, offset);
  if (name == kOrderedDict) {
    features_.add(Trait::ordered_dict_items, name, offset);
  } else if (!name.starts_with("torch.") && (name.empty() || name_fact(name) != nullptr)) {
    if (name.empty())
      features_.add(Trait::build_other, to_string(document_.kind(target)), offset);
    else
      features_.add(Trait::build_allowed, name, offset);
  }
  return target;
}

void PickleProbe::append(std::uint64_t offset, NodeId target, std::span<const NodeId>, bool) {
  const std::string_view name = class_of(target);
  if (name == "traceback.StackSummary") return;  // a kind of list
  features_.add(Trait::append_other, name.empty() ? to_string(document_.kind(target)) : name, offset);
}

void PickleProbe::set_items(std::uint64_t offset, NodeId target, std::span<const NodeId> pairs) {
  const std::string_view name = class_of(target);
  if (name == kOrderedDict) {
    if (!pairs.empty()) features_.add(Trait::ordered_dict_items, name, offset);
  } else if (name != "collections.Counter") {
    features_.add(Trait::set_item_other, name.empty() ? to_string(document_.kind(target)) : name, offset);
  }
}

void PickleProbe::add_items(std::uint64_t, NodeId, std::span<const NodeId>) {}

NodeId PickleProbe::persistent(std::uint64_t offset, NodeId id) {
  if (document_.kind(id) == Kind::tuple) {
    const auto parts = document_.elements(id);
    const std::string_view tag =
        !parts.empty() && document_.kind(parts[0]) == Kind::str ? document_.text(parts[0]) : std::string_view();
    if (tag == "storage" && parts.size() >= 5) storage_id(offset, parts);
    if (tag == "module" && parts.size() == 4) {
      features_.add(Trait::class_source, class_of(parts[1]), offset);
      return parts[1];
    }
    // The tar archive of 0.1: the class itself, with its source.
    if (parts.size() == 3 && document_.kind(parts[0]) == Kind::global) return parts[0];
  }
  ObjectRecord record;
  record.how = ObjectRecord::How::persistent;
  record.args = id;
  return document_.object(record);
}

void PickleProbe::storage_id(std::uint64_t offset, std::span<const NodeId> parts) {
  const std::string_view cls = class_of(parts[1]);
  if (document_.kind(parts[1]) == Kind::global) {
    const bool untyped = document_.global_record(parts[1]).python3_name == "UntypedStorage";
    if (untyped && legacy_) features_.add(Trait::legacy_untyped, cls, offset);
    if (untyped && features_.has(Trait::big_endian)) features_.add(Trait::big_endian_untyped, cls, offset);
    if (cls == "torch.QUInt4x2Storage" || cls == "torch.QUInt2x4Storage")
      features_.add(Trait::packed_storage, cls, offset);
    if (cls == "torch.UntypedStorage") features_.add(Trait::untyped_via_torch, cls, offset);
  }
  if (document_.kind(parts[2]) == Kind::str && !storage_keys_.insert(parts[2]).second)
    features_.add(Trait::shared_storage, "storage " + std::string(document_.text(parts[2])), offset);
  if (document_.kind(parts[3]) != Kind::str) return;
  const std::string_view location = document_.text(parts[3]);
  if (location == "cpu" || std::ranges::find(features_.locations, location) != features_.locations.end()) return;
  if (features_.locations.size() < 64) features_.locations.emplace_back(location);
  if (location == "meta") return features_.add(Trait::meta_location, location, offset);
  features_.add(is_known_device(location) ? Trait::gpu_location : Trait::foreign_location, location, offset);
}

void PickleProbe::look_at_values() {
  for (NodeId node = 0; node < document_.node_count(); ++node) {
    const Kind kind = document_.kind(node);
    if (kind == Kind::dict) look_at_keys(node);
    if (kind != Kind::str || document_.str_kind(node) != tree::StrKind::python2) continue;
    const std::string_view text = document_.text(node);
    const auto ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    if (!std::ranges::all_of(text, ascii)) features_.add(Trait::text_not_ascii, "a str of Python 2");
    if (!is_utf8(text)) features_.add(Trait::text_not_utf8, "a str of Python 2");
  }
}

void PickleProbe::look_at_keys(NodeId dict) {
  const tree::DictRecord& record = document_.dict_record(dict);
  for (std::uint32_t at = 0; at < record.count; ++at) {
    const Kind kind = document_.kind(record.pairs[2 * std::size_t{at}]);
    if (kind == Kind::none || kind == Kind::tuple || kind == Kind::bytes)
      features_.add(Trait::odd_dict_key, "a key that is " + std::string(to_string(kind)));
  }
}

NodeId PickleProbe::extension(std::uint64_t offset, std::uint32_t code) {
  return global(offset, "copyreg", "extension_" + std::to_string(code), 4);
}

NodeId PickleProbe::buffer(std::uint64_t) { return document_.bytes({}); }

}  // namespace sconce::model::compatibility
