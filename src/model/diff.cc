// Comparing two checkpoints.
#include <sconce/diff.h>

#include <cmath>

#include "base/fail.h"
#include "model/diff_aliases.h"
#include "model/diff_side.h"
#include "model/diff_tensors.h"
#include "model/diff_values.h"

namespace sconce {
inline namespace v0 {

DiffReport diff(const Checkpoint& a, const Checkpoint& b, const DiffOptions& options) {
  for (const double tolerance : {options.rtol, options.atol})
    if (std::isnan(tolerance) || tolerance < 0)
      fail(ErrorCode::invalid_argument, "a tolerance must be a number that is not negative");
  const model::Side left(a, options);
  const model::Side right(b, options);
  DiffReport report;
  model::diff_tensors(left, right, options, report);
  model::diff_aliases(left, right, report);
  model::diff_values(left, right, options.strict, report);
  if (!left.complete || !right.complete)
    report.notes.emplace_back("a tree has more paths than the limit; what lies behind it was not compared");
  report.same = report.only_a.empty() && report.only_b.empty() && report.tensors.empty() && report.aliases.empty() &&
                report.values.empty() && left.complete && right.complete;
  return report;
}

}  // namespace v0
}  // namespace sconce
