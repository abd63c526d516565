// The module tree on the command line: `inspect --tree`, `convert --structure`, `verify`.
#pragma once

#include <sconce/save.h>
#include <sconce/structure.h>
#include <sconce/verify.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.h"
#include "cli/listing.h"
#include "cli/output.h"

namespace sconce::cli {

/// The module trees of a file, one for each model in it. Where one asks for more than it may, a note says so.
struct Structures {
  std::vector<ModuleTree> trees;
  std::vector<std::string> notes;

  /// Whether a tensor that inspect lists is in one of the models.
  [[nodiscard]] bool hold(std::string_view name) const;
};
[[nodiscard]] Structures structures_of(const Checkpoint& checkpoint);

struct StructureRows {
  std::uint64_t depth;  ///< names; 0: all
  std::uint64_t limit;
};
/// A tree for people: modules with counts and bytes of all that is inside of them, and their tensors.
void print_structures(Output& output, const Style& style, const Structures& structures, const NameFilter& filter,
                      const StructureRows& rows);

/// For convert: the description that a file carries, before its tree is changed; empty where there is none, or a new one
/// takes its place. Errors: `damaged` where it contradicts the model.
[[nodiscard]] std::string kept_structure(const Checkpoint& checkpoint, const Arguments& arguments);
/// After that, the description that is to be written: a new one, or the one that was kept, with the dtypes of now. One
/// of a model that --part left behind is left behind, too.
void set_structure(const Checkpoint& checkpoint, const Arguments& arguments, const std::string& kept,
                   SaveOptions& options);

/// For verify: adds what contradicts the description that a file carries. Errors: those of reading.
void add_structure_findings(const Checkpoint& checkpoint, VerifyReport& report);

}  // namespace sconce::cli
