#include "model/rewrite/known_classes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "formats/torch_common/numpy_values.h"

namespace sconce::model::rewrite {

namespace {

using tree::Document;
using tree::kNoNode;
using tree::NodeId;
using tree::ObjectRecord;

using Found = std::optional<PlainValue>;

PlainValue stands_for(NodeId node, std::string how) { return {node, false, std::move(how), {}}; }
PlainValue has_to_stay(std::string why) { return {kNoNode, false, std::move(why), {}}; }

std::span<const NodeId> arguments_of(const Document& document, NodeId object) {
  const NodeId args = document.object_record(object).args;
  return args == kNoNode ? std::span<const NodeId>() : document.elements(args);
}

/// The one state of an object, where it has exactly one.
NodeId only_state(const Document& document, NodeId object) {
  const ObjectRecord& record = document.object_record(object);
  return record.step_count == 1 && record.steps[0].event == ObjectRecord::Event::state ? record.steps[0].value
                                                                                       : kNoNode;
}

// ---------------------------------------------------------------------------------------------------------- OmegaConf

/// DictConfig and ListConfig keep what is in them as `_content`; so, before 2.0, `content`.
Found omegaconf_container(Document& document, NodeId object) {
  for (const std::string_view name : {"_content", "content"})
    if (const NodeId content = document.attribute(object, name); content != kNoNode)
      return stands_for(content, "its content, as OmegaConf.to_container(resolve=False) gives it");
  return std::nullopt;
}

Found omegaconf_node(Document& document, NodeId object) {
  const NodeId value = document.attribute(object, "_val");
  return value == kNoNode ? Found() : stands_for(value, "its value");
}

// ------------------------------------------------------------------------------------------------------------- Python

/// By its parts, or as one text.
Found path(Document& document, NodeId object) {
  std::string text;
  const bool windows = document.class_name(object).ends_with("WindowsPath");
  for (const NodeId part : arguments_of(document, object)) {
    if (document.kind(part) != Kind::str) return has_to_stay("its parts are no texts");
    const std::string_view more = document.text(part);
    const bool joined = text.empty() || text.ends_with('/') || text.ends_with('\\');
    if (text.size() + more.size() > 65536) return has_to_stay("it is too long for a path");
    if (!joined) text += windows ? '\\' : '/';
    text += more;
  }
  return stands_for(document.str(text.empty() ? "." : text), "its text");
}

unsigned byte_at(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }

/// CPython's Modules/_datetimemodule.c: year in two bytes, month, day; hour, minute, second, microseconds in three.
Found date(Document& document, NodeId object) {
  const auto args = arguments_of(document, object);
  const bool bytes = args.size() == 1 &&
                     (document.kind(args[0]) == Kind::bytes ||
                      (document.kind(args[0]) == Kind::str && document.str_kind(args[0]) == tree::StrKind::python2));
  if (!bytes) return has_to_stay(args.size() > 1 ? "it has a time zone" : "its state is not that of a date");
  const std::string_view state = document.text(args[0]);
  if (state.size() != 4 && state.size() != 10) return has_to_stay("its state is not that of a date");
  std::array<char, 64> text{};
  int size = std::snprintf(text.data(), text.size(), "%04u-%02u-%02u", byte_at(state, 0) * 256 + byte_at(state, 1),
                           byte_at(state, 2) & 0x7FU, byte_at(state, 3));
  std::string iso(text.data(), static_cast<std::size_t>(size));
  if (state.size() == 10) {
    const unsigned micro = (byte_at(state, 7) << 16) + (byte_at(state, 8) << 8) + byte_at(state, 9);
    size = std::snprintf(text.data(), text.size(), "T%02u:%02u:%02u", byte_at(state, 4), byte_at(state, 5),
                         byte_at(state, 6));
    iso.append(text.data(), static_cast<std::size_t>(size));
    if (micro != 0) {
      size = std::snprintf(text.data(), text.size(), ".%06u", micro);
      iso.append(text.data(), static_cast<std::size_t>(size));
    }
  }
  return stands_for(document.str(iso), "its ISO text");
}

/// timedelta(days, seconds, microseconds).
Found span_of_time(Document& document, NodeId object) {
  const auto args = arguments_of(document, object);
  const bool fits = args.size() == 3 && std::ranges::all_of(args, [&](NodeId arg) {
                      return document.kind(arg) == Kind::integer && !document.is_big(arg);
                    });
  if (!fits) return std::nullopt;
  const double seconds = static_cast<double>(document.integer_value(args[0])) * 86400 +
                         static_cast<double>(document.integer_value(args[1])) +
                         static_cast<double>(document.integer_value(args[2])) / 1e6;
  return stands_for(document.floating(seconds), "its seconds");
}

/// deque(elements[, longest]), and what is appended.
Found deque(Document& document, NodeId object) {
  std::vector<NodeId> all;
  const auto args = arguments_of(document, object);
  if (!args.empty()) {
    const Kind kind = document.kind(args[0]);
    if (kind != Kind::list && kind != Kind::tuple) return std::nullopt;
    all.assign(document.elements(args[0]).begin(), document.elements(args[0]).end());
  }
  const ObjectRecord& record = document.object_record(object);
  for (std::uint32_t at = 0; at < record.step_count; ++at) {
    const ObjectRecord::Step& step = record.steps[at];
    if (step.event == ObjectRecord::Event::set_item) return std::nullopt;
    if (step.event == ObjectRecord::Event::state) continue;
    const auto given = document.elements(step.value);
    all.insert(all.end(), given.begin(), given.end());
  }
  return PlainValue{document.list(all), true, "a list of its elements", {}};
}

/// getattr(class, 'NAME') is how Python 3.11 saves a member of an enum, getattr(object, 'name') how it saves a method.
Found attribute(Document& document, NodeId object) {
  const auto args = arguments_of(document, object);
  if (args.size() != 2 || document.kind(args[1]) != Kind::str || only_state(document, object) != kNoNode)
    return std::nullopt;
  return stands_for(args[1], "the name of a member or method");
}

/// partial(function), then the state (function, arguments, keywords, attributes).
Found partial(Document& document, NodeId object) {
  const NodeId state = only_state(document, object);
  if (state == kNoNode || document.kind(state) != Kind::tuple || document.elements(state).size() < 3)
    return std::nullopt;
  const auto parts = document.elements(state);
  const NodeId made = document.dict();
  const std::array<NodeId, 3> values{parts[0], parts[1], parts[2]};
  const std::array<std::string_view, 3> names{"func", "args", "keywords"};
  for (std::size_t at = 0; at < names.size(); ++at) (void)document.dict_set(made, document.str(names[at]), values[at]);
  return PlainValue{made, true, "a dict of its function's name and its arguments", {}};
}

/// (values, {}).
Found return_type(Document& document, NodeId object) {
  const auto args = arguments_of(document, object);
  if (args.empty() || document.kind(args[0]) != Kind::tuple) return std::nullopt;
  return stands_for(args[0], "a tuple of its elements");
}

// -------------------------------------------------------------------------------------------------------------- NumPy

Found numpy_dtype_object(Document& document, NodeId object) {
  const auto type = formats::torch_common::numpy_dtype(document, object);
  if (!type) return has_to_stay("it is no dtype of numbers");
  return stands_for(document.str(to_string(type->dtype)), "the dtype's name");
}

/// The kind and order of a dtype object of NumPy, also of one that is no number: "U5", '<'.
struct DTypeCode {
  std::string_view code;
  bool big = false;
};
std::optional<DTypeCode> dtype_code(const Document& document, NodeId object) {
  if (document.kind(object) != Kind::object || document.class_name(object) != "numpy.dtype") return std::nullopt;
  const auto args = arguments_of(document, object);
  if (args.empty() || document.kind(args[0]) != Kind::str) return std::nullopt;
  DTypeCode found{document.text(args[0])};
  const NodeId state = only_state(document, object);
  if (state != kNoNode && document.kind(state) == Kind::tuple && document.elements(state).size() > 1) {
    const NodeId order = document.elements(state)[1];
    found.big = document.kind(order) == Kind::str && document.text(order) == ">";
  }
  return found;
}

/// UTF-32 without the zeros that fill it up.
std::optional<std::string> text_of_utf32(std::string_view bytes, bool big) {
  if (bytes.size() % 4 != 0) return std::nullopt;
  std::string text;
  std::size_t end = bytes.size();
  while (end != 0 && bytes.substr(end - 4, 4) == std::string_view("\0\0\0\0", 4)) end -= 4;
  for (std::size_t at = 0; at < end; at += 4) {
    std::uint32_t point = 0;
    for (std::size_t byte = 0; byte < 4; ++byte) point |= byte_at(bytes, at + byte) << (8 * (big ? 3 - byte : byte));
    if (point > 0x10FFFF) return std::nullopt;
    append_utf8(text, point);
  }
  return text;
}

/// scalar(dtype('U5'), bytes): numpy.str_.
Found numpy_text(Document& document, NodeId object) {
  const auto args = arguments_of(document, object);
  if (args.size() != 2 || document.kind(args[1]) != Kind::bytes) return std::nullopt;
  const auto code = dtype_code(document, args[0]);
  if (!code || !code->code.starts_with('U')) return has_to_stay("it is a scalar that is no number and no text");
  const auto text = text_of_utf32(document.text(args[1]), code->big);
  if (!text) return has_to_stay("its text is damaged");
  return stands_for(document.str(*text), "its text");
}

/// Elements in row-major order as lists in lists. Errors: `limit`, of memory.
NodeId nested_lists(Document& document, std::span<const NodeId> elements, std::span<const std::int64_t> shape) {
  std::vector<NodeId> level(elements.begin(), elements.end());
  for (std::size_t at = shape.size(); at-- > 1;) {
    const auto width = static_cast<std::size_t>(shape[at]);
    std::vector<NodeId> above;
    for (std::size_t begin = 0; begin + width <= level.size() && width != 0; begin += width)
      above.push_back(document.list(std::span(level).subspan(begin, width)));
    level = std::move(above);
  }
  return document.list(level);
}

/// The shape that an array's state has, where it has as many elements.
std::optional<std::vector<std::int64_t>> shape_of(const Document& document, NodeId node, std::size_t count) {
  if (document.kind(node) != Kind::tuple || document.elements(node).size() > 32) return std::nullopt;
  std::vector<std::int64_t> shape;
  std::uint64_t all = 1;
  for (const NodeId part : document.elements(node)) {
    if (document.kind(part) != Kind::integer || document.is_big(part)) return std::nullopt;
    const std::int64_t size = document.integer_value(part);
    if (size <= 0 || static_cast<std::uint64_t>(size) > count) return std::nullopt;
    shape.push_back(size);
    if ((all *= static_cast<std::uint64_t>(size)) > count) return std::nullopt;
  }
  return all == count ? std::optional(shape) : std::nullopt;
}

/// 5 of "U5"; 0 where that is no number.
std::size_t width_of(std::string_view code) {
  std::size_t width = 0;
  const auto [end, error] = std::from_chars(code.data() + 1, code.data() + code.size(), width);
  return error == std::errc() && end == code.data() + code.size() && width < (1U << 24) ? width : 0;
}

/// An array of objects or texts: _reconstruct, then the state (version, shape, dtype, column-major, elements).
Found numpy_array(Document& document, NodeId object) {
  const NodeId state = only_state(document, object);
  if (state == kNoNode || document.kind(state) != Kind::tuple || document.elements(state).size() != 5)
    return has_to_stay("it is an array in a form that is not known");
  const auto parts = document.elements(state);
  const auto code = dtype_code(document, parts[2]);
  if (!code || document.kind(parts[3]) != Kind::boolean || document.boolean_value(parts[3]))
    return has_to_stay("it is an array of a kind that is not known");
  std::vector<NodeId> elements;
  if (code->code.starts_with('O') && document.kind(parts[4]) == Kind::list) {
    elements.assign(document.elements(parts[4]).begin(), document.elements(parts[4]).end());
  } else if (code->code.starts_with('U') && document.kind(parts[4]) == Kind::bytes) {
    const std::string_view bytes = document.text(parts[4]);
    const std::size_t width = width_of(code->code);
    if (width == 0 || bytes.size() % (4 * width) != 0) return has_to_stay("its texts are damaged");
    for (std::size_t at = 0; at < bytes.size(); at += 4 * width) {
      const auto text = text_of_utf32(bytes.substr(at, 4 * width), code->big);
      if (!text) return has_to_stay("its texts are damaged");
      elements.push_back(document.str(*text));
    }
  } else {
    return has_to_stay("it is an array of something else than numbers, texts and objects");
  }
  if (elements.empty()) return PlainValue{document.list(), true, "a list of its elements", {}};
  const auto shape = shape_of(document, parts[1], elements.size());
  if (!shape) return has_to_stay("its shape does not fit its elements");
  if (shape->empty()) return stands_for(elements[0], "its element");
  return PlainValue{nested_lists(document, elements, *shape), true, "a list of its elements", {}};
}

// -------------------------------------------------------------------------------------------------------------- table

struct Row {
  std::string_view name;  ///< ends with '.': of all that is in there
  Found (*make)(Document&, NodeId);
};
constexpr Row kRows[] = {
    {"omegaconf.dictconfig.DictConfig", omegaconf_container},
    {"omegaconf.listconfig.ListConfig", omegaconf_container},
    {"omegaconf.nodes.", omegaconf_node},
    {"pathlib.", path},
    {"datetime.datetime", date},
    {"datetime.date", date},
    {"datetime.timedelta", span_of_time},
    {"collections.deque", deque},
    {"functools.partial", partial},
    {"builtins.getattr", attribute},
    {"torch.return_types.", return_type},
    {"numpy.dtype", numpy_dtype_object},
    {"numpy.core.multiarray.scalar", numpy_text},
    {"numpy._core.multiarray.scalar", numpy_text},
    {"numpy.core.multiarray._reconstruct", numpy_array},
    {"numpy._core.multiarray._reconstruct", numpy_array},
};

}  // namespace

Found known_value(Document& document, NodeId object) {
  const std::string name = document.class_name(object);
  for (const Row& row : kRows)
    if (row.name.ends_with('.') ? std::string_view(name).starts_with(row.name) : name == row.name)
      return row.make(document, object);
  return std::nullopt;
}

}  // namespace sconce::model::rewrite
