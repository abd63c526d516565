#include "formats/torch_common/python_values.h"

#include <string>
#include <vector>

namespace sconce::formats::torch_common {

namespace {

bool is_list_or_tuple(Kind kind) { return kind == Kind::list || kind == Kind::tuple; }

/// A few bytes of a pickle can fill a dict or set from the same million items again and again, and where they are equal
/// that takes no memory: the work counts as if it did.
void charge_items(Document& document, std::size_t count) {
  constexpr std::uint64_t kItem = 8;
  document.budget().charge(kItem * count);
}

/// OrderedDict([[key, value], …]), as Python 2 and torch 0.1 write it.
bool fill_from_pairs(Document& document, NodeId dict, NodeId pairs) {
  charge_items(document, document.elements(pairs).size());
  for (const NodeId pair : document.elements(pairs)) {
    if (!is_list_or_tuple(document.kind(pair)) || document.elements(pair).size() != 2) return false;
    if (!document.dict_set(dict, document.elements(pair)[0], document.elements(pair)[1])) return false;
  }
  return true;
}

bool fill_from_dict(Document& document, NodeId dict, NodeId other) {
  const tree::DictRecord& record = document.dict_record(other);
  charge_items(document, record.count);
  for (std::uint32_t at = 0; at < record.count; ++at)
    if (!document.dict_set(dict, record.pairs[std::size_t{2} * at], record.pairs[std::size_t{2} * at + 1]))
      return false;
  return true;
}

NodeId make_dict(Document& document, DictFlavor flavor, const Arguments& arguments, std::size_t at) {
  const NodeId made = document.dict(flavor);
  if (arguments.size() == at) return made;
  if (arguments.size() != at + 1) return kNoNode;
  if (arguments.kind(at) == Kind::dict) return fill_from_dict(document, made, arguments.node(at)) ? made : kNoNode;
  if (!is_list_or_tuple(arguments.kind(at))) return kNoNode;
  return fill_from_pairs(document, made, arguments.node(at)) ? made : kNoNode;
}

NodeId make_default_dict(Document& document, const Arguments& arguments) {
  if (arguments.size() == 0) return document.dict(DictFlavor::default_dict);
  const NodeId made = make_dict(document, DictFlavor::default_dict, arguments, 1);
  if (made != kNoNode && arguments.kind(0) != Kind::none)
    document.set_dict_flavor(made, DictFlavor::default_dict, arguments.node(0));
  return made;
}

NodeId make_set(Document& document, Kind kind, const Arguments& arguments) {
  const NodeId made = document.set(kind);
  if (arguments.size() == 0) return made;
  if (arguments.size() != 1 || !is_list_or_tuple(arguments.kind(0))) return kNoNode;
  charge_items(document, document.elements(arguments.node(0)).size());
  for (const NodeId element : document.elements(arguments.node(0)))
    if (!document.dict_set(made, element, kNoNode)) return kNoNode;
  return made;
}

bool is_latin1(std::string_view encoding) {
  return encoding == "latin1" || encoding == "latin-1" || encoding == "iso-8859-1" || encoding == "iso8859-1" ||
         encoding == "l1";
}

/// bytes(), bytearray(), of bytes, of (text, 'latin-1'), or of a list of numbers.
NodeId make_bytes(Document& document, bool mutable_bytes, const Arguments& arguments) {
  if (arguments.size() == 0) return document.bytes({}, mutable_bytes);
  if (arguments.size() == 2 && arguments.kind(0) == Kind::str && arguments.kind(1) == Kind::str &&
      is_latin1(arguments.text(1)))
    return latin1_bytes(document, arguments.text(0), mutable_bytes);
  if (arguments.size() != 1) return kNoNode;
  if (arguments.kind(0) == Kind::bytes) return document.bytes(document.text(arguments.node(0)), mutable_bytes);
  if (!is_list_or_tuple(arguments.kind(0))) return kNoNode;
  std::string bytes;
  document.budget().charge(document.elements(arguments.node(0)).size());
  for (const NodeId element : document.elements(arguments.node(0))) {
    if (document.kind(element) != Kind::integer || document.is_big(element)) return kNoNode;
    const std::int64_t value = document.integer_value(element);
    if (value < 0 || value > 255) return kNoNode;
    bytes += static_cast<char>(value);
  }
  return document.bytes(bytes, mutable_bytes);
}

NodeId make_complex(Document& document, const Arguments& arguments) {
  if (arguments.size() != 2) return kNoNode;
  return document.complex(arguments.number(0), arguments.number(1));
}

/// slice(start, stop, step) and range(…) of any count of arguments, always kept as three.
NodeId make_three(Document& document, Kind kind, const Arguments& arguments) {
  if (arguments.size() == 0 || arguments.size() > 3) return kNoNode;
  const bool range = kind == Kind::range;
  NodeId parts[] = {range ? document.integer(0) : document.none(), kNoNode,
                    range ? document.integer(1) : document.none()};
  if (arguments.size() == 1) {
    parts[1] = arguments.node(0);
  } else {
    for (std::size_t at = 0; at < arguments.size(); ++at) parts[at] = arguments.node(at);
  }
  if (range)
    for (const NodeId part : parts)
      if (document.kind(part) != Kind::integer) return kNoNode;
  return document.tuple(parts, kind);
}

/// torch.device('cuda', 1), torch.device('cuda:1'), torch.device(type='cuda') as one text.
NodeId make_device(Document& document, const Arguments& arguments) {
  arguments.expect_count(1, 2);
  std::string text(arguments.text(0));
  if (arguments.size() == 2) text += ":" + std::to_string(arguments.integer(1));
  return document.symbol(Kind::device, text);
}

/// getattr(torch, 'channels_last'): how memory formats are pickled. Any other getattr stays a call.
NodeId make_attribute(Document& document, const Arguments& arguments) {
  if (arguments.size() != 2 || arguments.kind(0) != Kind::global || arguments.kind(1) != Kind::str) return kNoNode;
  if (static_cast<Known>(document.global_tag(arguments.node(0))) != Known::torch_module) return kNoNode;
  const std::string_view name = arguments.text(1);
  if (!is_memory_format(name)) return kNoNode;
  return document.symbol(Kind::memory_format, name);
}

/// copyreg._reconstructor(cls, object, None): how protocols 0 and 1 write a plain new object.
NodeId make_plain_object(Document& document, const Arguments& arguments) {
  if (arguments.size() != 3 || arguments.kind(0) != Kind::global || arguments.kind(1) != Kind::global ||
      arguments.kind(2) != Kind::none || document.global_record(arguments.node(1)).canonical != "builtins.object")
    return kNoNode;
  tree::ObjectRecord record;
  record.how = tree::ObjectRecord::How::newobj;
  record.callable = arguments.node(0);
  record.args = document.tuple({});
  return document.object(record);
}

NodeId make_size(Document& document, const Arguments& arguments) {
  arguments.expect_count(1, 1);
  if (!is_list_or_tuple(arguments.kind(0))) arguments.wrong(0, "a tuple of integers");
  for (const NodeId element : document.elements(arguments.node(0)))
    if (document.kind(element) != Kind::integer) arguments.wrong(0, "a tuple of integers");
  return document.tuple(document.elements(arguments.node(0)), Kind::size);
}

}  // namespace

NodeId latin1_bytes(Document& document, std::string_view utf8, bool mutable_bytes) {
  std::string bytes;
  document.budget().charge(utf8.size());  // also the work: one long text can be encoded again and again
  bytes.reserve(utf8.size());
  for (std::size_t at = 0; at < utf8.size(); ++at) {
    const auto lead = static_cast<unsigned char>(utf8[at]);
    if (lead < 0x80) {
      bytes += utf8[at];
    } else if ((lead == 0xC2 || lead == 0xC3) && at + 1 < utf8.size()) {
      bytes +=
          static_cast<char>(static_cast<unsigned>(lead & 3U) << 6 | (static_cast<unsigned char>(utf8[++at]) & 0x3FU));
    } else {
      return kNoNode;
    }
  }
  return document.bytes(bytes, mutable_bytes);
}

NodeId python_value(Document& document, Known what, const Arguments& arguments) {
  switch (what) {
    case Known::ordered_dict: return make_dict(document, DictFlavor::ordered_dict, arguments, 0);
    case Known::counter: return make_dict(document, DictFlavor::counter, arguments, 0);
    case Known::default_dict: return make_default_dict(document, arguments);
    case Known::py_set: return make_set(document, Kind::set, arguments);
    case Known::py_frozenset: return make_set(document, Kind::frozenset, arguments);
    case Known::py_bytes: return make_bytes(document, false, arguments);
    case Known::py_bytearray: return make_bytes(document, true, arguments);
    case Known::py_complex: return make_complex(document, arguments);
    case Known::py_slice: return make_three(document, Kind::slice, arguments);
    case Known::py_range: return make_three(document, Kind::range, arguments);
    case Known::py_getattr: return make_attribute(document, arguments);
    case Known::codecs_encode:
      if (arguments.size() != 2 || arguments.kind(0) != Kind::str || arguments.kind(1) != Kind::str ||
          !is_latin1(arguments.text(1)))
        return kNoNode;
      return latin1_bytes(document, arguments.text(0));
    case Known::reconstructor: return make_plain_object(document, arguments);
    case Known::torch_size: return make_size(document, arguments);
    case Known::torch_device: return make_device(document, arguments);
    case Known::get_layout: arguments.expect_count(1, 1); return document.symbol(Kind::layout, arguments.text(0));
    default: return kNoNode;
  }
}

void dict_state(Document& document, NodeId dict, NodeId state) {
  const NodeId attributes = document.dict_attributes(dict);
  if (document.kind(state) == Kind::dict) {
    (void)fill_from_dict(document, attributes, state);
  } else if (document.kind(state) == Kind::tuple) {
    charge_items(document, document.elements(state).size());
    for (const NodeId part : document.elements(state))
      if (document.kind(part) == Kind::dict) (void)fill_from_dict(document, attributes, part);
  } else if (document.kind(state) != Kind::none) {
    fail(ErrorCode::damaged, "the state of a dict must be a dict of attributes");
  }
}

}  // namespace sconce::formats::torch_common
