// How the tree uses its storages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/state.h"

namespace sconce::model {

/// By number of the storage. Nodes that nobody reaches, as readers leave them and erased values are, do not count.
struct StorageUse {
  std::vector<bool> reached;  ///< a tensor shows it, or it is a value itself
  std::vector<bool> bare;     ///< it is a value itself
};
[[nodiscard]] StorageUse storage_use(const Checkpoint::State& state);

/// The name of the first tensor that shows each storage. Walks the tree.
class StorageNames {
 public:
  explicit StorageNames(const Checkpoint::State& state);

  /// Numbers of storages as the tree meets them.
  [[nodiscard]] const std::vector<std::uint32_t>& order() const noexcept { return order_; }
  /// Empty where no walk meets it.
  [[nodiscard]] const std::string& operator[](std::uint32_t number) const noexcept { return names_[number]; }

 private:
  void meet(std::uint32_t number, std::string_view name);

  std::vector<std::string> names_;
  std::vector<bool> met_;
  std::vector<std::uint32_t> order_;
};

}  // namespace sconce::model
