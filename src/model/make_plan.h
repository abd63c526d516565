// What a save will write, with everything refused that must not be written.
#pragma once

#include <string_view>

#include <sconce/checkpoint.h>
#include <sconce/save.h>

#include "io/write_plan.h"

namespace sconce::model {

/// The plan, and the report as far as it is known before a byte is written. The plan holds the tree as bytes, and of
/// the document nothing but storages. Errors: those of save() that come before writing.
[[nodiscard]] io::WritePlan make_plan(const Checkpoint& checkpoint, std::string_view format, const SaveOptions& options,
                                      SaveReport& report);

/// The format's name: of the options, else what the path chooses.
[[nodiscard]] inline std::string_view format_of(const SaveOptions& options, std::string_view path) noexcept {
  return options.format.empty() ? format_for_path(path) : std::string_view(options.format);
}

}  // namespace sconce::model
