// What loading a state_dict into a module would do, worked out before anything is touched: PyTorch's load_state_dict
// with its rules, and what people do by hand around it (prefixes, renames, heads of another shape).
//
// Nothing here knows a framework: the module is described by what it wants (`TargetEntry`), and what comes out is which
// tensor goes where. `sconce/libtorch/module.h` carries it out for libtorch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sconce/checkpoint.h>
#include <sconce/export.h>
#include <sconce/tensor.h>

namespace sconce {
inline namespace v0 SCONCE_API {

/// One entry that a module's state_dict has: what a tensor must be to be copied there.
struct TargetEntry {
  std::string name;                 ///< "layer1.0.conv1.weight"
  DType dtype = DType::float32;
  std::vector<std::int64_t> shape;
  bool buffer = false;              ///< a buffer, else a parameter
  std::uint64_t shared = 0;         ///< equal, and not 0, for entries that are one tensor (tied weights)
};

/// A module of the target, for the version upgrades of PyTorch.
struct TargetModule {
  std::string path;                     ///< "layer1.0.bn1"; "" for the root
  std::string type;                     ///< "BatchNorm2d", as PyTorch names it; empty where not known
  std::optional<std::int64_t> version;  ///< `_version` of the class in the target
};

/// What a state_dict is loaded into.
struct Target {
  std::vector<TargetEntry> entries;  ///< in the order of the target's state_dict
  std::vector<TargetModule> modules;
};

/// The target that another checkpoint's state_dict describes. Errors: as Checkpoint::state_dict().
[[nodiscard]] Target target_of(const Checkpoint& like, std::string_view which = {});

/// "FROM -> TO" rules, applied to source names in their order; every rule that matches is applied.
struct RenameRule {
  std::string from;    ///< a pattern: literal text, `*` for one or more characters, `^` and `$` for the ends
  std::string to;      ///< `\1` … `\9`: what the stars matched
};
/// From the text of a rules file (docs/load_state_dict.md): a rule a line, `#` comments. Errors: `invalid_argument` with
/// the line.
[[nodiscard]] std::vector<RenameRule> rename_rules(std::string_view text);

struct MatchOptions {
  bool strict = true;              ///< missing and unexpected names make it not fit
  std::vector<RenameRule> rename;
  std::vector<std::string> strip;  ///< prefixes to take off, as `MatchReport::proposed` says them: "module."
  bool auto_prefix = false;        ///< take off and put on what is proposed, without asking
  bool skip_mismatched = false;    ///< entries of another shape stay as they are, and are reported
  bool cast = true;                ///< another dtype is cast, as PyTorch's copy_ does; else it does not fit
  bool upgrade = true;             ///< what PyTorch does by `_metadata` versions, and weight_norm to and from parametrizations
};

/// Something that is to be said about a name.
struct MatchFinding {
  enum class Kind : std::uint8_t {
    missing,      ///< the target wants it, the source has nothing
    unexpected,   ///< the source has it, the target does not want it
    shape,        ///< another shape; `skipped` where that was asked for
    dtype,        ///< another dtype, and cast is off; or one that cannot be cast
    collision,    ///< two source names become one
    contradiction,///< one shared tensor of the target would get two different values
    unreadable,   ///< no tensor with elements of its own: sparse, meta, an object
  };
  Kind kind = Kind::missing;
  std::string name;                       ///< the target's name; for `unexpected` the source's
  std::string message;                    ///< a sentence, for people
  std::string expected, found;            ///< "float32 [10, 512]"; empty where there is none
  std::vector<std::string> suggestions;   ///< "did you mean": the nearest names of the other side
  bool skipped = false;                   ///< it is not held against the whole
};
[[nodiscard]] std::string_view to_string(MatchFinding::Kind kind) noexcept;

/// A tensor and where it goes.
struct MatchedEntry {
  std::size_t target = 0;           ///< index into Target::entries
  std::string source;               ///< name in the source's state_dict; empty where PyTorch fills it in
  Tensor tensor;                    ///< of the target's shape; its dtype may differ (`cast`)
  std::vector<std::string> steps;   ///< what was done to the name, in order: "strip module.", "rename …", "upgrade …"
};

/// A prefix that would make more names fit.
struct PrefixProposal {
  std::string strip;          ///< "module." to be taken off the source's names; may be several, joined: "model.module."
  std::string add;            ///< to be put before them
  std::size_t fits = 0;       ///< names that fit with it
  std::size_t fits_without = 0;
};

struct MatchReport {
  std::vector<MatchedEntry> matched;    ///< in the order of the target
  std::vector<MatchFinding> findings;
  std::vector<PrefixProposal> proposed; ///< the best first; empty where names fit as they are
  std::vector<std::string> applied;     ///< prefixes, rules and upgrades that were applied, for people
  std::string source_path;              ///< where in the source the state_dict lies
  std::size_t targets = 0, sources = 0; ///< how many names each side has
  /// Whether loading may go on: no finding but skipped ones and, unless strict, missing and unexpected names.
  bool fits = false;
};

/// Find for every entry of the target the tensor that goes there. Reads no tensor data, except where one shared tensor
/// of the target has several sources that may differ. Errors: as Checkpoint::state_dict() (`which` names one of several),
/// `invalid_argument` for rules that cannot be. Thread rule: const use of the checkpoint.
[[nodiscard]] MatchReport match_state_dict(const Checkpoint& source, const Target& target, const MatchOptions& options = {},
                                           std::string_view which = {});

/// The report as PyTorch would say it, with suggestions: several lines, for people.
[[nodiscard]] std::string to_text(const MatchReport& report, const Target& target);
/// One JSON object (docs/json.md).
[[nodiscard]] std::string to_json(const MatchReport& report, const Target& target);

}  // namespace SCONCE_API
}  // namespace sconce
