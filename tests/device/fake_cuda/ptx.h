// Runs kernels in PTX, one thread after another, as far as Sconce's own need it: the text that a device would compile
// is the text that is tested.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fake_cuda {

struct Operand {
  bool is_register = false;
  unsigned index = 0;       // of the register
  std::uint64_t value = 0;  // of the constant, or what is added to the register
};

struct Instruction {
  std::string op;
  int predicate = -1;  // register that must be true
  Operand a, b, c, d;
  std::size_t target = 0;  // of a branch
};

using Kernel = std::vector<Instruction>;

/// Kernels by name. Throws std::runtime_error for what it does not know.
std::map<std::string, Kernel> parse_ptx(const std::string& text);

/// One thread of a kernel with three parameters of 64 bits.
void run_thread(const Kernel& kernel, const std::uint64_t (&parameters)[3], std::uint32_t group, std::uint32_t groups,
                std::uint32_t thread, std::uint32_t threads);

}  // namespace fake_cuda
