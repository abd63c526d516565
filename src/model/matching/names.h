// Names of entries: their parts, tables of them, and shapes as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/hash.h"

namespace sconce::model::matching {

/// For tables whose keys a file chooses.
struct NameHash {
  [[nodiscard]] std::size_t operator()(std::string_view name) const noexcept {
    return static_cast<std::size_t>(hash_bytes(name, process_seed()));
  }
};

/// Number of an entry by its name. Keys are views: the names must stay where they are.
using NameTable = std::unordered_map<std::string_view, std::size_t, NameHash>;

/// "layer1.0" of "layer1.0.weight"; "" of a name without dots.
[[nodiscard]] inline std::string_view module_of(std::string_view name) noexcept {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
}

/// "weight" of "layer1.0.weight".
[[nodiscard]] inline std::string_view leaf_of(std::string_view name) noexcept {
  return name.substr(name.rfind('.') + 1);
}

/// Module and leaf with a dot between them, where there is a module.
[[nodiscard]] inline std::string joined(std::string_view module, std::string_view leaf) {
  std::string name(module);
  if (!name.empty()) name += '.';
  return name += leaf;
}

/// "[10, 512]".
[[nodiscard]] std::string shape_text(std::span<const std::int64_t> shape);
/// "torch.Size([10, 512])".
[[nodiscard]] std::string torch_size(std::span<const std::int64_t> shape);

/// Whether a source of that shape can go where the target's is: equal, or one element for a number. PyTorch up to 0.3
/// saved numbers with one dimension.
[[nodiscard]] bool shape_fits(std::span<const std::int64_t> source, std::span<const std::int64_t> target) noexcept;

}  // namespace sconce::model::matching
