// Make a checkpoint openable: for an older PyTorch, or for weights_only.
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
  bool plain = false;          ///< objects of classes become dicts of their fields (make_plain())
};

struct RewriteReport {
  std::vector<std::string> changed;   ///< what was rewritten, and why: a sentence each
  std::vector<std::string> remaining; ///< what still stands in the way; empty where the target opens it
};

/// Change what stands in the way of the target, in place, and set in `save` what the writer must do (format, forms of
/// rebuild calls). Errors: `unsupported` with a list where that is not possible without losing something. Exclusive.
RewriteReport rewrite_for(Checkpoint& checkpoint, const RewriteOptions& options, SaveOptions& save);

/// Objects of classes that only carry data (argparse.Namespace, OmegaConf, dataclasses …) become dicts of their fields;
/// NumPy scalars become numbers. In place; names what it changed, and what it had to leave. Exclusive.
RewriteReport make_plain(Checkpoint& checkpoint);

}  // namespace SCONCE_API
}  // namespace sconce
