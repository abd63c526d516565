// Memory of the host that this process may use.
#pragma once

#include <cstdint>
#include <string>

namespace sconce {

struct HostMemory {
  std::uint64_t total = 0;  ///< bytes that the process could ever have
  std::uint64_t available =
      0;  ///< bytes that it can still have without swapping, page cache that can be dropped included
};

/// What /proc/meminfo says, and no more than the control groups of the process (version 2 and 1, with all that they lie
/// in) leave. What cannot be read limits nothing. `root` is the folder that `proc` and `sys` lie in.
[[nodiscard]] HostMemory host_memory(const std::string& root = "/");

}  // namespace sconce
