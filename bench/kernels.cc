// Kernels by themselves, on bytes that are in the cache of a core. They are no part of the public headers.
#include <cstddef>
#include <vector>

#include "base/hash.h"
#include "protocol.h"

namespace {

using namespace bench;

/// crc BYTES TIMES: CRC-32 of the same bytes again and again.
Answer crc(const Words& words) {
  std::vector<std::byte> bytes(number(words, 0));
  for (std::size_t at = 0; at < bytes.size(); ++at) bytes[at] = static_cast<std::byte>(at * 2654435761U >> 13);
  const std::uint64_t times = number(words, 1);
  std::uint32_t value = sconce::crc32(0, bytes);
  const double begin = now();
  for (std::uint64_t time = 0; time < times; ++time) value = sconce::crc32(value, bytes);
  const double seconds = now() - begin;
  return {{{"seconds", seconds}, {"value", value}}, {}};
}

}  // namespace

int main() { return serve({{"crc", crc}}); }
