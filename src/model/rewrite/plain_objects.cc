#include "model/rewrite/plain_objects.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "model/rewrite/known_classes.h"

namespace sconce::model::rewrite {

using tree::Document;
using tree::kNoNode;
using tree::NodeId;
using tree::ObjectRecord;

namespace {

/// Values without anything inside.
bool is_plain_leaf(Kind kind) {
  switch (kind) {
    case Kind::none:
    case Kind::boolean:
    case Kind::integer:
    case Kind::floating:
    case Kind::complex:
    case Kind::str:
    case Kind::bytes: return true;
    default: return false;
  }
}

/// Whether a name is that of a class and not of a function, as Python's users spell them.
bool reads_as_class(std::string_view name) {
  name.remove_prefix(std::min(name.find_first_not_of('_'), name.size()));
  return !name.empty() && name.front() >= 'A' && name.front() <= 'Z';
}

/// What was done to an object after it was made.
struct Deeds {
  std::vector<std::pair<NodeId, NodeId>> fields;
  std::vector<NodeId> items;  // key, value …
  std::vector<NodeId> elements;
  bool has_state = false;  // that is a dict of fields
  bool has_items = false;
  bool has_elements = false;
  NodeId odd_state = kNoNode;  // one that is no dict
};

bool is_field_state(const Document& document, NodeId state) {
  const Kind kind = document.kind(state);
  if (kind == Kind::dict || kind == Kind::none) return true;
  if (kind != Kind::tuple || document.elements(state).size() != 2) return false;
  return std::ranges::all_of(document.elements(state), [&](NodeId part) {
    return document.kind(part) == Kind::dict || document.kind(part) == Kind::none;
  });
}

Deeds deeds_of(const Document& document, NodeId id) {
  Deeds deeds;
  const ObjectRecord& record = document.object_record(id);
  for (std::uint32_t at = 0; at < record.step_count; ++at) {
    const ObjectRecord::Step& step = record.steps[at];
    if (step.event == ObjectRecord::Event::state) {
      if (!is_field_state(document, step.value))
        deeds.odd_state = step.value;
      else if (document.kind(step.value) != Kind::none)
        deeds.has_state = true;
      continue;
    }
    const auto given = document.elements(step.value);
    const bool as_items = step.event == ObjectRecord::Event::set_item;
    (as_items ? deeds.has_items : deeds.has_elements) = true;
    std::vector<NodeId>& all = as_items ? deeds.items : deeds.elements;
    all.insert(all.end(), given.begin(), given.end());
  }
  if (deeds.has_state) deeds.fields = document.attributes(id);
  return deeds;
}

PlainValue stays(std::string why) {
  PlainValue value;
  value.how = std::move(why);
  return value;
}

PlainValue is_instead(NodeId node, std::string how) {
  PlainValue value;
  value.value = node;
  value.how = std::move(how);
  return value;
}

PlainValue becomes(NodeId node, std::string how) {
  PlainValue value = is_instead(node, std::move(how));
  value.fresh = true;
  return value;
}

NodeId dict_of_fields(Document& document, const Deeds& deeds) {
  const NodeId made = document.dict();
  for (const auto& [key, field] : deeds.fields) (void)document.dict_set(made, key, field);
  return made;
}

NodeId dict_of_items(Document& document, const Deeds& deeds) {
  const NodeId made = document.dict();
  for (std::size_t at = 0; at + 1 < deeds.items.size(); at += 2)
    (void)document.dict_set(made, deeds.items[at], deeds.items[at + 1]);
  return made;
}

/// Attributes beside the items of a dict or the elements of a list; those that repeat an item, as EasyDict has them,
/// and private marks of the class are none.
void tell_fields(const Document& document, NodeId dict, const Deeds& deeds, PlainValue& value) {
  for (const auto& [key, field] : deeds.fields) {
    if (dict != kNoNode && document.dict_get(dict, key) != kNoNode) continue;
    const bool named = document.kind(key) == Kind::str && document.text(key).size() <= 100;
    if (named && document.text(key).starts_with("__")) continue;
    value.dropped.push_back(named ? "attribute " + std::string(document.text(key)) : "an attribute");
    if (value.dropped.size() == 20) return;
  }
}

/// An object that was made of nothing and then filled.
PlainValue filled(Document& document, const Deeds& deeds) {
  if (deeds.has_items && deeds.has_elements) return stays("it has both items and elements");
  if (deeds.odd_state != kNoNode) {
    if (deeds.has_state || deeds.has_items || deeds.has_elements) return stays("its state is no dict of fields");
    return is_instead(deeds.odd_state, "the state that it saved");
  }
  if (deeds.has_items) {
    const NodeId made = dict_of_items(document, deeds);
    PlainValue value = becomes(made, "a dict of its items");
    tell_fields(document, made, deeds, value);
    return value;
  }
  if (deeds.has_elements) {
    PlainValue value = becomes(document.list(deeds.elements), "a list of its elements");
    tell_fields(document, kNoNode, deeds, value);
    return value;
  }
  return becomes(dict_of_fields(document, deeds), "a dict of its fields");
}

/// A subclass of a builtin type, or an instance that was made by its arguments.
PlainValue made_by_arguments(Document& document, const ObjectRecord& record, const Deeds& deeds) {
  const auto args = document.elements(record.args);
  if (deeds.has_items || deeds.has_elements || deeds.odd_state != kNoNode)
    return stays("it was made of arguments and then filled");
  const bool by_new = record.how == ObjectRecord::How::newobj;
  const bool single = args.size() == 1;
  const Kind kind = document.kind(args[0]);
  PlainValue value = stays("it was made by a call with " + std::to_string(args.size()) +
                           (single ? " argument" : " arguments") + ", whose meaning only its class knows");
  if (single && is_plain_leaf(kind) && (by_new || reads_as_class(document.global_record(record.callable).name)))
    value = is_instead(args[0], "the value that it was made of");
  else if (by_new)
    value = is_instead(record.args, "a tuple of its elements");
  else if (single && (kind == Kind::list || kind == Kind::dict) &&
           reads_as_class(document.global_record(record.callable).name))
    value = is_instead(args[0], kind == Kind::list ? "the list that it was made of" : "the dict that it was made of");
  if (value.value != kNoNode) tell_fields(document, kNoNode, deeds, value);
  return value;
}

}  // namespace

PlainValue plain_value(Document& document, NodeId id) {
  const ObjectRecord& record = document.object_record(id);
  if (record.how == ObjectRecord::How::persistent) return stays("only the program that saved it can find it");
  if (record.callable == kNoNode || document.kind(record.callable) != Kind::global)
    return stays("it is a call of something that a call made");
  if (record.kwargs != kNoNode) return stays("it was made of arguments with names");
  const Deeds deeds = deeds_of(document, id);
  if (std::optional<PlainValue> known = known_value(document, id)) return std::move(*known);
  if (record.args == kNoNode || document.elements(record.args).empty()) return filled(document, deeds);
  return made_by_arguments(document, record, deeds);
}

}  // namespace sconce::model::rewrite
