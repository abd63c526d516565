// Names of tensors in a file.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/options.h>

#include "tree/document.h"

namespace sconce::formats::safetensors {

/// A path that leads to a node.
struct PathTo {
  tree::NodeId node;
  std::string path;
};

/// Every path to every tensor, storage and object, in the order of the tree. With several roots, the first step is the
/// number of the root.
[[nodiscard]] std::vector<PathTo> paths_to(const tree::Document& document, std::span<const tree::NodeId> roots,
                                           const Limits& limits);

/// Makes names that a file can have: UTF-8, each once, none of them `__metadata__`.
class UniqueNames {
 public:
  UniqueNames();
  [[nodiscard]] std::string make(std::string_view path);

 private:
  std::map<std::string, std::uint64_t, std::less<>> taken_;  // name: the number that was given last to one like it
};

}  // namespace sconce::formats::safetensors
