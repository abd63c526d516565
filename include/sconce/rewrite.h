// Make a checkpoint openable: for an older PyTorch, or for weights_only.
//
// What each release of PyTorch lacks, and what is written instead, is in docs/rewriting.md. Thread rule: a checkpoint
// that is rewritten is used by nobody else meanwhile.
#pragma once

#include <string>
#include <vector>

#include <sconce/check.h>
#include <sconce/checkpoint.h>
#include <sconce/export.h>
#include <sconce/save.h>

namespace sconce {
inline namespace v0 SCONCE_API {

struct RewriteOptions {
  TorchVersion version;        ///< of the PyTorch that is to open it
  bool weights_only = false;   ///< in that mode
  bool cast = false;           ///< dtypes that the target lacks become the nearest that holds their numbers
  bool plain = false;          ///< objects of classes become dicts of their fields, as make_plain() does
};

/// What was done, for people: sentences that name the places, the first of them where there are many.
struct RewriteReport {
  std::vector<std::string> changed;    ///< written in another form, with what it meant
  std::vector<std::string> dropped;    ///< what the target has no place for, and is gone
  std::vector<std::string> remaining;  ///< what still stands in the way; empty where the target opens it
};

/// Change what stands in the way of the target, in place, and set in `save` what the writer must do: the container and
/// the forms of rebuild calls. Reads no tensor, except where a cast must not lose numbers (uint64).
///
/// Errors: `unsupported`, with a list of what the target cannot hold, or only at a price that was not allowed (a cast,
/// plain dicts for objects); `hostile`, as save(); `invalid_argument` for a version before 0.4. After an Error the
/// checkpoint may be half rewritten: load it again.
RewriteReport rewrite_for(Checkpoint& checkpoint, const RewriteOptions& options, SaveOptions& save);

/// Make everything in the tree something that torch.load(weights_only=True) of PyTorch 2.6 and later opens. Objects of
/// classes that only carry data become dicts of their fields (argparse.Namespace, dataclasses), dicts or lists of their
/// items (Lightning's AttributeDict, OmegaConf), or the value that they stand for (members of an enum, paths); a whole
/// torch.nn.Module becomes its state_dict; NumPy's arrays and scalars become tensors and numbers. In place; shared
/// values stay shared, cycles stay cycles. `remaining` has what had to stay. Errors: `hostile`, as save().
RewriteReport make_plain(Checkpoint& checkpoint);

}  // namespace SCONCE_API
}  // namespace sconce
