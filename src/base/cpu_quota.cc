#include "base/cpu_quota.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string_view>

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

bool names_cpu(std::string_view controllers) {
  return ("," + std::string(controllers) + ",").find(",cpu,") != std::string::npos;
}

/// A group and all that it lies in. In a container the path may be that of the host, of which only the end is mounted.
void look(const std::string& mount, std::string path, std::optional<double> (*quota)(const std::string&),
          std::optional<double>& least) {
  if (path.find("/..") != std::string::npos) path.clear();  // outside of what this process sees
  while (!path.empty()) {
    lower(least, quota(mount + path));
    path.resize(std::min(path.find_last_of('/'), path.size() - 1));
  }
  lower(least, quota(mount));
}

}  // namespace

std::optional<unsigned> cpu_quota(const std::string& root) {
  const std::string folder = root.ends_with('/') ? root : root + "/";
  std::optional<double> least;
  std::ifstream groups(folder + "proc/self/cgroup");
  // Lines of the form "4:cpu,cpuacct:/docker/0123" (version 1) and "0::/user.slice" (version 2).
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      look(folder + "sys/fs/cgroup", path, unified, least);
    } else if (names_cpu(controllers)) {
      look(folder + "sys/fs/cgroup/cpu", path, old, least);
      look(folder + "sys/fs/cgroup/cpu,cpuacct", path, old, least);
    }
  }
  if (!least || *least > 1e6) return std::nullopt;
  return static_cast<unsigned>(std::max(1.0, std::ceil(*least)));
}

}  // namespace sconce
