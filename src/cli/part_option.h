// convert --part: one part of a checkpoint instead of all of it.
#pragma once

#include <string>

#include <sconce/checkpoint.h>
#include <sconce/save.h>

#include "base/json_writer.h"
#include "cli/arguments.h"
#include "cli/output.h"

namespace sconce::cli {

/// What --part took out.
struct TakenPart {
  std::string kind;          ///< empty where nothing was asked for
  std::uint64_t before = 0;  ///< bytes of the file it came from
};

/// Before anything is read. Errors: usage, with the kinds that there are.
void check_part(const Arguments& arguments);
/// The part that --part asks for takes the checkpoint's place. Errors: `not_found` with what there is.
[[nodiscard]] TakenPart take_part_of(Checkpoint& checkpoint, const Arguments& arguments);
/// "model: 1.30 MiB of 3.90 MiB"; nothing where no part was taken.
void part_text(std::string& out, const Style& style, const TakenPart& taken, const SaveReport& report);
/// Members `part` and `bytes_before`, where a part was taken.
void part_json(JsonWriter& json, const TakenPart& taken);

}  // namespace sconce::cli
