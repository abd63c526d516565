#include <bit>
#include <cmath>
#include <string>

#include "base/json_writer.h"
#include "base/text.h"
#include "formats/safetensors/hex.h"
#include "formats/safetensors/sidecar.h"
#include "tree/children.h"

namespace sconce::formats::safetensors {

namespace {

using tree::Document;
using tree::kNoNode;
using tree::NodeId;

std::string_view flavor_name(DictFlavor flavor) noexcept {
  switch (flavor) {
    case DictFlavor::dict: return "dict";
    case DictFlavor::ordered_dict: return "OrderedDict";
    case DictFlavor::default_dict: return "defaultdict";
    case DictFlavor::counter: return "Counter";
  }
  return "dict";
}

/// Writes one node after the other.
class SidecarWriter {
 public:
  SidecarWriter(const PlanContext& context, const Outline& outline, const Contents& contents)
      : context_(context), document_(context.document), outline_(outline), contents_(contents), json_(text_) {}

  std::string write() {
    json_.begin_object().member("version", kSidecarVersion);
    json_.key("roots").begin_array();
    for (const NodeId root : context_.roots) reference(root);
    json_.end_array();
    json_.key("storages").begin_array();
    for (const SharedStorage& storage : contents_.storages) {
      json_.begin_array();
      if (storage.dtype)
        json_.value(sconce::to_string(*storage.dtype));
      else
        json_.null();
      json_.value(storage.location).end_array();
    }
    json_.end_array();
    json_.key("nodes").begin_array();
    for (const NodeId id : outline_.nodes()) node(id);
    json_.end_array().end_object();
    return std::move(text_);
  }

 private:
  void node(NodeId id) {
    switch (document_.kind(id)) {
      case Kind::none: json_.null(); break;
      case Kind::boolean: json_.value(document_.boolean_value(id)); break;
      case Kind::integer: integer(id); break;
      case Kind::floating: floating(id); break;
      case Kind::str: string(id); break;
      case Kind::dict: dict(id); break;
      case Kind::tensor: tensor(id); break;
      case Kind::storage: storage(id); break;
      case Kind::object: object(id); break;
      default: tagged(id); break;
    }
  }

  /// An array that begins with the kind.
  void tagged(NodeId id) {
    const Kind kind = document_.kind(id);
    json_.begin_array().value(sconce::to_string(kind));
    switch (kind) {
      case Kind::complex:
        number(document_.complex_value(id).first);
        number(document_.complex_value(id).second);
        break;
      case Kind::bytes:
      case Kind::bytearray: json_.value(to_hex(document_.text(id))); break;
      case Kind::list:
      case Kind::tuple:
      case Kind::size:
      case Kind::slice:
      case Kind::range:
        for (const NodeId element : document_.elements(id)) reference(element);
        break;
      case Kind::set:
      case Kind::frozenset: keys(id); break;
      case Kind::dtype:
      case Kind::device:
      case Kind::layout:
      case Kind::qscheme:
      case Kind::memory_format: json_.value(document_.text(id)); break;
      case Kind::scalar:
        json_.value(sconce::to_string(document_.scalar_dtype(id))).value(to_hex(document_.text(id)));
        break;
      case Kind::global: {
        const tree::GlobalRecord& global = document_.global_record(id);
        json_.value(global.module).value(global.name).value(global.python3_module).value(global.python3_name);
        break;
      }
      default: break;  // ellipsis
    }
    json_.end_array();
  }

  void reference(NodeId id) {
    const std::uint32_t number = outline_.number(id);
    if (number == kNotHeld)
      json_.null();
    else
      json_.value(number);
  }

  void integer(NodeId id) {
    if (document_.is_big(id))
      json_.begin_array().value("int").value(to_hex(document_.text(id))).end_array();
    else
      json_.value(document_.integer_value(id));
  }

  /// Finite ones as numbers that read back the same; others by their bits.
  void number(double value) {
    if (std::isfinite(value))
      json_.value(value);
    else
      json_.value(bits_to_hex(std::bit_cast<std::uint64_t>(value)));
  }

  void floating(NodeId id) {
    const double value = document_.floating_value(id);
    if (std::isfinite(value)) {
      json_.value(value);
    } else {
      json_.begin_array().value("float");
      number(value);
      json_.end_array();
    }
  }

  void string(NodeId id) {
    const std::string_view text = document_.text(id);
    const bool python2 = document_.str_kind(id) == tree::StrKind::python2;
    if (!python2 && is_utf8(text))
      json_.value(text);
    else
      json_.begin_array().value(python2 ? "str2" : "str").value(to_hex(text)).end_array();
  }

  void keys(NodeId id) {
    const tree::DictRecord& set = document_.dict_record(id);
    for (std::uint32_t at = 0; at < set.count; ++at)
      if (outline_.number(set.pairs[std::size_t{2} * at]) != kNotHeld) reference(set.pairs[std::size_t{2} * at]);
  }

  void dict(NodeId id) {
    const tree::DictRecord& dict = document_.dict_record(id);
    json_.begin_array().value("dict").value(flavor_name(dict.flavor));
    reference(dict.attributes);
    reference(dict.factory);
    for (std::uint32_t at = 0; at < dict.count; ++at) {
      const NodeId key = dict.pairs[std::size_t{2} * at];
      const NodeId value = dict.pairs[std::size_t{2} * at + 1];
      if (outline_.number(key) == kNotHeld || outline_.number(value) == kNotHeld) continue;
      reference(key);
      reference(value);
    }
    json_.end_array();
  }

  /// What can be held of an object, under the names that its parts have in listings.
  void object(NodeId id) {
    std::vector<tree::Child> children;
    tree::collect_children(document_, id, children);
    json_.begin_array().value("object");
    for (const tree::Child& child : children) {
      if (child.of_module)
        module_dict(child.value);
      else if (outline_.number(child.value) != kNotHeld)
        json_.value(tree::step_text(document_, child)).value(outline_.number(child.value));
    }
    json_.end_array();
  }

  void module_dict(NodeId id) {
    const tree::DictRecord& dict = document_.dict_record(id);
    for (std::uint32_t at = 0; at < dict.count; ++at) {
      const NodeId key = dict.pairs[std::size_t{2} * at];
      const NodeId value = dict.pairs[std::size_t{2} * at + 1];
      if (outline_.number(value) == kNotHeld || document_.kind(value) == Kind::none) continue;
      json_.value(tree::step_text(document_, tree::keyed_child(document_, key, value, at)));
      json_.value(outline_.number(value));
    }
  }

  void names(const HeldTensor* held) {
    json_.begin_array();
    if (held != nullptr)
      for (const std::string& name : held->names) json_.value(name);
    json_.end_array();
  }

  void integers(std::string_view key, std::span<const std::int64_t> values) {
    json_.key(key).begin_array();
    for (const std::int64_t value : values) json_.value(value);
    json_.end_array();
  }

  void flag(std::string_view key, bool set) {
    if (set) json_.member(key, true);
  }

  void storage(NodeId id) {
    const HeldTensor* held = contents_.find(outline_.number(id));
    json_.begin_array().value("storage");
    names(held);
    json_.begin_object();
    where(*held);
    json_.end_object().end_array();
  }

  void where(const HeldTensor& held) {
    if (!held.spelling.exact) {
      json_.member("dtype", sconce::to_string(held.tensor.dtype()));
      integers("shape", held.tensor.shape());
    }
    if (!held.shared) return;
    json_.member("storage", *held.shared);
    if (held.offset != 0) json_.member("offset", held.offset);
    integers("strides", held.strides);
  }

  void tensor(NodeId id) {
    const tree::TensorRecord& record = document_.tensor_record(id);
    const HeldTensor* held = contents_.find(outline_.number(id));
    json_.begin_array().value("tensor");
    names(held);
    json_.begin_object();
    if (held != nullptr) {
      where(*held);
    } else {
      json_.member("dtype", sconce::to_string(record.dtype));
      integers("shape", record.shape());
    }
    if (record.layout != Layout::strided) json_.member("layout", sconce::to_string(record.layout));
    flag("parameter", record.parameter);
    flag("requires_grad", record.requires_grad);
    flag("numpy", record.numpy);
    flag("fortran", record.fortran);
    if (record.extra != nullptr) extra(*record.extra);
    json_.end_object().end_array();
  }

  void extra(const tree::TensorExtra& extra) {
    if (extra.qscheme != QScheme::none) {
      json_.member("qscheme", extra.qscheme == QScheme::per_tensor_affine ? "per_tensor" : "per_channel");
      json_.key("scale");
      number(extra.scale);
      json_.member("zero_point", extra.zero_point).member("axis", extra.axis);
    }
    if (extra.has_coalesced || extra.coalesced) json_.member("coalesced", extra.coalesced);
    if (context_.options.keep_device && !extra.device.empty() && is_utf8(extra.device)) {
      json_.member("device", extra.device);
      flag("from_cpu", extra.from_cpu_tensor);
    }
    if (extra.part_count != 0) {
      json_.key("parts").begin_object();
      for (std::uint32_t at = 0; at < extra.part_count; ++at)
        if (outline_.number(extra.parts[at].tensor) != kNotHeld)
          json_.member(tree::to_string(extra.parts[at].name), outline_.number(extra.parts[at].tensor));
      json_.end_object();
    }
    if (outline_.number(extra.type) != kNotHeld) json_.member("type", outline_.number(extra.type));
    if (outline_.number(extra.state) != kNotHeld) json_.member("state", outline_.number(extra.state));
  }

  const PlanContext& context_;
  const Document& document_;
  const Outline& outline_;
  const Contents& contents_;
  std::string text_;
  JsonWriter json_;
};

}  // namespace

std::string sidecar_of(const PlanContext& context, const Outline& outline, const Contents& contents) {
  return SidecarWriter(context, outline, contents).write();
}

}  // namespace sconce::formats::safetensors
