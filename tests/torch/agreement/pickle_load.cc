// pickle_load FILE...: what libtorch's own readers do with each file, a line of JSON for each: torch::jit::load for
// TorchScript (a name that begins with "torchscript"), torch::pickle_load for all others.
//
// libtorch.json was made with this program; README.md in this folder says how.
#include <torch/script.h>

#include <torch/csrc/jit/serialization/pickle.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

namespace {

std::string json_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text.substr(0, text.find('\n')).substr(0, 300)) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 32 ? ' ' : c;
  }
  return out + "\"";
}

void read(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  if (name.rfind("torchscript", 0) == 0) {
    torch::jit::load(path);
    return;
  }
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  torch::jit::pickle_load(bytes);
}

}  // namespace

int main(int count, char** paths) {
  for (int at = 1; at < count; ++at) {
    std::string message;
    try {
      read(paths[at]);
    } catch (const std::exception& error) {
      message = error.what();
      if (message.empty()) message = "an exception without a message";
    }
    std::cout << "{\"file\": " << json_text(paths[at]) << ", \"message\": " << json_text(message) << "}" << std::endl;
  }
}
