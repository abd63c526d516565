#include "base/host_memory.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <string_view>

#include "base/checked.h"
#include "base/control_groups.h"

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
  std::string_view limit;
  std::string_view usage;
  std::string_view active;  // page cache, in memory.stat
  std::string_view inactive;
};
constexpr Names kUnified = {"memory.max", "memory.current", "active_file ", "inactive_file "};
constexpr Names kOld = {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_active_file ", "total_inactive_file "};

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
  for (const ControlGroup& group : control_groups(root, "memory"))
    limit_by_folder(group.folder, group.unified ? kUnified : kOld, memory);
  return memory;
}

}  // namespace sconce
