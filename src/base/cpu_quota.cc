#include "base/cpu_quota.h"

#include <algorithm>
#include <cmath>
#include <fstream>

#include "base/control_groups.h"

namespace sconce {
namespace {

/// The smaller of two, where there are two.
void lower(std::optional<double>& least, std::optional<double> found) {
  if (found && (!least || *found < *least)) least = found;
}

/// Version 2: "200000 100000", or "max 100000".
std::optional<double> unified(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  double quota = 0;
  double period = 0;
  return file >> quota >> period && quota > 0 && period > 0 ? std::optional(quota / period) : std::nullopt;
}

/// Version 1: two files; a quota of -1 is none.
std::optional<double> old(const std::string& folder) {
  std::ifstream quota_file(folder + "/cpu.cfs_quota_us");
  std::ifstream period_file(folder + "/cpu.cfs_period_us");
  double quota = 0;
  double period = 0;
  const bool read = quota_file >> quota && period_file >> period;
  return read && quota > 0 && period > 0 ? std::optional(quota / period) : std::nullopt;
}

}  // namespace

std::optional<unsigned> cpu_quota(const std::string& root) {
  std::optional<double> least;
  for (const ControlGroup& group : control_groups(root, "cpu"))
    lower(least, group.unified ? unified(group.folder) : old(group.folder));
  if (!least || *least > 1e6) return std::nullopt;
  return static_cast<unsigned>(std::max(1.0, std::ceil(*least)));
}

}  // namespace sconce
