// The state_dict of a whole torch.nn.Module that was pickled.
#pragma once

#include <string>
#include <vector>

#include "model/state.h"

namespace sconce::model::rewrite {

struct ModuleState {
  tree::NodeId state_dict = tree::kNoNode;  ///< an OrderedDict, not yet in the tree
  std::vector<std::string> left_out;        ///< why it is not all of it
};

/// What Module.state_dict() would return: parameters and persistent buffers of a module and all in it, by dotted names,
/// detached. Nothing is called: hooks and overridden methods of a class do not count. Modules in a cycle are cut; a
/// module in two places is there twice, as in PyTorch. Errors: `limit`, of memory.
[[nodiscard]] ModuleState module_state(tree::Document& document, tree::NodeId module, std::uint64_t most_entries);

}  // namespace sconce::model::rewrite
