#include "base/host_memory.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <string_view>

#include "base/checked.h"

namespace sconce {
namespace {

std::optional<std::uint64_t> number_in(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data() + begin, text.data() + text.size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

/// A file of one number; nothing for "max", too.
std::optional<std::uint64_t> number_of(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  return std::getline(file, line) ? number_in(line) : std::nullopt;
}

/// The number behind a word at the beginning of a line.
std::optional<std::uint64_t> number_behind(const std::string& path, std::string_view word) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(word)) return number_in(std::string_view(line).substr(word.size()));
  return std::nullopt;
}

/// How one version of control groups names things.
struct Names {
  std::string_view mount;
  std::string_view limit;
  std::string_view usage;
  std::string_view active;  // page cache, in memory.stat
  std::string_view inactive;
};
constexpr Names kUnified = {"sys/fs/cgroup", "memory.max", "memory.current", "active_file ", "inactive_file "};
constexpr Names kHybrid = {"sys/fs/cgroup/unified", "memory.max", "memory.current", "active_file ", "inactive_file "};
constexpr Names kOld = {"sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_active_file ",
                        "total_inactive_file "};

void limit_by_folder(const std::string& folder, const Names& names, HostMemory& memory) {
  const auto limit = number_of(folder + "/" + std::string(names.limit));
  if (!limit) return;
  memory.total = std::min(memory.total, *limit);
  memory.available = std::min(memory.available, *limit);
  const auto usage = number_of(folder + "/" + std::string(names.usage));
  if (!usage) return;
  // Page cache counts as used, but goes when memory is asked for.
  const std::string stat = folder + "/memory.stat";
  const std::uint64_t cache =
      checked_add(number_behind(stat, names.active).value_or(0), number_behind(stat, names.inactive).value_or(0))
          .value_or(UINT64_MAX);
  const std::uint64_t held = *usage - std::min(*usage, cache);
  memory.available = std::min(memory.available, *limit - std::min(*limit, held));
}

/// A group and all that it lies in. In a container the path may be that of the host, of which only the end is mounted.
void limit_by_group(const std::string& root, const Names& names, std::string path, HostMemory& memory) {
  while (path.ends_with('/')) path.pop_back();
  if (path.find("/..") != std::string::npos) path.clear();  // outside of what this process sees
  const std::string mount = root + std::string(names.mount);
  while (true) {
    limit_by_folder(mount + path, names, memory);
    if (path.empty()) return;
    path.resize(path.find_last_of('/') == std::string::npos ? 0 : path.find_last_of('/'));
  }
}

bool has_memory(std::string_view controllers) {
  while (true) {
    const std::size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == "memory") return true;
    if (comma == std::string_view::npos) return false;
    controllers.remove_prefix(comma + 1);
  }
}

/// Lines of the form "4:memory:/docker/0123" (version 1) and "0::/user.slice" (version 2).
void limit_by_groups(const std::string& root, HostMemory& memory) {
  std::ifstream groups(root + "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string_view controllers = std::string_view(line).substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      limit_by_group(root, kUnified, path, memory);
      limit_by_group(root, kHybrid, path, memory);
    } else if (has_memory(controllers)) {
      limit_by_group(root, kOld, path, memory);
    }
  }
}

std::uint64_t pages(int name) {
  const long count = ::sysconf(name);
  const long size = ::sysconf(_SC_PAGESIZE);
  return count < 0 || size < 0 ? 0 : static_cast<std::uint64_t>(count) * static_cast<std::uint64_t>(size);
}

}  // namespace

HostMemory host_memory(const std::string& root) {
  const std::string folder = root.ends_with('/') ? root : root + "/";
  const std::string info = folder + "proc/meminfo";
  const auto bytes = [&info](std::string_view word) -> std::optional<std::uint64_t> {
    const auto kilobytes = number_behind(info, word);
    return kilobytes ? checked_mul(*kilobytes, 1024) : std::nullopt;
  };
  HostMemory memory;
  memory.total = bytes("MemTotal:").value_or(pages(_SC_PHYS_PAGES));
  memory.available = std::min(memory.total, bytes("MemAvailable:").value_or(pages(_SC_AVPHYS_PAGES)));
  limit_by_groups(folder, memory);
  return memory;
}

}  // namespace sconce
