// Names of devices, as PyTorch spells them.
#include <array>
#include <charconv>
#include <string>

#include <sconce/tensor.h>

#include "base/fail.h"
#include "base/text.h"

namespace sconce {
inline namespace v0 {
namespace {

struct TypeName {
  std::string_view name;
  DeviceType type;
  bool counted;  // there can be several
};

constexpr std::array kTypes = {
    TypeName{"cpu", DeviceType::cpu, false},
    TypeName{"cuda", DeviceType::cuda, true},
    TypeName{"opencl", DeviceType::opencl, true},
    TypeName{"meta", DeviceType::meta, false},
};

std::optional<std::uint32_t> index_of(std::string_view digits) noexcept {
  std::uint32_t index = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return index;
}

}  // namespace

std::optional<Device> Device::find(std::string_view text) noexcept {
  const std::size_t colon = text.find(':');
  for (const TypeName& known : kTypes) {
    if (text.substr(0, colon) != known.name) continue;
    if (colon == std::string_view::npos) return Device{known.type, 0};
    const auto index = index_of(text.substr(colon + 1));
    if (!index || (!known.counted && *index != 0)) return std::nullopt;
    return Device{known.type, *index};
  }
  return std::nullopt;
}

Device Device::parse(std::string_view text) {
  if (const auto device = find(text)) return *device;
  fail(ErrorCode::invalid_argument, "\"" + escaped(text) + "\" names no device", {},
       "devices are cpu, cuda:N, opencl:N and meta; `sconce devices` lists those that are here");
}

std::string Device::to_string() const {
  for (const TypeName& known : kTypes) {
    if (known.type != type) continue;
    return known.counted ? std::string(known.name) + ":" + std::to_string(index) : std::string(known.name);
  }
  return "cpu";
}

}  // namespace v0
}  // namespace sconce
