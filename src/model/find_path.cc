#include "model/find_path.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "base/text.h"
#include "tree/children.h"

namespace sconce::model {

namespace {

using tree::NodeId;

constexpr std::size_t kSuggestFrom = 20'000;

[[noreturn]] void not_found(const Checkpoint::State& state, std::string_view name) {
  std::vector<std::string> names;
  for (const NodeId root : state.roots) {
    tree::Walker walker(*state.document, root, state.walk_limits());
    while (names.size() < kSuggestFrom && walker.next()) names.emplace_back(walker.name());
  }
  std::string advice;
  for (const std::string& near : nearest(name, names))
    advice += (advice.empty() ? "did you mean \"" : "\" or \"") + near;
  advice += advice.empty() ? "sconce inspect lists the names" : "\"?";
  ErrorPlace place;
  place.file = state.facts.name;
  place.key = std::string(name);
  fail(ErrorCode::not_found, "there is nothing of that name", std::move(place), std::move(advice));
}

/// All values that a name can mean, the longest first steps first; two are enough to know that it is ambiguous.
std::vector<NodeId> meanings(const tree::Document& document, NodeId root, std::string_view name) {
  struct Place {
    NodeId node;
    std::size_t at;  // of the rest of the name
  };
  std::vector<NodeId> found;
  std::vector<Place> open{{root, 0}};
  std::set<std::pair<NodeId, std::size_t>> seen;
  while (!open.empty() && found.size() < 2) {
    const Place place = open.back();
    open.pop_back();
    if (place.at > name.size()) {
      if (std::ranges::find(found, place.node) == found.end()) found.push_back(place.node);
      continue;
    }
    if (!seen.emplace(place.node, place.at).second) continue;
    const std::string_view rest = name.substr(place.at);
    // Shorter steps are pushed first, so that longer ones are tried first.
    for (std::size_t end = rest.find('.');; end = end == std::string_view::npos ? end : rest.find('.', end + 1)) {
      const std::string_view step = rest.substr(0, end);
      for (const NodeId child : tree::children_named(document, place.node, step))
        open.push_back({child, place.at + step.size() + 1});
      if (end == std::string_view::npos) break;
    }
  }
  return found;
}

/// The object of which a step is the number, where a file holds several.
std::optional<NodeId> numbered_root(const Checkpoint::State& state, std::string_view step) {
  if (state.roots.size() < 2) return std::nullopt;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), number);
  const bool whole = error == std::errc() && end == step.data() + step.size();
  if (!whole || number >= state.roots.size() || std::to_string(number) != step) return std::nullopt;
  return state.roots[number];
}

std::optional<NodeId> follow(const tree::Document& document, NodeId node, std::span<const std::string> steps) {
  for (const std::string& step : steps) {
    const std::vector<NodeId> found = tree::children_named(document, node, step);
    if (found.empty()) return std::nullopt;
    node = found.front();
  }
  return node;
}

}  // namespace

NodeId find_by_name(const Checkpoint::State& state, std::string_view name) {
  if (name.empty() && state.roots.size() == 1) return state.roots.front();
  std::vector<NodeId> found;
  const std::size_t dot = name.find('.');
  if (const auto root = numbered_root(state, name.substr(0, dot))) {
    if (dot == std::string_view::npos) return *root;
    found = meanings(*state.document, *root, name.substr(dot + 1));
  }
  if (found.empty()) found = meanings(*state.document, state.roots.front(), name);
  if (found.size() == 1) return found.front();
  if (found.empty()) not_found(state, name);
  ErrorPlace place;
  place.file = state.facts.name;
  place.key = std::string(name);
  fail(ErrorCode::not_found, "two different values have this name: keys with dots in them read like nested ones",
       std::move(place), "give the steps one by one: --step a --step b.c, in C++ tensor({\"a\", \"b.c\"})");
}

NodeId find_by_steps(const Checkpoint::State& state, std::span<const std::string> steps) {
  std::optional<NodeId> found;
  if (!steps.empty())
    if (const auto root = numbered_root(state, steps.front())) found = follow(*state.document, *root, steps.subspan(1));
  if (!found) found = follow(*state.document, state.roots.front(), steps);
  if (found) return *found;
  ErrorPlace place;
  place.file = state.facts.name;
  for (const std::string& step : steps) place.key += (place.key.empty() ? "" : ".") + step;
  fail(ErrorCode::not_found, "there is nothing behind these steps", std::move(place), "sconce inspect lists the names");
}

}  // namespace sconce::model
