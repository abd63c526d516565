// The options of a save, as the executor of plans takes them.
#pragma once

#include <sconce/save.h>

#include "io/run_plan.h"

namespace sconce::model {

[[nodiscard]] inline io::RunOptions run_options(const SaveOptions& options) {
  return {.overwrite = options.overwrite,
          .durable = options.durable,
          .ignore_checksums = options.ignore_checksums,
          .progress = options.progress,
          .cancel = options.cancel,
          .threads = options.threads,
          .tuning = {}};
}

}  // namespace sconce::model
