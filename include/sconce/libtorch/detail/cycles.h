// Values that contain themselves: Python can keep them, but nothing that is trained on has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sconce/libtorch/detail/findings.h>
#include <sconce/value.h>

namespace sconce::inline v0::libtorch::detail {

/// Where a value first contains itself, as a path. Goes as deep as the value does without recursion, and visits each
/// container once.
inline std::optional<std::string> find_cycle(const Value& root) {
  struct Level {
    std::uint32_t node;
    std::vector<std::pair<std::string, Value>> children;
    std::size_t next = 0;
  };
  const auto is_container = [](const Value& value) {
    const Kind kind = value.kind();
    return kind == Kind::dict || kind == Kind::list || kind == Kind::tuple;
  };
  std::vector<Level> levels;
  std::unordered_map<std::uint32_t, bool> seen;  // true: one of `levels`
  const auto enter = [&](const Value& value) {
    Level level{value.node(), {}};
    if (value.is_dict()) {
      for (const auto& [key, child] : value.items())
        if (is_container(child))
          level.children.emplace_back(key.kind() == Kind::str ? std::string(key.as_str()) : shown(key), child);
    } else {
      std::size_t at = 0;
      for (const Value& child : value.elements()) {
        if (is_container(child)) level.children.emplace_back(std::to_string(at), child);
        ++at;
      }
    }
    seen[level.node] = true;
    levels.push_back(std::move(level));
  };
  if (is_container(root)) enter(root);
  while (!levels.empty()) {
    Level& level = levels.back();
    if (level.next == level.children.size()) {
      seen[level.node] = false;
      levels.pop_back();
      continue;
    }
    const Value child_value = level.children[level.next++].second;
    const auto known = seen.find(child_value.node());
    if (known == seen.end()) {
      enter(child_value);
    } else if (known->second) {
      constexpr std::size_t kNamed = 8;  // deeper, a path tells nobody anything
      std::string path;
      for (std::size_t at = 0; at < levels.size() && at < kNamed; ++at)
        path = child(path, levels[at].children[levels[at].next - 1].first);
      return path;
    }
  }
  return std::nullopt;
}

}  // namespace sconce::inline v0::libtorch::detail
