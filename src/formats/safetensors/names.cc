#include "formats/safetensors/names.h"

#include "base/fail.h"
#include "base/text.h"
#include "formats/safetensors/header.h"
#include "tree/references.h"
#include "tree/walk.h"

namespace sconce::formats::safetensors {

namespace {

/// Bytes that are no UTF-8 as \xNN.
std::string as_utf8(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_utf8(text, at);
    if (c.size != 0) {
      out += text.substr(at, c.size);
      at += c.size;
      continue;
    }
    const auto byte = static_cast<unsigned char>(text[at++]);
    out += "\\x";
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

/// A walk that left something out must not have left out a tensor: it would be lost without a word.
void check_all_named(const tree::Document& document, std::span<const tree::NodeId> roots,
                     std::span<const PathTo> paths) {
  std::vector<bool> named(document.node_count(), false);
  for (const PathTo& path : paths) named[path.node] = true;
  for (const tree::NodeId node : tree::reachable(document, roots)) {
    const Kind kind = document.kind(node);
    if ((kind != Kind::tensor && kind != Kind::storage) || named[node]) continue;
    fail(ErrorCode::limit, "values are shared or nested so much that not every tensor's name can be listed", {},
         "convert to pytorch-zip, which needs no names");
  }
}

}  // namespace

std::vector<PathTo> paths_to(const tree::Document& document, std::span<const tree::NodeId> roots,
                             const Limits& limits) {
  std::vector<PathTo> paths;
  bool complete = true;
  const tree::WalkLimits walk_limits = tree::walk_limits(document, limits.paths);
  for (std::size_t root = 0; root < roots.size(); ++root) {
    tree::Walker walker(document, roots[root], walk_limits);
    while (walker.next()) {
      const Kind kind = document.kind(walker.node());
      if (kind != Kind::tensor && kind != Kind::storage && kind != Kind::object) continue;
      std::string path(walker.name());
      if (roots.size() > 1) path = std::to_string(root) + (path.empty() ? "" : ".") + path;
      paths.push_back({walker.node(), std::move(path)});
    }
    complete = complete && walker.complete();
  }
  if (!complete) check_all_named(document, roots, paths);
  return paths;
}

UniqueNames::UniqueNames() { taken_.emplace(kMetadataKey, 1); }

std::string UniqueNames::make(std::string_view path) {
  std::string base = as_utf8(path);
  const auto [found, added] = taken_.emplace(base, 1);
  if (added) return base;
  for (;;) {
    std::string name = base + "#" + std::to_string(++found->second);
    if (taken_.emplace(name, 1).second) return name;
  }
}

}  // namespace sconce::formats::safetensors
