// Classes that are pickled in a way of their own.
#pragma once

#include <optional>

#include "model/rewrite/plain_objects.h"

namespace sconce::model::rewrite {

/// Nothing for a class that is not known here. Known are: OmegaConf's containers and nodes (omegaconf/base.py,
/// nodes.py), pathlib's paths, datetime's dates and spans, collections.deque, functools.partial, torch.return_types,
/// members and methods that getattr names, NumPy's dtypes, text scalars and arrays of objects. New nodes are made in
/// the document.
[[nodiscard]] std::optional<PlainValue> known_value(tree::Document& document, tree::NodeId object);

}  // namespace sconce::model::rewrite
