// What loading a state_dict into a module would do, worked out before anything is touched: PyTorch's load_state_dict
// with its rules, and what people do by hand around it (prefixes, renames, heads of another shape).
//
// Nothing here knows a framework: the module is described by what it wants (`TargetEntry`), and what comes out is which
// tensor goes where. `sconce/libtorch/module.h` carries it out for libtorch. docs/load_state_dict.md has the rules, and
// where each comes from: torch/nn/modules/module.py of PyTorch 1.13 and 2.13.
//
// Thread rule: all functions here may run on many threads at once; the structs are plain values.
#pragma once

#include <cstddef>
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
  bool value = false;               ///< no tensor at all (`_extra_state`); dtype and shape say nothing then
};

/// A module of the target, for the version upgrades of PyTorch.
struct TargetModule {
  std::string path;                     ///< "layer1.0.bn1"; "" for the root
  std::string type;                     ///< "BatchNorm2d", as PyTorch names it; empty where not known
  std::optional<std::int64_t> version;  ///< `_version` of the class in the target
};

/// What a state_dict is loaded into.
struct Target {
  std::vector<TargetEntry> entries;   ///< in the order of the target's state_dict
  std::vector<TargetModule> modules;  ///< in the order of named_modules(); may be empty, then names have to say it
};

/// The target that another checkpoint's state_dict describes. Errors: as Checkpoint::state_dict().
[[nodiscard]] Target target_of(const Checkpoint& like, std::string_view which = {});

/// A rule for source names: what `from` matches becomes `to`, at every place of the name.
struct RenameRule {
  std::string from;    ///< a pattern: literal text, `*` for one or more characters, `^` and `$` for the ends
  std::string to;      ///< `\1` … `\9`: what the stars matched
};
/// From the text of a rules file (docs/load_state_dict.md): "FROM -> TO", a rule a line, `#` comments. Errors:
/// `invalid_argument` with the line.
[[nodiscard]] std::vector<RenameRule> rename_rules(std::string_view text);

/// How names are to be changed and what is allowed. In this order: strip, rename, auto_prefix, upgrade.
struct MatchOptions {
  bool strict = true;  ///< missing and unexpected names make it not fit
  /// Prefixes to take off, each once from each name that has it, in any order of nesting, as
  /// `PrefixProposal::strip` says them. "module.": from the beginning. "*.module.": this component wherever it stands.
  /// "encoder.module.=encoder.": one beginning in place of another. "=model.": put before every name.
  std::vector<std::string> strip;
  std::vector<RenameRule> rename;  ///< in their order; every rule that matches is applied
  bool auto_prefix = false;        ///< apply what is proposed, where it is not ambiguous, without asking
  bool skip_mismatched = false;    ///< entries of another shape stay as they are in the target, and are reported
  bool cast = true;                ///< another dtype is cast, as PyTorch's copy_ does; else it does not fit
  bool assign = false;             ///< load_state_dict(assign=True): the source's dtype stays, and none is wrong
  bool upgrade = true;             ///< what PyTorch does by `_metadata` versions, and weight_norm to and from parametrizations
};

/// Something that is to be said about a name.
struct MatchFinding {
  enum class Kind : std::uint8_t {
    missing,        ///< the target wants it, the source has nothing; skipped where a tied name brings the same tensor
    unexpected,     ///< the source has it, the target does not want it
    shape,          ///< another shape; `skipped` where that was asked for
    dtype,          ///< another dtype, and cast is off; or one that cannot be cast (quantised)
    collision,      ///< two source names become one
    contradiction,  ///< one shared tensor of the target would get two different values
    unreadable,     ///< no tensor with elements of its own: sparse, meta, an object
    obsolete,       ///< saved by an old class, and PyTorch refuses it: running stats of an InstanceNorm that tracks none
  };
  Kind kind = Kind::missing;
  std::string name;                       ///< the target's name; for `unexpected` the source's, renamed
  std::string source;                     ///< the source's name as saved; empty where there is none
  std::string message;                    ///< a sentence, for people: PyTorch's where it has one
  std::string expected, found;            ///< "float32 [10, 512]"; empty where there is none
  std::vector<std::string> suggestions;   ///< "did you mean": the nearest names of the other side, best first
  bool skipped = false;                   ///< it is not held against the whole
};
[[nodiscard]] std::string_view to_string(MatchFinding::Kind kind) noexcept;

/// A tensor and where it goes.
struct MatchedEntry {
  std::size_t target = 0;          ///< index into Target::entries
  std::string source;              ///< name in the source's state_dict, as saved; empty where PyTorch fills it in
  Tensor tensor;                   ///< of the target's shape (but for `resizes`); its dtype may differ (`cast`, `assign`)
  std::vector<std::string> steps;  ///< what was done, in order: "strip module.", "rename ^fc -> head", "upgrade …"
  /// Nothing of the source goes here: PyTorch 2 leaves what the module has, and before that `tensor` was written
  /// (num_batches_tracked of a BatchNorm saved before there was one: 0).
  bool keeps = false;
  bool resizes = false;            ///< of another shape, which PyTorch's module takes on (observers, fake-quantize)
};

/// A change of prefixes that would make more names fit.
struct PrefixProposal {
  std::vector<std::string> strip;  ///< for MatchOptions::strip: {"model.module."}
  std::size_t fits = 0;            ///< target entries that have a source of their shape with it
  std::size_t fits_without = 0;
  /// It only takes off or puts on prefixes, and nothing else would do as well: what auto_prefix applies.
  bool certain = false;
};

struct MatchReport {
  std::vector<MatchedEntry> matched;    ///< in the order of the target
  std::vector<MatchFinding> findings;   ///< by kind as PyTorch lists them: missing, unexpected, then what is wrong
  std::vector<PrefixProposal> proposed; ///< the best first; empty where no other prefix makes more names fit
  std::vector<std::string> applied;     ///< prefixes, rules and upgrades that were applied, for people
  std::vector<std::string> notes;       ///< what else is to be said, for people
  std::string source_path;              ///< where in the source the state_dict lies
  std::size_t targets = 0, sources = 0; ///< how many names each side has
  /// Whether loading may go on: no finding but skipped ones and, unless strict, missing and unexpected names.
  bool fits = false;
};

/// Find for every entry of the target the tensor that goes there. Reads no tensor data, except where one shared tensor
/// of the target has several sources that may differ. `which` names one of several state_dicts; without it, the only one
/// that has all entries of the target is taken, where no other has any. Errors: as Checkpoint::state_dict(),
/// `invalid_argument` for rules that cannot be.
[[nodiscard]] MatchReport match_state_dict(const Checkpoint& source, const Target& target, const MatchOptions& options = {},
                                           std::string_view which = {});

/// The text of the RuntimeError that PyTorch's load_state_dict would raise, all names in it; empty where it would not.
[[nodiscard]] std::string torch_message(const MatchReport& report, const Target& target, bool strict = true);
/// The report in PyTorch's words, with suggestions: several lines, long lists cut, for people.
[[nodiscard]] std::string to_text(const MatchReport& report, const Target& target);
/// One JSON object (docs/json.md).
[[nodiscard]] std::string to_json(const MatchReport& report, const Target& target);

}  // namespace SCONCE_API
}  // namespace sconce
