// Training that goes on in another language: the C++ half of resume.py, which has the same network, data and options.
//
//   resume OUT [--from IN] [--optimizer adam|adamw|sgd|rmsprop|adagrad] [--steps N] [--device cpu] [--check OUTPUTS]
//
// Starts afresh, or where IN stopped, whoever wrote it; trains N steps, printing each loss; saves OUT for either side.
// With --check, no training: recorded inputs and outputs are replayed through the model of IN.
#include <sconce/libtorch.h>
#include <sconce/sconce.h>
#include <torch/torch.h>

#include <cstdint>
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

struct NetImpl : torch::nn::Module {
  NetImpl() {
    conv = register_module("conv", torch::nn::Conv2d(1, 4, 3));
    bn = register_module("bn", torch::nn::BatchNorm2d(4));
    dropout = register_module("dropout", torch::nn::Dropout(0.25));
    linear = register_module("linear", torch::nn::Linear(4 * 6 * 6, 3));
  }
  torch::Tensor forward(const torch::Tensor& x) { return linear(dropout(torch::relu(bn(conv(x))).flatten(1))); }
  torch::nn::Conv2d conv{nullptr};
  torch::nn::BatchNorm2d bn{nullptr};
  torch::nn::Dropout dropout{nullptr};
  torch::nn::Linear linear{nullptr};
};
TORCH_MODULE(Net);

// Numbers that look random, the same in every language: multiples of 1/128, so that floats hold them exactly.
std::uint32_t hash(std::uint32_t number) {
  number = (number ^ (number >> 16)) * 0x45d9f3bU;
  number = (number ^ (number >> 16)) * 0x45d9f3bU;
  return number ^ (number >> 16);
}

struct Batch {
  torch::Tensor images, labels;
};

Batch batch_of(std::int64_t step, const torch::Device& device) {
  constexpr std::int64_t kImages = 16, kPixels = 64;
  torch::Tensor images = torch::empty({kImages, 1, 8, 8});
  torch::Tensor labels = torch::empty({kImages}, torch::kInt64);
  for (std::int64_t at = 0; at < kImages * kPixels; ++at)
    images.data_ptr<float>()[at] =
        static_cast<float>(hash(static_cast<std::uint32_t>(step * kImages * kPixels + at)) % 256) / 128 - 1;
  for (std::int64_t at = 0; at < kImages; ++at)
    labels.data_ptr<std::int64_t>()[at] = hash(static_cast<std::uint32_t>(1'000'000 + step * kImages + at)) % 3;
  return {images.to(device), labels.to(device)};
}

std::unique_ptr<torch::optim::Optimizer> optimizer_of(const std::string& name, std::vector<torch::Tensor> parameters) {
  namespace optim = torch::optim;
  if (name == "adam") return std::make_unique<optim::Adam>(parameters, optim::AdamOptions(0.01));
  if (name == "adamw") return std::make_unique<optim::AdamW>(parameters, optim::AdamWOptions(0.01).weight_decay(0.1));
  if (name == "sgd") return std::make_unique<optim::SGD>(parameters, optim::SGDOptions(0.05).momentum(0.9));
  if (name == "rmsprop") return std::make_unique<optim::RMSprop>(parameters, optim::RMSpropOptions(0.01));
  if (name == "adagrad") return std::make_unique<optim::Adagrad>(parameters, optim::AdagradOptions(0.05));
  throw std::invalid_argument("no such optimizer: " + name);
}

int main(int count, char** words) try {
  if (count < 2 || count % 2 != 0) {
    std::cerr << "usage: resume OUT [--from IN] [--optimizer NAME] [--steps N] [--device D] [--check OUTPUTS]\n";
    return 2;
  }
  std::map<std::string, std::string> options{{"--optimizer", "adam"}, {"--steps", "3"}, {"--device", "cpu"}};
  for (int at = 2; at < count; at += 2) options[words[at]] = words[at + 1];
  const torch::Device device(options["--device"]);
  torch::set_num_threads(1);  // so that sums are made in one order, everywhere
  torch::manual_seed(0);

  Net net;
  net->to(device);
  const auto optimizer = optimizer_of(options["--optimizer"], net->parameters());
  sconce::libtorch::StepLR scheduler(*optimizer, /*step_size=*/2, /*gamma=*/0.5);
  sconce::libtorch::OptimizerExtras extras;
  std::int64_t step = 0;

  if (options.contains("--from")) {
    const sconce::Checkpoint run = sconce::load(options["--from"]);
    sconce::libtorch::LoadIntoOptions model;
    model.which = "model";
    sconce::libtorch::load_into(net, run, model);                        // names, shapes, dtypes: all or nothing
    extras = sconce::libtorch::load_into(*optimizer, run["optimizer"]);  // moments, steps, settings of groups
    scheduler.load_state_dict(run["scheduler"]);
    sconce::libtorch::set_rng_state(run["rng_state"].as_tensor());  // the same dropout masks follow
    step = run["step"].as_int();
  }
  if (options.contains("--check")) {
    const auto report = sconce::libtorch::check_outputs(net, options["--check"]);
    std::cout << report.to_text();
    return report.passed() ? 0 : 1;
  }

  net->train();
  for (const std::int64_t end = step + std::stoll(options["--steps"]); step < end; ++step) {
    const Batch batch = batch_of(step, device);
    optimizer->zero_grad();
    const torch::Tensor loss = torch::nn::functional::cross_entropy(net->forward(batch.images), batch.labels);
    loss.backward();
    optimizer->step();
    scheduler.step();
    std::printf("%lld %.9g\n", static_cast<long long>(step), static_cast<double>(loss.item<float>()));
  }

  scheduler.note_initial_lr(extras);
  sconce::libtorch::save(words[1], {{"model", net},
                                    {"optimizer", *optimizer, extras},
                                    {"scheduler", scheduler},
                                    {"rng_state", sconce::libtorch::rng_state()},
                                    {"step", step}});
  return 0;
} catch (const std::exception& error) {  // sconce::Error says which file, key and shape
  std::cerr << error.what() << "\n";
  return 1;
}
