#include "archive/zip_names.h"

#include "base/text.h"

namespace sconce::archive {
namespace {

constexpr std::size_t kShown = 120;

/// Whether one of the components between '/' and '\' is "..".
bool climbs(std::string_view name) noexcept {
  for (std::size_t at = name.find(".."); at != std::string_view::npos; at = name.find("..", at + 1)) {
    const bool starts = at == 0 || name[at - 1] == '/' || name[at - 1] == '\\';
    const bool ends = at + 2 == name.size() || name[at + 2] == '/' || name[at + 2] == '\\';
    if (starts && ends) return true;
  }
  return false;
}

}  // namespace

std::string short_name(std::string_view name) {
  if (name.size() <= kShown) return std::string(name);
  return std::string(name.substr(0, kShown)) + "… (" + std::to_string(name.size()) + " bytes)";
}

std::string_view odd_name(std::string_view name) noexcept {
  if (name.empty()) return "an entry without a name";
  bool backslash = false, control = false, beyond_ascii = false;
  for (const char letter : name) {
    const auto byte = static_cast<unsigned char>(letter);
    backslash |= byte == '\\';
    control |= byte < 0x20 || byte == 0x7F;
    beyond_ascii |= byte >= 0x80;
  }
  if (control) return "a name with control characters";
  if (name.front() == '/') return "an absolute path as a name";
  if (climbs(name)) return "a name that climbs out of its folder";
  if (backslash) return "a name with a backslash";
  if (name.size() > 1 && name[1] == ':') return "a name with a drive";
  if (beyond_ascii && !is_utf8(name)) return "a name that is no UTF-8";
  return {};
}

}  // namespace sconce::archive
