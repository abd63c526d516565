// load HOW FILE: fills a module of 64 parameters from FILE, once, and says how long it took and how much memory it took
// beyond what the process held before. HOW: sconce, sconce-unchecked (no checksums), pickle_load (libtorch's own).
// `run` beside it runs this and load.py in turn.
#include <sconce/libtorch/load_into.h>
#include <sconce/sconce.h>
#include <torch/serialize.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int kTensors = 64;
constexpr std::int64_t kSide = 2048;

/// As load.py's: initialised, so that its memory is there.
struct Model : torch::nn::Module {
  Model() {
    for (int at = 0; at < kTensors; ++at) register_parameter("w" + std::to_string(at), torch::zeros({kSide, kSide}));
  }
};

/// A line of /proc/self/status, in KiB.
long status(std::string_view name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name)) return std::stol(line.substr(name.size() + 1));
  return 0;
}

/// What people write without Sconce.
void pickle_load(Model& model, const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::vector<char> bytes(static_cast<std::size_t>(file.tellg()));
  file.seekg(0);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  const auto values = torch::pickle_load(bytes).toGenericDict();
  const torch::NoGradGuard no_grad;
  for (auto& item : model.named_parameters()) item.value().copy_(values.at(item.key()).toTensor());
}

void fill(Model& model, const std::string& how, const std::string& path) {
  if (how == "pickle_load") return pickle_load(model, path);
  sconce::libtorch::LoadIntoOptions options;
  if (how == "sconce-unchecked") options.checksums = sconce::Checksums::skip;
  sconce::libtorch::load_into(model, path, options);
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 2;
  try {
    Model model;
    const long before = status("VmRSS:");
    // What was held at most, from here on.
    std::ofstream("/proc/self/clear_refs") << "5";
    const auto start = std::chrono::steady_clock::now();
    fill(model, words[1], words[2]);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    double sum = 0;
    for (const auto& parameter : model.parameters()) sum += parameter.detach().sum().item<double>();
    std::printf("%.4f %ld %.6g\n", seconds, (status("VmHWM:") - before) / 1024, sum);
    return 0;
  } catch (const std::exception& error) {
    std::printf("failed %.120s\n", error.what());
    return 1;
  }
}
