// Settings, one by one, whatever class they were kept in.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sconce/value.h>

#include "model/training/fields.h"

namespace sconce::model::training {

/// Appends what is inside of settings under dotted names: dicts by key; argparse.Namespace, dataclasses, AttributeDict
/// and their like by field; OmegaConf's containers and nodes as the values that they stand for. Lists of plain values
/// stay whole. Appends at most `most`.
void flatten(const std::shared_ptr<Document>& document, NodeId node, const std::string& path, std::size_t most,
             std::vector<std::pair<std::string, Value>>& out);

}  // namespace sconce::model::training
