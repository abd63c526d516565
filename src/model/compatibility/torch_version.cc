#include <charconv>
#include <string>

#include <sconce/check.h>

#include "base/fail.h"

namespace sconce {
inline namespace v0 {

TorchVersion torch_version_from_text(std::string_view text) {
  std::string_view rest = text;
  for (const std::string_view prefix : {"torch==", "pytorch==", "torch", "pytorch"})
    if (rest.starts_with(prefix)) {
      rest.remove_prefix(prefix.size());
      break;
    }
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == 'v')) rest.remove_prefix(1);
  TorchVersion version;
  const char* const last = rest.data() + rest.size();
  const auto [dot, wrong] = std::from_chars(rest.data(), last, version.major);
  bool good = wrong == std::errc() && dot != last && *dot == '.';
  if (good) {
    const auto [end, wrong_minor] = std::from_chars(dot + 1, last, version.minor);
    good = wrong_minor == std::errc() && (end == last || *end == '.' || *end == '+' || *end == 'a' || *end == 'r');
  }
  if (!good || version.major < 0 || version.minor < 0)
    fail(ErrorCode::invalid_argument, "no version of PyTorch: \"" + std::string(text) + "\"", {},
         "write it as 2.6 or torch==1.13.1");
  return version;
}

std::string to_string(TorchVersion version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor);
}

std::string_view to_string(TorchMode mode) noexcept {
  switch (mode) {
    case TorchMode::plain: return "plain";
    case TorchMode::weights_only: return "weights_only";
    case TorchMode::mmap: return "mmap";
    case TorchMode::libtorch: return "libtorch";
  }
  return "plain";
}

std::vector<TorchVersion> known_torch_versions() {
  std::vector<TorchVersion> versions = {{0, 4}};
  for (int minor = 0; minor <= 13; ++minor) versions.push_back({1, minor});
  for (int minor = 0; minor <= 14; ++minor) versions.push_back({2, minor});
  return versions;
}

}  // namespace v0
}  // namespace sconce
