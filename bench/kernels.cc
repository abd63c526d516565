// Kernels by themselves, in one thread. They are no part of the public headers.
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "base/hash.h"
#include "memory.h"
#include "protocol.h"
#include "tensor/cast.h"

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

sconce::DType dtype(const std::string& name) {
  const auto found = sconce::dtype_from_string(name);
  if (!found) throw std::runtime_error("no dtype " + name);
  return *found;
}

/// cast FROM TO COUNT: memory that was touched before into memory that was touched before.
Answer cast(const Words& words) {
  const sconce::DType from = dtype(word(words, 0));
  const sconce::DType to = dtype(word(words, 1));
  const std::uint64_t count = number(words, 2);
  const Memory in(count * sconce::element_size(from));
  const Memory out(count * sconce::element_size(to));
  in.populate();
  out.populate();
  const double begin = now();
  sconce::tensor::cast_elements(from, in.at(0), to, out.at(0), count);
  return {{{"seconds", now() - begin}}, {}};
}

/// copy BYTES: memcpy under the same conditions.
Answer copy(const Words& words) {
  const Memory in(number(words, 0));
  const Memory out(in.size());
  in.populate();
  out.populate();
  const double begin = now();
  std::memcpy(out.at(0), in.at(0), in.size());
  return {{{"seconds", now() - begin}}, {}};
}

}  // namespace

int main() { return serve({{"crc", crc}, {"cast", cast}, {"copy", copy}}); }
