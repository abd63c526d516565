// The entries of a state_dict as load_state_dict meets them: one for each key, whatever is under it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <sconce/checkpoint.h>
#include <sconce/tensor.h>

#include "model/matching/names.h"
#include "model/state.h"

namespace sconce::model::matching {

struct Entry {
  std::string name;         ///< as saved
  std::string now;          ///< as it is called after what was done to it
  Tensor tensor;            ///< undefined where the entry is a value
  std::string python_type;  ///< of a value: "int", "collections.OrderedDict"
  std::vector<std::string> steps;
  bool left_out = false;  ///< a rule left nothing of its name
};

/// What `_metadata` of a state_dict says of its modules.
struct ModuleFact {
  std::string path;
  std::string type;  ///< from a whole module's class; `_metadata` has none
  std::optional<std::int64_t> version;
};

struct Entries {
  std::vector<Entry> all;           ///< in the order of the state_dict
  std::vector<ModuleFact> modules;  ///< in the order of the file
  std::string path;                 ///< where in the tree the state_dict lies
  bool complete = true;             ///< false where a limit of paths ended it

  /// The version that `_metadata` gives to a module by its path as saved.
  [[nodiscard]] std::optional<std::int64_t> version_of(std::string_view module_as_saved) const;
  void make_index();

 private:
  NameTable modules_by_path_;
};

/// The entries of the model at `which`, or of the only one. Errors: as Checkpoint::state_dict().
[[nodiscard]] Entries read_entries(const Checkpoint& checkpoint, std::string_view which);

}  // namespace sconce::model::matching
