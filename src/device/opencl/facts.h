// What the driver says about a device.
#pragma once

#include <string>

#include "device/opencl/api.h"

namespace sconce::device::opencl {

/// 0 where the driver does not know.
template <typename Number>
[[nodiscard]] Number device_number(const Api& api, DeviceId device, std::uint32_t what) noexcept {
  Number value = 0;
  return api.get_device_info(device, what, sizeof value, &value, nullptr) == kSuccess ? value : Number{0};
}

/// Any text that an info function gives, without what follows its end and the spaces around it; empty where it fails.
template <typename Object, typename Function>
[[nodiscard]] std::string info_text(Function function, Object object, std::uint32_t what) {
  std::size_t size = 0;
  if (function(object, what, 0, nullptr, &size) != kSuccess || size == 0) return {};
  std::string text(size, '\0');
  if (function(object, what, size, text.data(), nullptr) != kSuccess) return {};
  text.resize(text.find('\0') != std::string::npos ? text.find('\0') : text.size());
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

}  // namespace sconce::device::opencl
