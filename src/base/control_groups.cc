#include "base/control_groups.h"

#include <algorithm>
#include <fstream>

namespace sconce {
namespace {

/// Where version 1 mounts a controller, alone or with the one that it comes with.
std::vector<std::string> old_mounts(std::string_view controller) {
  std::vector<std::string> mounts{"sys/fs/cgroup/" + std::string(controller)};
  if (controller == "cpu") mounts.emplace_back("sys/fs/cgroup/cpu,cpuacct");
  return mounts;
}

void add_line(std::vector<ControlGroup>& groups, const std::string& mount, std::string path, bool unified) {
  while (path.ends_with('/')) path.pop_back();
  if (path.find("/..") != std::string::npos) path.clear();  // outside of what this process sees
  while (true) {
    groups.push_back({unified, mount + path});
    if (path.empty()) return;
    path.resize(std::min(path.find_last_of('/'), path.size() - 1));
  }
}

bool names(std::string_view controllers, std::string_view controller) {
  return ("," + std::string(controllers) + ",").find("," + std::string(controller) + ",") != std::string::npos;
}

}  // namespace

std::vector<ControlGroup> control_groups(const std::string& root, std::string_view controller) {
  const std::string folder = root.ends_with('/') ? root : root + "/";
  std::vector<ControlGroup> groups;
  std::ifstream file(folder + "proc/self/cgroup");
  // Lines of the form "4:cpu,cpuacct:/docker/0123" (version 1) and "0::/user.slice" (version 2).
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      for (const char* mount : {"sys/fs/cgroup", "sys/fs/cgroup/unified"}) add_line(groups, folder + mount, path, true);
    } else if (names(controllers, controller)) {
      for (const std::string& mount : old_mounts(controller)) add_line(groups, folder + mount, path, false);
    }
  }
  return groups;
}

}  // namespace sconce
