// Settings between Python's spelling and JSON.
#pragma once

#include <string>
#include <string_view>

#include "base/json_reader.h"
#include "base/json_writer.h"

namespace sconce::model::structure {

/// Writes a value that is given as Python's repr() has it: True as true, None as null, numbers as numbers, (3, 3) and
/// torch.Size([3, 3]) as arrays, 'zeros' as a string, and anything else as a string of its text.
void write_python_value(JsonWriter& json, std::string_view repr);

/// The reverse for the value whose first token was just read: arrays become tuples. Errors: `damaged`, where it is an
/// object, or arrays are nested deeper than settings are.
[[nodiscard]] std::string read_python_value(JsonReader& json, JsonReader::Token token);

}  // namespace sconce::model::structure
