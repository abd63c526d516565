#include "touch.h"

std::uint64_t bench_touch(const std::uintptr_t* addresses, const std::uint64_t* sizes, std::uint64_t count) {
  std::uint64_t sum = 0;
  for (std::uint64_t range = 0; range < count; ++range) {
    if (sizes[range] == 0) continue;
    const auto* bytes = reinterpret_cast<const unsigned char*>(addresses[range]);
    for (std::uint64_t at = 0; at < sizes[range]; at += 4096) sum += bytes[at];
    sum += bytes[sizes[range] - 1];
  }
  return sum;
}
