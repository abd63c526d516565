#include "ptx.h"

#include <bit>
#include <cstring>
#include <functional>
#include <sstream>
#include <stdexcept>

namespace fake_cuda {
namespace {

constexpr unsigned kPerClass = 32;  // registers of each letter
constexpr unsigned kRegisters = 4 * kPerClass + 4;
const std::map<std::string, unsigned> kSpecial = {{"%ctaid.x", 4 * kPerClass},
                                                  {"%ntid.x", 4 * kPerClass + 1},
                                                  {"%tid.x", 4 * kPerClass + 2},
                                                  {"%nctaid.x", 4 * kPerClass + 3}};
const std::map<std::string, std::uint64_t> kParameters = {{"to", 0}, {"from", 1}, {"count", 2}};

Operand operand_of(std::string text) {
  Operand operand;
  if (text.starts_with('[')) text = text.substr(1, text.size() - 2);
  if (const auto known = kParameters.find(text); known != kParameters.end()) return {false, 0, known->second};
  if (const auto plus = text.find('+'); plus != std::string::npos) {
    operand.value = std::stoull(text.substr(plus + 1), nullptr, 0);
    text.resize(plus);
  }
  if (!text.starts_with('%')) return {false, 0, std::stoull(text, nullptr, 0)};
  operand.is_register = true;
  if (const auto special = kSpecial.find(text); special != kSpecial.end()) {
    operand.index = special->second;
    return operand;
  }
  const auto letter = std::string("prfd").find(text.at(1));
  const unsigned number = static_cast<unsigned>(std::stoul(text.substr(2)));
  if (letter == std::string::npos || number >= kPerClass) throw std::runtime_error("register " + text);
  operand.index = static_cast<unsigned>(letter) * kPerClass + number;
  return operand;
}

struct Machine {
  std::uint64_t registers[kRegisters] = {};
  const std::uint64_t* parameters = nullptr;

  std::uint64_t get(const Operand& operand) const {
    return operand.is_register ? registers[operand.index] + operand.value : operand.value;
  }
  std::uint32_t low(const Operand& operand) const { return static_cast<std::uint32_t>(get(operand)); }
  float real(const Operand& operand) const { return std::bit_cast<float>(low(operand)); }
  void set(const Operand& operand, std::uint64_t value) { registers[operand.index] = value; }
  void set(const Operand& operand, float value) { set(operand, std::uint64_t{std::bit_cast<std::uint32_t>(value)}); }
};

template <typename T>
std::uint64_t load(std::uint64_t address) {
  if (address % sizeof(T) != 0) throw std::runtime_error("CUDA_ERROR_MISALIGNED_ADDRESS");
  T value;
  std::memcpy(&value, reinterpret_cast<const void*>(address), sizeof value);
  return value;
}
template <typename T>
void store(std::uint64_t address, std::uint64_t bits) {
  if (address % sizeof(T) != 0) throw std::runtime_error("CUDA_ERROR_MISALIGNED_ADDRESS");
  const T value = static_cast<T>(bits);
  std::memcpy(reinterpret_cast<void*>(address), &value, sizeof value);
}

using Step = void (*)(Machine&, const Instruction&);
const std::map<std::string, Step> kSteps = {
    {"ld.param.u64", [](Machine& m, const Instruction& i) { m.set(i.a, m.parameters[i.b.value]); }},
    {"cvta.to.global.u64", [](Machine& m, const Instruction& i) { m.set(i.a, m.get(i.b)); }},
    {"mov.u32", [](Machine& m, const Instruction& i) { m.set(i.a, std::uint64_t{m.low(i.b)}); }},
    {"mov.b32", [](Machine& m, const Instruction& i) { m.set(i.a, std::uint64_t{m.low(i.b)}); }},
    {"mul.wide.u32", [](Machine& m, const Instruction& i) { m.set(i.a, std::uint64_t{m.low(i.b)} * m.low(i.c)); }},
    {"cvt.u64.u32", [](Machine& m, const Instruction& i) { m.set(i.a, std::uint64_t{m.low(i.b)}); }},
    {"add.u64", [](Machine& m, const Instruction& i) { m.set(i.a, m.get(i.b) + m.get(i.c)); }},
    {"shl.b64", [](Machine& m, const Instruction& i) { m.set(i.a, m.get(i.b) << m.get(i.c)); }},
    {"setp.ge.u64", [](Machine& m, const Instruction& i) { m.set(i.a, std::uint64_t{m.get(i.b) >= m.get(i.c)}); }},
    {"setp.lt.u32", [](Machine& m, const Instruction& i) { m.set(i.a, std::uint64_t{m.low(i.b) < m.low(i.c)}); }},
    {"setp.gt.u32", [](Machine& m, const Instruction& i) { m.set(i.a, std::uint64_t{m.low(i.b) > m.low(i.c)}); }},
    {"selp.b32",
     [](Machine& m, const Instruction& i) { m.set(i.a, std::uint64_t{m.low(m.get(i.d) != 0 ? i.b : i.c)}); }},
    {"shr.u32", [](Machine& m, const Instruction& i) { m.set(i.a, std::uint64_t{m.low(i.b) >> m.low(i.c)}); }},
    {"shl.b32", [](Machine& m, const Instruction& i) { m.set(i.a, std::uint64_t{m.low(i.b) << m.low(i.c)}); }},
    {"and.b32", [](Machine& m, const Instruction& i) { m.set(i.a, std::uint64_t{m.low(i.b) & m.low(i.c)}); }},
    {"or.b32", [](Machine& m, const Instruction& i) { m.set(i.a, std::uint64_t{m.low(i.b) | m.low(i.c)}); }},
    {"add.u32", [](Machine& m, const Instruction& i) { m.set(i.a, std::uint64_t{m.low(i.b) + m.low(i.c)}); }},
    {"sub.u32", [](Machine& m, const Instruction& i) { m.set(i.a, std::uint64_t{m.low(i.b) - m.low(i.c)}); }},
    {"add.rn.f32", [](Machine& m, const Instruction& i) { m.set(i.a, m.real(i.b) + m.real(i.c)); }},
    {"mul.rn.f32", [](Machine& m, const Instruction& i) { m.set(i.a, m.real(i.b) * m.real(i.c)); }},
    {"cvt.rn.f32.u32", [](Machine& m, const Instruction& i) { m.set(i.a, static_cast<float>(m.low(i.b))); }},
    {"ld.global.u8", [](Machine& m, const Instruction& i) { m.set(i.a, load<std::uint8_t>(m.get(i.b))); }},
    {"ld.global.u16", [](Machine& m, const Instruction& i) { m.set(i.a, load<std::uint16_t>(m.get(i.b))); }},
    {"ld.global.u32", [](Machine& m, const Instruction& i) { m.set(i.a, load<std::uint32_t>(m.get(i.b))); }},
    {"st.global.u8", [](Machine& m, const Instruction& i) { store<std::uint8_t>(m.get(i.a), m.get(i.b)); }},
    {"st.global.u16", [](Machine& m, const Instruction& i) { store<std::uint16_t>(m.get(i.a), m.get(i.b)); }},
    {"st.global.u32", [](Machine& m, const Instruction& i) { store<std::uint32_t>(m.get(i.a), m.get(i.b)); }},
};

Instruction instruction_of(std::istringstream words, std::vector<std::string>& branches) {
  Instruction instruction;
  words >> instruction.op;
  if (instruction.op.starts_with('@')) {
    instruction.predicate = static_cast<int>(operand_of(instruction.op.substr(1)).index);
    words >> instruction.op;
  }
  branches.emplace_back();
  if (instruction.op == "ret") return instruction;
  if (instruction.op == "bra") {
    words >> branches.back();
    return instruction;
  }
  if (!kSteps.contains(instruction.op)) throw std::runtime_error("instruction " + instruction.op);
  Operand* const operands[] = {&instruction.a, &instruction.b, &instruction.c, &instruction.d};
  std::size_t at = 0;
  for (std::string word; words >> word; ++at) *operands[at] = operand_of(word);
  return instruction;
}

Kernel kernel_of(std::istream& lines) {
  Kernel kernel;
  std::vector<std::string> branches;
  std::map<std::string, std::size_t> labels;
  for (std::string line; std::getline(lines, line) && line != "}";) {
    if (const auto comment = line.find("//"); comment != std::string::npos) line.resize(comment);
    for (char& c : line)
      if (c == ',' || c == ';') c = ' ';
    const auto begin = line.find_first_not_of(' ');
    if (begin == std::string::npos || line[begin] == '.' || line[begin] == '{') continue;
    if (const auto end = line.find_last_not_of(' '); line[end] == ':') {
      labels[line.substr(begin, end - begin)] = kernel.size();
      continue;
    }
    kernel.push_back(instruction_of(std::istringstream(line), branches));
  }
  for (std::size_t at = 0; at < kernel.size(); ++at)
    if (!branches[at].empty()) kernel[at].target = labels.at(branches[at]);
  return kernel;
}

}  // namespace

std::map<std::string, Kernel> parse_ptx(const std::string& text) {
  std::map<std::string, Kernel> kernels;
  std::istringstream lines(text);
  constexpr const char* kEntry = ".visible .entry ";
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(kEntry)) continue;
    std::string name = line.substr(std::strlen(kEntry));
    name.resize(name.find('('));
    kernels[name] = kernel_of(lines);
  }
  return kernels;
}

void run_thread(const Kernel& kernel, const std::uint64_t (&parameters)[3], std::uint32_t group, std::uint32_t groups,
                std::uint32_t thread, std::uint32_t threads) {
  static const auto steps_of = [](const Kernel& of) {
    std::vector<Step> steps;
    for (const Instruction& instruction : of) {
      const auto known = kSteps.find(instruction.op);
      steps.push_back(known != kSteps.end() ? known->second : nullptr);
    }
    return steps;
  };
  thread_local std::pair<const Kernel*, std::vector<Step>> cached;
  if (cached.first != &kernel) cached = {&kernel, steps_of(kernel)};
  Machine machine;
  machine.parameters = parameters;
  machine.registers[kSpecial.at("%ctaid.x")] = group;
  machine.registers[kSpecial.at("%nctaid.x")] = groups;
  machine.registers[kSpecial.at("%tid.x")] = thread;
  machine.registers[kSpecial.at("%ntid.x")] = threads;
  for (std::size_t at = 0; at < kernel.size(); ++at) {
    const Instruction& instruction = kernel[at];
    if (instruction.predicate >= 0 && machine.registers[instruction.predicate] == 0) continue;
    if (const Step step = cached.second[at])
      step(machine, instruction);
    else if (instruction.op == "bra")
      at = instruction.target - 1;
    else
      return;
  }
}

}  // namespace fake_cuda
