// Values of a tree as JSON.
#pragma once

#include <sconce/value.h>

#include "base/json_writer.h"

namespace sconce::cli {

/// A leaf: numbers, strings, true, false and null as they are; integers beyond 64 bits and non-finite floats as
/// strings; whatever else as Python writes it, an object by the name of its class.
void write_leaf(JsonWriter& json, const Value& value);
/// The steps of a path: numbers for positions and integer keys, text for the rest.
void write_path(JsonWriter& json, const Path& path);
/// A value with all that is inside of it: dicts become objects (keys as inspect names them), sequences and sets arrays,
/// tensors {"tensor": {dtype, shape}}; what contains itself ends with null. Errors: `limit` beyond a sane size.
void write_tree(JsonWriter& json, const Value& value);

}  // namespace sconce::cli
