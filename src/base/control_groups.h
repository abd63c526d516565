// The control groups (version 1 and 2) that a process lies in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sconce {

/// A folder whose files limit the process.
struct ControlGroup {
  bool unified = false;   ///< version 2: other names of files
  std::string folder;
};

/// The group of the process and all that it lies in, for one controller ("memory", "cpu"), as /proc/self/cgroup and the
/// usual mounts have them. In a container the path may be that of the host, of which only the end is mounted: folders
/// that are not there limit nothing. `root` is the folder that `proc` and `sys` lie in.
[[nodiscard]] std::vector<ControlGroup> control_groups(const std::string& root, std::string_view controller);

}  // namespace sconce
