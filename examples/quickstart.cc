#include <sconce/sconce.h>

#include <cstdint>
#include <iostream>
#include <span>
#include <vector>

int main() {
  try {
    // A checkpoint made in memory: a tree of values whose leaves are tensors.
    sconce::Checkpoint fresh;
    fresh["model"]["conv1.weight"] = sconce::Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3});
    fresh["model"]["conv1.bias"] = sconce::Tensor::from(std::vector<float>{0.5, -0.5}, {2});
    fresh["epoch"] = 3;
    sconce::save(fresh, "fresh.pt");  // atomic and durable; opens in PyTorch 1.6 and every later one

    // Loading reads the archive's directory and the pickle, and no tensor byte.
    const sconce::Checkpoint run = sconce::load("fresh.pt");
    for (const auto& [name, tensor] : run.state_dict()) {  // found where it is nested: here under "model"
      std::cout << name << " " << to_string(tensor.dtype()) << ", " << tensor.numel() << " elements\n";
    }
    const sconce::Tensor weight = run.tensor("model.conv1.weight");
    const std::span<const float> values = weight.data<float>();  // a view of the mapped file; dtype and order checked
    const std::int64_t epoch = run["epoch"].as_int();
    std::cout << "the last weight is " << values.back() << " after epoch " << epoch << "\n";

    sconce::save(run, "fresh.safetensors");  // the suffix chooses the format
  } catch (const sconce::Error& error) {     // file, offset, record, key, what was expected, what to do
    std::cerr << error.what() << "\n";
    return 1;
  }
}
