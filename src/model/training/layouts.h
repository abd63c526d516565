// The layouts of trainers that are known, by the keys that only they write.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sconce/training.h>

#include "model/training/fields.h"

namespace sconce::model::training {

struct LayoutRow;

struct Layout {
  std::string name;      ///< "Lightning 2.1.0"; empty where none is known
  std::string evidence;  ///< 'keys "pytorch-lightning_version", "state_dict"'
  const LayoutRow* row = nullptr;

  /// What the layout keeps under a key of the root.
  [[nodiscard]] std::optional<PartKind> kind_of(std::string_view key) const;
};

/// The layout of a file with this root. `file_name` is asked only for files of folders whose contents fit and could be
/// anybody's: optimizer.pt, scheduler.pt …
[[nodiscard]] Layout find_layout(const Document& document, NodeId root, std::string_view file_name);

}  // namespace sconce::model::training
