#include "model/model_shape.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "tree/children.h"

namespace sconce::model {

namespace {

using tree::Document;
using tree::NodeId;

constexpr std::size_t kNestingDepth = 4;

/// Whether a dict holds nothing but state_dicts and dicts of them: parts of one model, saved apart. `steps` bounds the
/// work: dicts that many entries share would be looked at once for each of them.
bool is_nested_state_dict(const Document& document, NodeId id, std::size_t depth, std::uint64_t& steps) {
  if (document.kind(id) != Kind::dict || depth == 0) return false;
  const tree::DictRecord& dict = document.dict_record(id);
  for (std::size_t at = 0; at < dict.count; ++at) {
    const NodeId value = dict.pairs[2 * at + 1];
    if (steps == 0 || document.kind(dict.pairs[2 * at]) != Kind::str) return false;
    --steps;
    if (document.kind(value) != Kind::tensor && !is_nested_state_dict(document, value, depth - 1, steps)) return false;
  }
  return dict.count != 0;
}

/// Names under which people save whole models beside one another; a dict of these is no model of its own.
bool is_wrapper_name(std::string_view name) {
  constexpr std::string_view kNames[] = {"state_dict", "model",     "model_state_dict", "model_state",   "module",
                                         "net",        "network",   "weights",          "params",        "ema",
                                         "model_ema",  "ema_model", "state_dict_ema",   "params_ema",    "optimizer",
                                         "teacher",    "student",   "generator",        "discriminator", "target"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

bool holds_wrappers(const Document& document, NodeId dict) {
  const tree::DictRecord& record = document.dict_record(dict);
  for (std::size_t at = 0; at < record.count; ++at)
    if (document.kind(record.pairs[2 * at + 1]) == Kind::dict && is_wrapper_name(document.text(record.pairs[2 * at])))
      return true;
  return false;
}

}  // namespace

bool is_state_dict(const Document& document, NodeId id) {
  if (document.kind(id) != Kind::dict) return false;
  const tree::DictRecord& dict = document.dict_record(id);
  std::size_t tensors = 0;
  std::size_t others = 0;
  for (std::size_t at = 0; at < dict.count; ++at) {
    if (document.kind(dict.pairs[2 * at]) != Kind::str) return false;
    const std::string_view key = document.text(dict.pairs[2 * at]);
    const Kind kind = document.kind(dict.pairs[2 * at + 1]);
    if (kind == Kind::tensor) ++tensors;
    // Quantised modules keep tuples, dtypes and numbers under dotted names; any module may have an _extra_state.
    else if (kind == Kind::none || key.ends_with("_extra_state") ||
             (key.find('.') != std::string_view::npos && kind != Kind::dict))
      ++others;
    else
      return false;
  }
  return tensors != 0 && tensors >= others;
}

bool is_model(const Document& document, NodeId id) {
  if (is_state_dict(document, id) || tree::is_module(document, id)) return true;
  std::uint64_t steps = 1000 + std::uint64_t{2} * document.node_count();
  return is_nested_state_dict(document, id, kNestingDepth, steps) && !holds_wrappers(document, id);
}

bool is_flat_model(const Document& document, NodeId id) {
  if (document.kind(id) != Kind::dict) return false;
  const tree::DictRecord& dict = document.dict_record(id);
  bool tensors = false;
  for (std::size_t at = 0; at < dict.count; ++at) {
    const NodeId value = dict.pairs[2 * at + 1];
    if (document.kind(dict.pairs[2 * at]) != Kind::str) return false;
    if (document.kind(value) == Kind::tensor)
      tensors = true;
    else if (tree::has_children(document, value))
      return false;
  }
  return tensors;
}

bool is_optimizer_state(const Document& document, NodeId id) {
  constexpr std::uint32_t kMostEntries = 4;  // of a dict that holds whole models beside it there are more
  return document.kind(id) == Kind::dict && document.dict_record(id).count <= kMostEntries &&
         document.dict_get(id, "param_groups") != tree::kNoNode && document.dict_get(id, "state") != tree::kNoNode;
}

}  // namespace sconce::model
