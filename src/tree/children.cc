#include "tree/children.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_set>

#include "tree/repr.h"

namespace sconce::tree {

namespace {

constexpr std::array<std::string_view, 3> kModuleDicts = {"_parameters", "_buffers", "_modules"};

/// Whether a state is a dict of attributes, or the pair of dicts that slots make.
bool is_attribute_state(const Document& document, NodeId state) {
  if (document.kind(state) == Kind::dict) return true;
  if (document.kind(state) != Kind::tuple || document.elements(state).size() != 2) return false;
  const auto parts = document.elements(state);
  const auto fits = [&](NodeId part) { return document.kind(part) == Kind::dict || document.kind(part) == Kind::none; };
  return fits(parts[0]) && fits(parts[1]);
}

/// Gathers the children of one value.
class Collector {
 public:
  Collector(const Document& document, std::vector<Child>& children) : document_(document), children_(children) {}

  void attributes(NodeId id, bool module) {
    for (const auto& [key, value] : document_.attributes(id)) {
      Child child{.how = PathStep::How::attribute, .value = value};
      if (document_.kind(key) == Kind::str) {
        child.text = document_.text(key);
      } else {
        child.how = PathStep::How::other;
        child.key = key;
      }
      child.of_module = module && document_.kind(value) == Kind::dict &&
                        std::ranges::find(kModuleDicts, child.text) != kModuleDicts.end();
      children_.push_back(child);
    }
  }

  void object(NodeId id) {
    const ObjectRecord& object = document_.object_record(id);
    if (object.args != kNoNode) positions(document_.elements(object.args));
    if (object.kwargs != kNoNode) {
      const DictRecord& kwargs = document_.dict_record(object.kwargs);
      pairs({kwargs.pairs, std::size_t{kwargs.count} * 2});
    }
    bool attributes_done = false;
    std::unordered_set<NodeId> states;
    for (std::uint32_t at = 0; at < object.step_count; ++at) {
      const auto& [event, value] = object.steps[at];
      if (event == ObjectRecord::Event::state) {
        // A file can set one large state as often as it likes; what is in it is there once.
        if (states.insert(value).second) state(id, value, attributes_done);
      } else if (event == ObjectRecord::Event::set_item) {
        pairs(document_.elements(value));
      } else {
        positions(document_.elements(value));
      }
    }
  }

  void tensor(NodeId id) {
    const TensorExtra* extra = document_.tensor_record(id).extra;
    if (extra == nullptr) return;
    for (std::uint32_t at = 0; at < extra->part_count; ++at)
      children_.push_back({.how = PathStep::How::attribute,
                           .text = to_string(extra->parts[at].name),
                           .value = extra->parts[at].tensor,
                           .part = true});
    bool attributes_done = false;
    if (extra->state != kNoNode) state(id, extra->state, attributes_done);
  }

 private:
  void positions(std::span<const NodeId> elements) {
    for (std::size_t at = 0; at < elements.size(); ++at)
      children_.push_back({.how = PathStep::How::index, .index = static_cast<std::int64_t>(at), .value = elements[at]});
  }
  void pairs(std::span<const NodeId> entries) {
    for (std::size_t at = 0; at < entries.size() / 2; ++at)
      children_.push_back(keyed_child(document_, entries[2 * at], entries[2 * at + 1], at));
  }
  void state(NodeId id, NodeId value, bool& attributes_done) {
    if (is_attribute_state(document_, value)) {
      if (!attributes_done) attributes(id, is_module(document_, id));
      attributes_done = true;
    } else if (document_.kind(value) == Kind::tuple) {
      positions(document_.elements(value));
    } else if (document_.kind(value) != Kind::none) {
      children_.push_back({.how = PathStep::How::index, .value = value});
    }
  }

  const Document& document_;
  std::vector<Child>& children_;
};

std::optional<std::int64_t> parse_index(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void add_entries_named(const Document& document, NodeId id, std::string_view text, std::vector<NodeId>& found) {
  const auto add = [&](NodeId node) {
    if (node != kNoNode) found.push_back(node);
  };
  add(document.dict_get(id, text));
  if (const auto index = parse_index(text)) add(document.dict_get(id, *index));
  // Keys that are neither strings nor integers are few; their names are made only if nothing else fits.
  if (!found.empty()) return;
  const DictRecord& dict = document.dict_record(id);
  for (std::size_t at = 0; at < dict.count; ++at) {
    const Kind kind = document.kind(dict.pairs[2 * at]);
    if (kind == Kind::str || (kind == Kind::integer && !document.is_big(dict.pairs[2 * at]))) continue;
    if (step_text(document, keyed_child(document, dict.pairs[2 * at], dict.pairs[2 * at + 1], at)) == text)
      found.push_back(dict.pairs[2 * at + 1]);
  }
}

}  // namespace

bool is_module(const Document& document, NodeId id) {
  if (document.kind(id) != Kind::object) return false;
  return std::ranges::all_of(kModuleDicts, [&](std::string_view name) {
    const NodeId found = document.attribute(id, name);
    return found != kNoNode && document.kind(found) == Kind::dict;
  });
}

bool has_children(const Document& document, NodeId id) {
  const Kind kind = document.kind(id);
  if (is_sequence(kind)) return !document.elements(id).empty();
  if (is_keyed(kind)) {
    const DictRecord& dict = document.dict_record(id);
    return dict.count != 0 || (dict.attributes != kNoNode && document.dict_record(dict.attributes).count != 0);
  }
  if (kind == Kind::object) {
    const ObjectRecord& object = document.object_record(id);
    return object.step_count != 0 || object.kwargs != kNoNode ||
           (object.args != kNoNode && !document.elements(object.args).empty());
  }
  if (kind == Kind::tensor) {
    const TensorExtra* extra = document.tensor_record(id).extra;
    return extra != nullptr && (extra->part_count != 0 || extra->state != kNoNode);
  }
  return false;
}

Child keyed_child(const Document& document, NodeId key, NodeId value, std::size_t at) {
  Child child{.key = key, .value = value};
  switch (document.kind(key)) {
    case Kind::str: child.how = PathStep::How::key; break;
    case Kind::integer:
      child.how = document.is_big(key) ? PathStep::How::other : PathStep::How::index;
      child.index = document.is_big(key) ? 0 : document.integer_value(key);
      break;
    case Kind::tensor:
    case Kind::object:
    case Kind::storage:
      child.how = PathStep::How::index;
      child.index = static_cast<std::int64_t>(at);
      child.text = "#";
      break;
    default: child.how = PathStep::How::other; break;
  }
  return child;
}

void collect_children(const Document& document, NodeId id, std::vector<Child>& children) {
  Collector collector(document, children);
  switch (document.kind(id)) {
    case Kind::object: collector.object(id); break;
    case Kind::tensor: collector.tensor(id); break;
    case Kind::dict: collector.attributes(id, false); break;
    default: break;
  }
}

std::string step_text(const Document& document, const Child& child) {
  switch (child.how) {
    case PathStep::How::key: return std::string(document.text(child.key));
    case PathStep::How::attribute: return std::string(child.text);
    case PathStep::How::index: return std::string(child.text) + std::to_string(child.index);
    case PathStep::How::other: return key_text(document, child.key);
  }
  return {};
}

std::vector<NodeId> children_named(const Document& document, NodeId id, std::string_view text) {
  std::vector<NodeId> found;
  const Kind kind = document.kind(id);
  if (kind == Kind::dict) {
    add_entries_named(document, id, text, found);
  } else if (is_sequence(kind)) {
    const auto elements = document.elements(id);
    if (const auto index = parse_index(text);
        index && *index >= 0 && static_cast<std::uint64_t>(*index) < elements.size())
      found.push_back(elements[static_cast<std::size_t>(*index)]);
  } else if (is_keyed(kind)) {
    const DictRecord& set = document.dict_record(id);
    if (const auto index = parse_index(text); index && *index >= 0 && *index < set.count)
      found.push_back(set.pairs[2 * static_cast<std::size_t>(*index)]);
  }
  std::vector<Child> children;
  collect_children(document, id, children);
  for (const Child& child : children) {
    if (child.of_module)
      add_entries_named(document, child.value, text, found);
    else if (step_text(document, child) == text)
      found.push_back(child.value);
  }
  return found;
}

}  // namespace sconce::tree
