// What a checkpoint holds besides weights, for inspect.
#pragma once

#include <sconce/checkpoint.h>

#include <cstdint>
#include <variant>

#include "base/json_writer.h"
#include "cli/output.h"

namespace sconce::cli {

/// The number that a tensor of one element is: `step`, a best accuracy. Nothing for other values, and where it cannot
/// be read.
using SingleNumber = std::variant<std::monostate, std::int64_t, double>;
[[nodiscard]] SingleNumber single_number(const Value& value);

/// A section for people; nothing where there is only a model.
void print_training(Output& output, const Style& style, const Checkpoint& checkpoint);
/// The member `training` of inspect's object: null where there is only a model.
void write_training(JsonWriter& json, const Checkpoint& checkpoint, Output& output);

}  // namespace sconce::cli
