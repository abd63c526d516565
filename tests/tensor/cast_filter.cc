// cast_filter FROM TO: elements of one dtype on standard input, of the other on standard output. For tests/torch/casts,
// which compares them with PyTorch's.
#include <cstdio>
#include <optional>
#include <vector>

#include <sconce/error.h>

#include "tensor/cast.h"

int main(int count, char** arguments) {
  const auto from = count == 3 ? sconce::dtype_from_string(arguments[1]) : std::nullopt;
  const auto to = count == 3 ? sconce::dtype_from_string(arguments[2]) : std::nullopt;
  if (!from || !to || !sconce::tensor::can_cast(*from, *to)) return 2;
  const std::size_t in = sconce::element_size(*from);
  const std::size_t out = sconce::element_size(*to);
  std::vector<std::byte> elements(in << 16);
  std::vector<std::byte> cast(out << 16);
  while (const std::size_t read = std::fread(elements.data(), in, elements.size() / in, stdin)) {
    sconce::tensor::cast_elements(*from, elements.data(), *to, cast.data(), read);
    if (std::fwrite(cast.data(), out, read, stdout) != read) return 1;
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
