// load_timed FILE: open a checkpoint and read every tensor's bytes, as a program that runs the model would; says how
// long each took. scripts/demo ends with it.
#include <sconce/sconce.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace {

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) {
    std::fprintf(stderr, "usage: load_timed FILE\n");
    return 2;
  }
  try {
    const auto opening = std::chrono::steady_clock::now();
    const sconce::Checkpoint checkpoint = sconce::load(words[1]);
    std::printf("opened in %.2f ms: %s; no tensor byte is read yet\n", milliseconds_since(opening),
                checkpoint.file().format.c_str());

    const auto reading = std::chrono::steady_clock::now();
    std::uint64_t tensors = 0, bytes = 0;
    std::vector<std::byte> elements;
    sconce::WalkOptions only_tensors;
    only_tensors.values = false;
    checkpoint.walk(only_tensors, [&](const sconce::Leaf& leaf) {
      const sconce::Tensor tensor = leaf.tensor();
      if (!tensor.has_storage()) return true;  // a sparse tensor's parts follow it; a meta tensor has no bytes
      elements.resize(static_cast<std::size_t>(sconce::bytes_of(tensor.dtype(), tensor.numel()).value_or(0)));
      tensor.copy_to(elements);
      ++tensors;
      bytes += elements.size();
      return true;
    });
    std::printf("%llu tensors, %llu bytes, copied into plain memory in %.2f ms\n",
                static_cast<unsigned long long>(tensors), static_cast<unsigned long long>(bytes),
                milliseconds_since(reading));
    return 0;
  } catch (const sconce::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
