#include "device/measure.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "base/fail.h"

namespace sconce::device {
namespace {

/// Bytes per second: the median of three, after one that takes the cost of the first touch.
template <typename Copy>
double speed_of(Stream& stream, std::uint64_t bytes, Copy&& copy) {
  std::array<double, 3> seconds{};
  copy();
  stream.synchronise();
  for (double& time : seconds) {
    const auto begin = std::chrono::steady_clock::now();
    copy();
    stream.synchronise();
    time = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  std::ranges::sort(seconds);
  return static_cast<double>(bytes) / std::max(seconds[1], 1e-9);
}

}  // namespace

DeviceSpeed measure(const Port& port, std::uint64_t bytes) {
  if (bytes == 0) fail(ErrorCode::invalid_argument, "copies of 0 bytes have no speed");
  const auto staging = port.staging(static_cast<std::size_t>(bytes));
  const MemoryPtr first = port.allocate(bytes);
  const MemoryPtr second = port.allocate(bytes);
  const auto stream = port.stream();
  const std::span<std::byte> host = staging->bytes();
  std::memset(host.data(), 1, host.size());
  const Range here{first.get(), 0, bytes};
  const Range there{second.get(), 0, bytes};
  DeviceSpeed speed;
  speed.copy_in = speed_of(*stream, bytes, [&] { stream->copy_in(here, host); });
  speed.copy_out = speed_of(*stream, bytes, [&] { stream->copy_out(host, here); });
  speed.copy_on = speed_of(*stream, bytes, [&] { stream->copy_on(there, here); });
  return speed;
}

}  // namespace sconce::device
